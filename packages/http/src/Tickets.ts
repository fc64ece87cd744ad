/** One-time tickets for the event stream: `EventSource` can send no headers, and no token belongs into a URL. */
import { createHash, randomBytes } from "node:crypto"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Layer from "effect/Layer"
import { isStillGood, type Principal } from "./Gate.ts"

/** How long a ticket waits to be used: a page asks for one and opens its stream at once. */
export const lifetime = Duration.seconds(30)

/** Tickets that wait, of one actor and in all: more than this many pages do not open within half a minute. */
const maxOfActor = 100
const maxTickets = 10_000

/** Tickets, in memory: whoever has one when the server ends asks for another. Plain and synchronous, as the gate is. */
export class Tickets extends Context.Tag("@mithrandir/http/Tickets")<
  Tickets,
  {
    /** Makes one at a moment, in milliseconds; undefined where too many wait to be used. */
    readonly issue: (
      principal: Principal,
      now: number
    ) => { readonly ticket: string; readonly expiresAt: number } | undefined
    /** Whose it is, if it is good at that moment. It is spent either way. */
    readonly take: (ticket: string, now: number) => Principal | undefined
  }
>() {}

interface Waiting {
  readonly principal: Principal
  readonly expiresAt: number
}

const make = (): Context.Tag.Service<Tickets> => {
  // By hash, oldest first: whoever reads the memory of the process finds none, and looking one up tells nothing of others.
  const waiting = new Map<string, Waiting>()

  const expire = (now: number) => {
    for (const [key, { expiresAt }] of waiting) {
      if (expiresAt > now) return
      waiting.delete(key)
    }
  }

  const issue = (principal: Principal, now: number) => {
    expire(now)
    const own = Array.from(waiting.values()).filter((one) => one.principal.actor === principal.actor)
    if (own.length >= maxOfActor || waiting.size >= maxTickets) return undefined
    const ticket = randomBytes(32).toString("base64url")
    const expiresAt = now + Duration.toMillis(lifetime)
    // It lets in to the stream and to nothing else, whatever else its holder may do.
    waiting.set(keyOf(ticket), { principal: { ...principal, role: "viewer" }, expiresAt })
    return { ticket, expiresAt }
  }

  const take = (ticket: string, now: number) => {
    const found = waiting.get(keyOf(ticket))
    waiting.delete(keyOf(ticket))
    if (found === undefined || found.expiresAt <= now) return undefined
    return isStillGood(found.principal, now) ? found.principal : undefined
  }

  return { issue, take }
}

const keyOf = (ticket: string): string => createHash("sha256").update(ticket).digest("base64url")

/** None to begin with. */
export const layer: Layer.Layer<Tickets> = Layer.sync(Tickets, make)
