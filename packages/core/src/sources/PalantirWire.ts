/** The HTTP beneath a Palantir source: to one origin, each answer whole, bounded in size and time. */
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { identity, pipe } from "effect/Function"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { AddressRefused } from "./Egress.ts"
import { maxAnswerBytes, type RawAnswer, type ReadError, SourceInvalid, SourceUnavailable } from "./JobSource.ts"

/** 2xx, and nothing else. */
export const isOk = (status: number) => status >= 200 && status < 300

/** An answer that is no 2xx. What it means depends on what was asked. */
export class Refused extends Data.TaggedError("Refused")<{
  readonly status: number
  /** How long it asked to be left alone, if it did. */
  readonly retryAfterMs?: number
}> {}

/** How to reach it. */
export interface Options {
  /** One that has no `Egress.flaw`. */
  readonly url: string
  readonly token?: Redacted.Redacted
  readonly requestTimeout: Duration.DurationInput
}

export interface PalantirWire {
  /** One answer, whatever its status, of a path from `/api/v1` on. */
  readonly raw: (request: HttpClientRequest.HttpClientRequest) => Effect.Effect<RawAnswer, ReadError>
  /** For a derived client. Fails with `Refused` for everything but 2xx, redirects included. */
  readonly decisive: HttpClient.HttpClient.With<HttpClientError.HttpClientError | ReadError | Refused>
}

export const make = (client: HttpClient.HttpClient, options: Options): PalantirWire => {
  const { token } = options
  const base = new URL(options.url).href.replace(/\/+$/, "")
  const quotes = quoting(token)
  const here = HttpClient.mapRequest(client, (request) =>
    pipe(
      HttpClientRequest.prependUrl(request, base),
      HttpClientRequest.acceptJson,
      token === undefined ? identity : HttpClientRequest.bearerToken(Redacted.value(token))
    )
  )
  const whole = (
    response: Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>
  ): Effect.Effect<Answer, ReadError> =>
    response.pipe(
      Effect.mapError(unavailable),
      // Node refuses impossible headers and protocols by throwing, before anything is sent.
      Effect.catchAllDefect(() => new SourceUnavailable({ reason: "connect" })),
      Effect.flatMap(readWhole),
      // Around the body as well, or one that drips would hold us for ever.
      Effect.timeoutFail({
        duration: options.requestTimeout,
        onTimeout: () => new SourceUnavailable({ reason: "timeout" })
      })
    )
  return {
    raw: (request: HttpClientRequest.HttpClientRequest) =>
      Effect.map(
        Effect.filterOrFail(
          whole(here.execute(request)),
          (answer) => !quotes(answer),
          () => new SourceInvalid({ problem: quoted })
        ),
        ({ body, contentType, status }): RawAnswer => ({ body, contentType, status })
      ),
    decisive: HttpClient.transform(here, (response, request) =>
      Effect.flatMap(
        whole(response),
        (answer): Effect.Effect<HttpClientResponse.HttpClientResponse, Refused | SourceInvalid> => {
          const { body, retryAfter, status } = answer
          if (!isOk(status)) {
            return Effect.flatMap(Clock.currentTimeMillis, (now) => {
              const asked = retryAfterMs(retryAfter, now)
              return new Refused({ status, ...(asked === undefined ? {} : { retryAfterMs: asked }) })
            })
          }
          // Of what an action is answered nothing is kept, and whether it was done is not to be in doubt.
          if (request.method === "GET" && quotes(answer)) return new SourceInvalid({ problem: quoted })
          return Effect.sync(() => {
            const isEmpty = body.length === 0 || bodiless.has(status)
            return HttpClientResponse.fromWeb(request, new Response(isEmpty ? null : Buffer.from(body), { status }))
          })
        }
      )
    )
  }
}

/** An answer, and when it wants to be asked again, in its own words. */
interface Answer extends RawAnswer {
  readonly retryAfter: string | undefined
}

/** Nobody means more than a day. What is made of it has bounds of its own. */
const maxRetryAfterMs = 24 * 60 * 60 * 1000

/** What `Retry-After` says, in seconds or as a date of HTTP; undefined for what is neither. */
export const retryAfterMs = (header: string | undefined, nowMs: number): number | undefined => {
  const text = header?.trim() ?? ""
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : / GMT$/.test(text) ? Date.parse(text) - nowMs : Number.NaN
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), maxRetryAfterMs)
}

/** Statuses that have no body: a `Response` takes none, whatever was sent. */
const bodiless: ReadonlySet<number> = new Set([204, 205])

const quoted = "it quotes the token that it was sent"

/** A shorter token is no secret, and stands in ordinary words. */
const minSecretLength = 8

/**
 * Whether an answer has our token in it, as error pages for developers do that show the request: job ids and queues are
 * kept and streamed, and what is passed through may be read by whoever may read jobs.
 */
const quoting = (token: Redacted.Redacted | undefined): ((answer: RawAnswer) => boolean) => {
  const secret = token === undefined ? "" : Redacted.value(token)
  if (secret.length < minSecretLength) return () => false
  const json = JSON.stringify(secret).slice(1, -1)
  const html = secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
  const base64 = Buffer.from(secret).toString("base64")
  const forms = [secret, json, json.replaceAll("/", "\\/"), encodeURIComponent(secret), html, base64]
  const needles = Array.from(new Set(forms), (form) => Buffer.from(form))
  return ({ body, contentType = "" }) => {
    const haystacks = [Buffer.from(body.buffer, body.byteOffset, body.byteLength), Buffer.from(contentType)]
    return haystacks.some((haystack) => needles.some((needle) => haystack.includes(needle)))
  }
}

const readWhole = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<Answer, ReadError> =>
  Effect.suspend(() => {
    const chunks: Array<Uint8Array> = []
    let size = 0
    return Stream.runForEach(Stream.mapError(response.stream, unavailable), (chunk) => {
      size += chunk.length
      if (size > maxAnswerBytes) return new SourceInvalid({ problem: `more than ${maxAnswerBytes} bytes` })
      chunks.push(chunk)
      return Effect.void
    }).pipe(
      Effect.map(() => ({
        status: response.status,
        contentType: response.headers["content-type"],
        retryAfter: response.headers["retry-after"],
        body: Buffer.concat(chunks)
      }))
    )
  })

/** Only what a client says before a request has left it: everything else may have been applied. */
const neverConnected = (cause: unknown): boolean => {
  if (cause instanceof AggregateError && cause.errors.length > 0) return cause.errors.every(neverConnected)
  if (!(cause instanceof Error)) return false
  const { code, syscall } = cause as NodeJS.ErrnoException
  return syscall === "connect" || syscall === "getaddrinfo" || (code !== undefined && badCertificates.has(code))
}

// What Node refuses a server's certificate with, while the request is still held back.
const badCertificates: ReadonlySet<string> = new Set([
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "CERT_REVOKED",
  "CERT_UNTRUSTED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE"
])

/** The cause stays behind: it carries the request with its token. */
const unavailable = (error: HttpClientError.HttpClientError): SourceUnavailable => {
  if (error._tag === "ResponseError") return new SourceUnavailable({ reason: "reset" })
  if (error.cause instanceof AddressRefused) return new SourceUnavailable({ reason: "address" })
  const isUnsent = error.reason !== "Transport" || neverConnected(error.cause)
  return new SourceUnavailable({ reason: isUnsent ? "connect" : "reset" })
}
