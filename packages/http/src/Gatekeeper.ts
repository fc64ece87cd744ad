/** Asks the gate, for every request and whoever takes it, and keeps the record of whom it refused. */
import { Limiter, SecurityEvent, SecurityLog } from "@mithrandir/core"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Gate from "./Gate.ts"
import * as Limits from "./Limits.ts"
import type { Route } from "./Mount.ts"
import { path as streamPath } from "./StreamMessage.ts"
import { Tickets } from "./Tickets.ts"

/** A request, before anything of it is read. */
export type Arrival = Pick<Gate.Knock, "method" | "url" | "headers" | "address" | "time">

/**
 * Whether a request may go on, and as whose. Plain and synchronous, so that what takes a path before Effect's router
 * asks in the same way: the one place where tickets are spent, roles compared, commands counted, and refusals noted.
 */
export class Gatekeeper extends Context.Tag("@mithrandir/http/Gatekeeper")<
  Gatekeeper,
  {
    /**
     * `route`: what the request is for; undefined where there is nothing. `source`: the request itself; of one that was
     * asked about before, the same is said again, and nothing is spent or counted twice.
     */
    readonly admit: (arrival: Arrival, route: Route | undefined, source?: object) => Gate.Verdict
    /** Of a request that nobody will ask about again. */
    readonly forget: (source: object) => void
    /** Takes note of a refusal that somebody else has made, after a request was let in. */
    readonly note: (arrival: Arrival, rejected: Gate.Rejected) => void
  }
>() {}

/** Of which request what was said. */
interface Said extends Pick<Arrival, "method" | "url"> {
  readonly route: Route | undefined
  readonly verdict: Gate.Verdict
}

const isKind = Schema.is(SecurityEvent.SecurityEventKind)

const make = Effect.gen(function* () {
  const { judge } = yield* Gate.Gate
  const log = yield* SecurityLog.SecurityLog
  const tickets = yield* Tickets
  const { commandsPerMinute } = yield* Limits.Limits
  const commands = Limiter.make({ times: commandsPerMinute, perMs: 60_000 })

  const verdicts = new WeakMap<object, Said>()

  const holderOf = ({ time, url }: Arrival, route: Route | undefined) => {
    if (route?.path !== streamPath) return undefined
    const [path = ""] = url.split("?", 1)
    const ticket = new URLSearchParams(url.slice(path.length)).get("ticket")
    return ticket === null ? undefined : tickets.take(ticket, time)
  }

  const judged = (arrival: Arrival, route: Route | undefined): Gate.Verdict => {
    if (route !== undefined && !isPlain(arrival.url)) return Gate.rejected("malformed-http", notPlain)
    const knock = { ...arrival, permission: route?.permission, holder: holderOf(arrival, route) }
    const verdict = Gate.admit(judge, knock)
    // Whatever takes an operator and is no reading: commands, and passes.
    if (verdict._tag === "Rejected" || route?.permission !== "operator" || !Gate.isUnsafe(arrival.method))
      return verdict
    const { actor } = verdict.principal
    const retryAfterMs = commands.take(actor, arrival.time)
    if (retryAfterMs === undefined) return verdict
    const rejection = Gate.rejected("too-many-commands", `at most ${commandsPerMinute} a minute`, retryAfterMs)
    return { ...rejection, noted: { actor } }
  }

  const note = (arrival: Arrival, { noted, problem: { code, detail } }: Gate.Rejected) => {
    const kind = isKind(code) ? code : "refused"
    const incident = { kind, address: arrival.address ?? null, request: requestOf(arrival), detail: detail ?? code }
    log.note({ ...incident, ...noted }, arrival.time)
  }

  return Gatekeeper.of({
    admit: (arrival, route, source) => {
      const { method, url } = arrival
      const said = source === undefined ? undefined : verdicts.get(source)
      // Somebody may make several requests of one: what was said holds for the same alone.
      if (said?.method === method && said.url === url && said.route === route) return said.verdict
      const verdict = judged(arrival, route)
      if (source !== undefined) verdicts.set(source, { method, url, route, verdict })
      if (verdict._tag === "Rejected") note(arrival, verdict)
      return verdict
    },
    forget: (source) => verdicts.delete(source),
    note
  })
})

/** The method and the path. What comes after it is left out, and so is what is no path: secrets stray there. */
const requestOf = ({ method, url }: Arrival): string => `${method} ${/^\/[^?;#]*/.exec(url)?.[0] ?? "(no path)"}`

/**
 * Whether a path is written as everybody reads it: no absolute form, no parameters after a semicolon, no fragment, and no
 * letter, digit or mark of those that need no encoding as a number (RFC 3986, sections 2.3 and 6.2.2.2).
 */
const isPlain = (url: string): boolean =>
  /^\/[^?;#]*(\?|$)/.test(url) &&
  !/%(2D|2E|3\d|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])/i.test(url.split("?", 1)[0] ?? "")

const notPlain = "the path is written in a way that others may read differently"

/** Over the gate in force. */
export const layer: Layer.Layer<Gatekeeper, never, Gate.Gate | SecurityLog.SecurityLog | Tickets> = Layer.effect(
  Gatekeeper,
  make
)
