/** What one cycle does, all of it from its seed: the commands, who sends them, what goes wrong upstream, where it ends. */
import { PCGRandom } from "effect/Utils"

/**
 * What the upstream is like. `keyed`: it applies a mutation at most once under one key. `unkeyed`: it knows no keys.
 * `late`: it honours them, and fails, hangs, answers late and applies late.
 */
export const modes = ["keyed", "unkeyed", "late"] as const
export type Mode = (typeof modes)[number]

/**
 * Where the server can be killed. T1, T2, T3: the commits that accept, start and end a command; `inside` is with the
 * rows written and the commit not begun. `call`: the request that has the effect. `applied`: upstream has acted and not
 * answered. `reply`: the answer to whoever sent the command.
 */
export const boundaries = [
  "T1:before",
  "T1:inside",
  "T1:after",
  "T2:before",
  "T2:inside",
  "T2:after",
  "call:before",
  "applied",
  "call:after",
  "T3:before",
  "T3:inside",
  "T3:after",
  "reply:before",
  "reply:after"
] as const
export type Boundary = (typeof boundaries)[number]

/** At the nth time that a boundary is reached, from 1; or so many milliseconds after the process began. */
export type Kill = { readonly at: Boundary; readonly nth: number } | { readonly at: "random"; readonly afterMs: number }

/** What becomes of the first request under a key. What comes after it finds nothing wrong any more. */
export const faults = [
  "none",
  /** 500, and nothing was applied. */
  "refused",
  /** 429, and nothing was applied. */
  "busy",
  /** The connection is reset, and nothing was applied. */
  "reset",
  /** It was applied, and the connection is reset. */
  "broken",
  /** No answer, and nothing was applied. */
  "silent",
  /** It was applied, and there is no answer. */
  "mute",
  /** It is applied after a while, and answered then. */
  "late",
  /** It is applied when everything else is over. */
  "last"
] as const
export type Fault = (typeof faults)[number]

export const actionTypes = ["retry-job", "delete-job", "purge-queue", "restart-service"] as const
export type ActionType = (typeof actionTypes)[number]

/** One command, and how it is sent. */
export interface Order {
  readonly commandId: string
  readonly actionType: ActionType
  readonly target: string
  readonly how: "plain" | "wait" | "stream"
  readonly fault: Fault
  /** How long after it came a late one is applied. */
  readonly lateMs: number
}

export interface Plan {
  readonly seed: number
  readonly mode: Mode
  /** What every id of this cycle begins with, upstream's included. */
  readonly prefix: string
  /** What each client sends, one after the other. Some commands are sent by two. */
  readonly clients: ReadonlyArray<ReadonlyArray<Order>>
  /** Where the first process is killed, and the one after it; the last is left alone. */
  readonly kills: ReadonlyArray<Kill>
}

const clientCount = 8

/** The same for the same mode and seed. */
export const planOf = (mode: Mode, seed: number): Plan => {
  const random = new PCGRandom(seed)
  const below = (n: number) => random.integer(n)
  const chance = (share: number) => random.number() < share
  const oneOf = <A>(all: ReadonlyArray<A>): A => all[below(all.length)] as A

  const prefix = `${mode[0]}${seed}`
  const order = (index: number): Order => {
    const actionType = oneOf(actionTypes)
    // Where an effect may come late, what another command did to the same target would be taken for it.
    const target = mode === "late" ? index : below(clientCount / 2)
    return {
      commandId: `${prefix}-${index}`,
      actionType,
      target: `${prefix}-${actionType}-${target}`,
      how: oneOf(["plain", "wait", "stream"]),
      fault: mode === "late" && chance(0.6) ? oneOf(faults) : "none",
      lateMs: below(2_500)
    }
  }
  const orders = Array.from({ length: clientCount }, (_, index) => order(index))
  const clients = orders.map((own) => (chance(0.3) ? [oneOf(orders), own] : [own]))
  const kill = (): Kill =>
    chance(0.25)
      ? { at: "random", afterMs: 200 + below(1_500) }
      : { at: oneOf(boundaries), nth: 1 + below(Math.ceil(orders.length / 2)) }
  const first = kill()
  // Recovery does no more than what the first process left: the first times are the likely ones.
  const second: Kill = { at: oneOf(boundaries), nth: 1 + below(3) }
  return { seed, mode, prefix, clients, kills: chance(0.4) ? [first, second] : [first] }
}

/** Every command of a plan, each once. */
export const ordersOf = ({ clients }: Plan): ReadonlyArray<Order> =>
  Array.from(new Map(clients.flat().map((order) => [order.commandId, order])).values())
