/**
 * `/faults` of a sandbox: GET tells what is set and what happens now, POST sets it and has it happen. The hand on the
 * switch is no part of the Palantir contract, and answers whatever goes wrong with that.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http"
import { Gate } from "@mithrandir/http"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FiberSet from "effect/FiberSet"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import {
  aLength,
  type FaultName,
  type Faults,
  faultNames,
  formatFaults,
  isFault,
  isLasting,
  isSetting,
  names,
  parseLength,
  toText
} from "./Faults.ts"
import type { Changes, Say, Trouble } from "./Trouble.ts"

/** More than every setting there is, many times over. */
const maxBodyBytes = 16 * 1024

/** What a body asks for. */
export interface Turn {
  readonly changes: Changes
  readonly now?: FaultName
  readonly lasts?: Duration.Duration
}

/** Why it is not done: a status, and a sentence for whoever asked. */
interface Refusal {
  readonly status: number
  readonly problem: string
}

/** Reads a body: `{"vanish":"20s","down":"none","now":"lie","for":"5s"}`, each part as you like. Left: what is wrong. */
export const read = (text: string): Either.Either<Turn, string> =>
  Either.gen(function* () {
    const body = yield* parseObject(text)
    const changes: { -readonly [K in keyof Faults]: Changes[K] } = {}
    let now: FaultName | undefined
    let lasts: Duration.Duration | undefined
    for (const [name, value] of Object.entries(body)) {
      const length = typeof value === "string" ? parseLength(value) : undefined
      if (name === "now") {
        if (!isFault(value)) return yield* Either.left(`"now": expected one of ${faultNames.join(", ")}`)
        now = value
      } else if (name === "for") {
        if (length === undefined) return yield* Either.left(`"for": expected ${aLength}`)
        lasts = length
      } else if (!isSetting(name)) {
        return yield* Either.left(`${JSON.stringify(name)} is not known here; known: now, for, ${names.join(", ")}`)
      } else if (value === "none") changes[name] = value
      else if (length === undefined) return yield* Either.left(`"${name}": expected ${aLength}, or "none"`)
      else changes[name] = length
    }
    if (lasts !== undefined && (now === undefined || !isLasting(now))) {
      return yield* Either.left(
        now === undefined ? '"for" needs "now" beside it' : `"for": ${now} happens in a moment, and does not last`
      )
    }
    return { changes, ...(now === undefined ? {} : { now }), ...(lasts === undefined ? {} : { lasts }) }
  })

/** Answers for the scope. */
export const make = (options: {
  readonly trouble: Trouble
  readonly say: Say
}): Effect.Effect<RequestListener, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { say, trouble } = options
    const run = yield* FiberSet.makeRuntime<never>()

    const turn = ({ changes, lasts, now }: Turn): Effect.Effect<Option.Option<string>, Refusal> =>
      Effect.gen(function* () {
        // Before anything is set: it is all done, or nothing is.
        const struck = now === undefined || isLasting(now) ? Option.none() : yield* trouble.strike(now)
        if (now !== undefined && !isLasting(now) && Option.isNone(struck)) {
          return yield* Effect.fail({
            status: 409,
            problem: `no job is fit for ${now} yet; try again in a few seconds`
          })
        }
        if (Object.keys(changes).length > 0) {
          yield* trouble.set(changes)
          yield* say(`sandbox: faults from now on: ${formatFaults(trouble.faults())}`)
        }
        return now !== undefined && isLasting(now) ? Option.some(yield* trouble.begin(now, lasts)) : struck
      }).pipe(Effect.uninterruptible)

    const state = (done: Option.Option<string>) => ({
      set: toText(trouble.faults()),
      now: trouble.happening().map(({ fault, since, until }) => ({ fault, since: iso(since), until: iso(until) })),
      ...Option.match(done, { onNone: () => ({}), onSome: (words) => ({ done: words }) })
    })

    const answer = (request: IncomingMessage): Effect.Effect<unknown, Refusal> =>
      Effect.gen(function* () {
        yield* admitted(request)
        if (request.method === "GET") return state(Option.none())
        if (request.method !== "POST") return yield* Effect.fail({ status: 405, problem: "GET or POST, nothing else" })
        // What a page of another origin may send without asking first is never this.
        if (!/^application\/json\s*(?:;|$)/i.test(request.headers["content-type"] ?? "")) {
          return yield* Effect.fail({ status: 415, problem: "expected the content type application/json" })
        }
        const asked = read(yield* bodyOf(request))
        if (Either.isLeft(asked)) return yield* Effect.fail({ status: 400, problem: asked.left })
        return state(yield* turn(asked.right))
      })

    return (request, response) => {
      run(
        Effect.match(answer(request), {
          onSuccess: (body) => send(response, 200, body),
          onFailure: ({ problem, status }) => send(response, status, { problem })
        })
      )
    }
  })

const judge = Gate.loopback()

const admitted = ({ headers, method = "", socket, url = "" }: IncomingMessage): Effect.Effect<void, Refusal> => {
  const single = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value])
  )
  const arrival = { method, url, headers: single, address: socket.remoteAddress }
  const verdict = judge({ ...arrival, time: 0, permission: undefined, holder: undefined })
  return verdict._tag === "Admitted"
    ? Effect.void
    : Effect.fail({ status: verdict.problem.status, problem: verdict.problem.message })
}

const bodyOf = (request: IncomingMessage): Effect.Effect<string, Refusal> =>
  Effect.async<string, Refusal>((resume) => {
    const chunks: Array<Buffer> = []
    let size = 0
    request.on("data", (chunk: Buffer) => {
      size += chunk.length
      if (size > maxBodyBytes) {
        request.removeAllListeners("data").resume()
        resume(Effect.fail({ status: 413, problem: `expected at most ${maxBodyBytes} bytes` }))
      } else chunks.push(chunk)
    })
    request.once("end", () => resume(Effect.succeed(Buffer.concat(chunks).toString("utf8"))))
    request.once("error", () => resume(Effect.fail({ status: 400, problem: "the body did not arrive" })))
  })

const parseObject = (text: string): Either.Either<object, string> =>
  Either.try({ try: (): unknown => JSON.parse(text), catch: () => notAnObject }).pipe(
    Either.filterOrLeft(
      (value): value is object => typeof value === "object" && value !== null && !Array.isArray(value),
      () => notAnObject
    )
  )

const notAnObject = 'expected a JSON object, as {"now":"vanish"} or {"vanish":"20s","down":"none"}'

const iso = (millis: number) => new Date(millis).toISOString()

const send = (response: ServerResponse, status: number, body: unknown) => {
  const text = `${JSON.stringify(body)}\n`
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    // What is left of a body that is too long is not waited for.
    ...(status === 413 ? { connection: "close" } : {}),
    ...(status === 405 ? { allow: "GET, POST" } : {})
  })
  response.end(text)
}
