/** Bodies as middleware of the routes that take one: JSON alone, of bounded size and depth. */
import { Readable } from "node:stream"
import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import { clientAbortFiberId } from "@effect/platform/HttpServerError"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Problem from "./Problem.ts"

/** A command with its params is a few hundred bytes; a body is held in memory whole. */
export const maxBytes = 64 * 1024

/** Nothing we take is nested deeper than params are; what walks JSON does so by recursion. */
export const maxDepth = 32

/**
 * Reads the body once, and puts a request in place whose `json` is what was read. The framework by itself takes forms
 * and text for JSON, which any web page can send across origins, and does not bound bodies that come in chunks.
 */
export class JsonBody extends HttpApiMiddleware.Tag<JsonBody>()("@mithrandir/http/JsonBody", {
  failure: Problem.Any,
  provides: HttpServerRequest.HttpServerRequest
}) {}

/** Reads bodies, wherever the request comes from. */
export const layer: Layer.Layer<JsonBody> = Layer.succeed(
  JsonBody,
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    Effect.gen(function* () {
      yield* checkHeaders(request)
      const json = yield* parse(yield* collect(request))
      const read: HttpServerRequest.HttpServerRequest = Object.create(request, {
        json: { value: Effect.succeed(json) }
      })
      return read
    })
  )
)

/** `application/json`, of UTF-8 if it says so, and not compressed. */
const checkHeaders = ({ headers }: HttpServerRequest.HttpServerRequest): Effect.Effect<void, Problem.Problem> => {
  const [type = "", ...parameters] = (headers["content-type"] ?? "").toLowerCase().split(";")
  const charset = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith("charset="))
  if (type.trim() !== "application/json" || (charset !== undefined && !/^charset="?utf-8"?$/.test(charset))) {
    return Problem.make("unsupported-media-type", {
      detail: "send the body as content-type: application/json, in UTF-8"
    })
  }
  if ((headers["content-encoding"] ?? "identity").toLowerCase() !== "identity") {
    return Problem.make("unsupported-media-type", { detail: "send the body without a content-encoding" })
  }
  return Number(headers["content-length"] ?? 0) > maxBytes ? tooLarge() : Effect.void
}

const tooLarge = () => Problem.make("body-too-large", { detail: `a body may have ${maxBytes} bytes` })

const collect = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<Buffer, Problem.Problem> =>
  Effect.suspend(() => {
    const chunks: Array<Uint8Array> = []
    let size = 0
    return bytesOf(request).pipe(
      Stream.takeWhile((chunk) => {
        size += chunk.length
        return size <= maxBytes
      }),
      Stream.runForEach((chunk) => Effect.sync(() => void chunks.push(chunk))),
      // The body broke off: whoever sent it is gone, and there is nobody to answer.
      Effect.catchAll(() => Effect.interruptWith(clientAbortFiberId)),
      Effect.flatMap(() => {
        if (size <= maxBytes) return Effect.succeed(Buffer.concat(chunks))
        discardRest(request)
        return tooLarge()
      })
    )
  })

/** Left open when we stop early: closing it would close the connection, and nobody would read why. */
const bytesOf = (request: HttpServerRequest.HttpServerRequest): Stream.Stream<Uint8Array, unknown> =>
  request.source instanceof Readable ? fromNode(request.source) : request.stream

const fromNode = (source: Readable): Stream.Stream<Uint8Array, unknown> =>
  NodeStream.fromReadable(
    () => source,
    (error) => error,
    { closeOnDone: false }
  )

/** Lets what still comes go by unread, for as long as the server gives a request to arrive. */
const discardRest = ({ source }: HttpServerRequest.HttpServerRequest): void => {
  if (source instanceof Readable) source.resume()
}

const parse = (bytes: Buffer): Effect.Effect<unknown, Problem.Problem> =>
  Effect.suspend(() => {
    const text = decode(bytes)
    if (text === undefined) return Problem.make("malformed-json", { detail: "the body is not UTF-8" })
    if (isTooDeep(text)) return Problem.make("json-too-deep", { detail: `JSON may be nested ${maxDepth} deep` })
    return Effect.try({
      try: (): unknown => JSON.parse(text, refuseProto),
      catch: () => Problem.make("malformed-json", { detail: "the body is not well-formed JSON" })
    })
  })

const decode = (bytes: Buffer): string | undefined => {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** As a key it would vanish from every copy of its object: checked, and then lost before it is recorded. */
const refuseProto = (key: string, value: unknown): unknown => {
  if (key === "__proto__") throw new SyntaxError("__proto__")
  return value
}

/** Whether brackets outside of strings nest deeper than allowed. On what is not JSON it may say anything. */
const isTooDeep = (text: string): boolean => {
  let depth = 0
  let inString = false
  for (let index = 0; index < text.length; index++) {
    const char = text[index]
    if (inString) {
      if (char === "\\") index++
      else if (char === '"') inString = false
    } else if (char === '"') inString = true
    else if (char === "{" || char === "[") {
      depth++
      if (depth > maxDepth) return true
    } else if (char === "}" || char === "]") depth--
  }
  return false
}
