/** Every way a request can go wrong, as data: its code, its status, what it is called. The one list of both. */

interface Kind {
  readonly status: number
  readonly title: string
}

/** Problems of the request or the server as such. On the wire and in clients: `Problem`. */
export const general = {
  "invalid-request": { status: 400, title: "The request does not fit" },
  "malformed-json": { status: 400, title: "The body is not JSON" },
  "json-too-deep": { status: 400, title: "The body is nested too deep" },
  "malformed-http": { status: 400, title: "This is not HTTP" },
  "host-required": { status: 400, title: "A Host header is required" },
  "service-required": { status: 400, title: "Say which service" },
  unauthenticated: { status: 401, title: "Say who you are" },
  forbidden: { status: 403, title: "Not with this role" },
  "cross-origin": { status: 403, title: "Not for pages of other origins" },
  "not-local": { status: 403, title: "Not from this address" },
  "not-found": { status: 404, title: "There is nothing here" },
  "stuck-not-supported": { status: 404, title: "No service can list stuck jobs" },
  "method-not-allowed": { status: 405, title: "Not with this method" },
  "request-timeout": { status: 408, title: "The request took too long to arrive" },
  "body-too-large": { status: 413, title: "The body is too large" },
  "uri-too-long": { status: 414, title: "The URL is too long" },
  "unsupported-media-type": { status: 415, title: "The body must be application/json" },
  "expectation-failed": { status: 417, title: "Nothing but 100-continue can be expected" },
  "misdirected-request": { status: 421, title: "This server does not go by that name" },
  "too-many-failures": { status: 429, title: "Too many requests that were not authenticated" },
  "too-many-commands": { status: 429, title: "Too many commands" },
  "too-many-streams": { status: 429, title: "Too many streams" },
  "too-many-tickets": { status: 429, title: "Too many tickets" },
  "headers-too-large": { status: 431, title: "The headers are too large" },
  "internal-error": { status: 500, title: "Something went wrong here" },
  "upstream-unreachable": { status: 502, title: "The service could not be reached" },
  "upstream-invalid": { status: 502, title: "The service answered nonsense" },
  "not-ready": { status: 503, title: "Not ready" },
  "streams-exhausted": { status: 503, title: "No more streams can be open here" },
  "upstream-timeout": { status: 504, title: "The service did not answer in time" }
} as const satisfies Record<string, Kind>
/** The code of a problem of the request or the server as such. */
export type GeneralCode = keyof typeof general

/** Problems that the core has a name for. On the wire they carry its fields, and clients get its error back. */
export const domain = {
  "checkpoint-not-found": { status: 404, title: "Nothing was signed yet" },
  "audit-cursor-invalid": { status: 400, title: "The cursor does not fit" },
  "audit-entry-not-found": { status: 404, title: "No such entry in the audit" },
  "token-not-found": { status: 404, title: "No such token" },
  "command-not-found": { status: 404, title: "No such command" },
  "service-not-found": { status: 422, title: "No such service" },
  "action-not-found": { status: 422, title: "No such action" },
  "action-not-supported": { status: 422, title: "The service has no such action" },
  "command-invalid": { status: 422, title: "The command does not fit the action" },
  "command-id-taken": { status: 422, title: "The commandId is taken" },
  "store-unavailable": { status: 503, title: "Nothing can be written now" },
  "store-unreadable": { status: 503, title: "The database could not be read" }
} as const satisfies Record<string, Kind>
/** The code of a problem that the core has a name for. */
export type DomainCode = keyof typeof domain

/** The code of a problem. Stable. */
export type Code = GeneralCode | DomainCode

/** A URI for each code, as RFC 9457 wants it. Nothing is to be found there. */
export const typeOf = (code: string): string => `urn:mithrandir:problem:${code}`

/** What a caller is asked to wait after a 503: about as long as a standby takes to become the writer, and a bit. */
export const retryAfterSeconds = 5
