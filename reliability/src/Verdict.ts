/**
 * What must hold after a cycle, however it went. Each rule has a number:
 *
 * 1. A command that was accepted has one row in the audit, and one last event.
 * 2. The journal, the audit, the last event and what clients were told agree.
 * 3. Upstream acts at most once on a command where it honours keys, and on one that it is asked for once at most.
 * 4. Where keys are not honoured, nothing is asked for again but `delete-job`, of which the second has no effect.
 * 5. `success`: the effect is there. `failure`: it never comes.
 * 6. Phases come in their order, each once.
 * 7. Events have no gap.
 * 8. The file is sound.
 * 9. Nobody is accused: upstream lost nothing that no command of ours took.
 */
import { type Order, ordersOf, type Plan } from "./Plan.ts"

/** What was found in the database, upstream, and in the hands of clients. */
export interface Facts {
  readonly audit: ReadonlyArray<{ readonly id: string; readonly outcome: string; readonly logs: string }>
  readonly journal: ReadonlyArray<{ readonly id: string; readonly phase: string; readonly outcome: string | null }>
  /** Phases in the order of their events. */
  readonly phases: ReadonlyArray<{ readonly id: string; readonly phase: string }>
  readonly told: ReadonlyArray<{ readonly commandId: string; readonly phase: string }>
  readonly received: Readonly<Record<string, number>>
  readonly effects: Readonly<Record<string, number>>
  readonly events: { readonly count: number; readonly oldest: number; readonly newest: number; readonly last: number }
  readonly integrity: string
  readonly accusations: number
}

/** What does not hold, a line each. */
export const verdict = (plan: Plan, facts: Facts): ReadonlyArray<string> => [
  ...ordersOf(plan).flatMap((order) => ofCommand(plan, order, facts)),
  ...extras(plan, facts),
  ...(isGapless(facts.events) ? [] : [`7: the events have a gap: ${JSON.stringify(facts.events)}`]),
  ...(facts.integrity === "ok" ? [] : [`8: the file is not sound: ${facts.integrity}`]),
  ...(facts.accusations === 0 ? [] : [`9: ${facts.accusations} accusations, and upstream lost nothing`])
]

const ofCommand = (plan: Plan, { actionType, commandId }: Order, facts: Facts): ReadonlyArray<string> => {
  const wrong: Array<string> = []
  const rule = (number: number, holds: boolean, problem: string) => {
    if (!holds) wrong.push(`${number}: ${commandId} (${actionType}): ${problem}`)
  }
  const rows = facts.audit.filter(({ id }) => id === commandId)
  const kept = facts.journal.find(({ id }) => id === commandId)
  const phases = facts.phases.filter(({ id }) => id === commandId).map(({ phase }) => phase)
  const told = facts.told.filter((one) => one.commandId === commandId).map(({ phase }) => phase)
  const received = facts.received[commandId] ?? 0
  const effects = facts.effects[commandId] ?? 0
  const [row] = rows

  rule(1, rows.length === 1, `${rows.length} rows in the audit`)
  rule(1, phases.filter(isEnd).length === 1, `its events are ${phases.join(", ")}`)
  if (row === undefined) return wrong
  const { logs, outcome } = row

  const end = endOf(outcome)
  rule(2, kept?.outcome === outcome && kept.phase === end, `audit ${outcome}, journal ${kept?.phase} ${kept?.outcome}`)
  rule(2, phases.at(-1) === end, `audit ${outcome}, last event ${phases.at(-1)}`)
  rule(2, told.length > 0 && told.every((phase) => phase === end), `audit ${outcome}, told ${told.join(", ")}`)
  rule(3, effects <= 1, `${effects} effects`)
  rule(4, plan.mode !== "unkeyed" || actionType === "delete-job" || received <= 1, `asked for ${received} times`)
  rule(5, outcome !== "success" || effects === 1 || wasDone(logs), `success, and ${effects} effects`)
  rule(5, outcome !== "failure" || effects === 0, `failure, and ${effects} effects`)
  const order = ["queued", ...(phases.includes("running") ? ["running"] : []), end]
  rule(6, phases.join() === order.join(), `its phases are ${phases.join(", ")}`)
  return wrong
}

/** What nobody sent. */
const extras = (plan: Plan, { audit, journal }: Facts): ReadonlyArray<string> => {
  const sent = new Set(ordersOf(plan).map(({ commandId }) => commandId))
  return [...audit, ...journal].flatMap(({ id }) => (sent.has(id) ? [] : [`1: ${id} was never sent`]))
}

const isEnd = (phase: string) => phase === "success" || phase === "error" || phase === "timeout"
const endOf = (outcome: string) => (outcome === "failure" ? "error" : outcome)

/** A job that is to be deleted and is not there: nothing is to be done, and that is said. */
const wasDone = (logs: string) => logs.includes("the job was gone already")

const isGapless = ({ count, last, newest, oldest }: Facts["events"]) =>
  count === 0 ? newest === last : last === newest && count === newest - oldest + 1
