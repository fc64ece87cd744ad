/** What every answer of ours says to browsers, whoever writes it: the framework, or Node where there is no request yet. */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"

/** No guessing of types, no keeping of answers, no pages of others around them or loading them. */
export const always: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY"
}

/** The same, beside what a route sets itself. */
export const add = (response: HttpServerResponse.HttpServerResponse): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.setHeaders(response, { ...always, ...response.headers })
