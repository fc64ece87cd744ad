/**
 * The model: what the journal, the audit and the log of events may say, given what was posted, what upstream got, and
 * which processes ended when.
 *
 * 1. What was acknowledged is in the journal, with its own content, and stays there. Nothing else is.
 * 2. An id is accepted once: one answer says so, all others are replays of it, or refuse other content.
 * 3. A command goes from queued over running to its end, or from queued to failure; each step is one event, the end is
 *    one row of the audit, and all three say the same.
 * 4. Events have the places 1, 2, 3, … in the order of their commits, and none ever changes or leaves.
 * 5. Upstream is asked only for what the file says is running, before its deadline, one at a time for a target; and again
 *    only after the process ended that asked first, and only where that does no harm.
 * 6. `success` only where the effect was seen to be there; `failure` only where it never comes; what upstream said clearly
 *    is what is recorded.
 */
import * as Exit from "effect/Exit"
import type { Accepted } from "../../../src/commands/Commands.ts"
import { isEnd, phaseOf } from "../../../src/model/Command.ts"
import { type AuditRow, type CommandRow, type EventRow, millisOf, type Record } from "./Record.ts"
import type { Content, Request, Upstream } from "./Upstream.ts"

/** Something posted, and the answer once there is one; a process that is killed gives none. */
export interface Posting {
  readonly id: string
  readonly content: Content
  /** Upstream's moment as it was posted. */
  readonly moment: number
  readonly answer: () => Exit.Exit<Accepted, { readonly _tag: string }> | null
  /** Whether the file could not be written at some time since. */
  readonly mayBeUnavailable: () => boolean
}

/** What the model has seen of a command. */
interface Entry {
  readonly row: CommandRow
  readonly moment: number
  /** Which process brought it to its end. */
  readonly endedIn: number | undefined
}

export const actor = "tester"

export const isSame = (a: Content, b: Content): boolean => a.actionType === b.actionType && a.target === b.target
const contentOf = (row: CommandRow) => ({ actionType: row.action_type, target: row.target }) as Content
const show = (value: unknown) => JSON.stringify(value)

export class Book {
  readonly #upstream: Upstream
  readonly #postings: Array<Posting> = []
  readonly #answered = new Set<Posting>()
  /** Ids of which an answer said that they were accepted, and were not before. */
  readonly #acknowledged = new Set<string>()
  readonly #entries = new Map<string, Entry>()
  #events: ReadonlyArray<EventRow> = []
  /** Which processes found a command running that they did not start. */
  readonly #foundRunning = new Map<string, Array<number>>()
  /** The clock on the wall was set: what says when something was proves nothing. */
  wasStepped = false

  constructor(upstream: Upstream) {
    this.#upstream = upstream
  }

  /** What was posted so far, in order. */
  get ids(): ReadonlyArray<string> {
    return Array.from(new Set(this.#postings.map(({ id }) => id)))
  }

  contentOf(id: string): Content | undefined {
    return this.#postings.find((one) => one.id === id)?.content
  }

  get unfinished(): ReadonlyArray<string> {
    return Array.from(this.#entries.values())
      .filter(({ row }) => !isEnd(row.phase))
      .map(({ row }) => row.id)
  }

  post(posting: Posting): void {
    this.#postings.push(posting)
  }

  /** A process begins with this record. */
  begin(life: number, record: Record): void {
    for (const { id, phase } of record.commands) {
      if (phase === "running") this.#foundRunning.set(id, [...(this.#foundRunning.get(id) ?? []), life])
    }
  }

  /** What is wrong with a request that arrives now. */
  request(request: Request, row: CommandRow | undefined, now: number): ReadonlyArray<string> {
    const { key, life, target } = request
    const others = this.#upstream.requests.filter((one) => one !== request)
    const problems: Array<string> = []
    if (row?.phase !== "running") problems.push(`${key} was sent while the file says ${row?.phase}`)
    if (row !== undefined && !isSame(contentOf(row), request)) problems.push(`${key} was sent as something else`)
    // Between the last look at the clock and the sending somebody may set it.
    const isLate = row !== undefined && !this.wasStepped && now >= millisOf(row.deadline)
    if (isLate) problems.push(`${key} was sent after its deadline`)
    if (others.some((one) => one.key === key && one.life === life)) problems.push(`${key} was sent twice by a process`)
    const isRepeat = others.some((one) => one.key === key) || this.#foundRunning.get(key)?.includes(life)
    if (isRepeat && !this.#isSafe(request)) problems.push(`${key} was repeated where that is not safe`)
    const open = others.filter((one) => one.life === life && one.answer === "open")
    if (open.some((one) => one.target === target)) problems.push(`two commands were at "${target}" at once`)
    if (open.length >= 16) problems.push("more than 16 commands ran at once")
    return problems
  }

  /** What is wrong with a record that is found while, or just after, a process ran. */
  check(record: Record, life: number): ReadonlyArray<string> {
    return [
      ...this.#checkEvents(record),
      ...this.#checkJournal(record, life),
      ...this.#checkAnswers(),
      ...this.#checkAudit(record),
      ...this.#checkEffects()
    ]
  }

  #checkEvents({ events, newest }: Record): ReadonlyArray<string> {
    const known = this.#events
    this.#events = events
    const problems = events.flatMap(({ seq }, index) => (seq === index + 1 ? [] : [`event ${index + 1} is ${seq}`]))
    if (newest !== events.length) problems.push(`${events.length} events, and the newest is ${newest}`)
    if (known.some((event, index) => show(event) !== show(events[index]))) problems.push("an event changed, or is gone")
    return problems
  }

  #checkJournal({ commands }: Record, life: number): ReadonlyArray<string> {
    const problems: Array<string> = []
    for (const row of commands) {
      const known = this.#entries.get(row.id)
      const posting = this.#postings.find((one) => one.id === row.id && isSame(one.content, contentOf(row)))
      if (posting === undefined || row.actor !== actor) problems.push(`${row.id} is not what was posted: ${show(row)}`)
      if (known !== undefined && !isSame(contentOf(known.row), contentOf(row)))
        problems.push(`${row.id} changed content`)
      if (known !== undefined && isEnd(known.row.phase) && show(known.row) !== show(row)) {
        problems.push(`${row.id} had ended, and changed: ${show(known.row)} to ${show(row)}`)
      }
      const endedIn = known?.endedIn ?? (isEnd(row.phase) ? life : undefined)
      this.#entries.set(row.id, { row, moment: known?.moment ?? posting?.moment ?? 0, endedIn })
    }
    const there = new Set(commands.map(({ id }) => id))
    for (const id of [...this.#entries.keys(), ...this.#acknowledged]) {
      if (!there.has(id)) problems.push(`${id} was in the journal, or acknowledged, and is gone`)
    }
    return problems
  }

  #checkAnswers(): ReadonlyArray<string> {
    const problems: Array<string> = []
    for (const posting of this.#postings) {
      const exit = this.#answered.has(posting) ? null : posting.answer()
      if (exit === null) continue
      this.#answered.add(posting)
      problems.push(...this.#checkAnswer(posting, exit))
    }
    return problems
  }

  #checkAnswer(posting: Posting, exit: Exit.Exit<Accepted, { readonly _tag: string }>): ReadonlyArray<string> {
    const { content, id } = posting
    const row = this.#entries.get(id)?.row
    if (Exit.isFailure(exit)) {
      const tag = exit.cause._tag === "Fail" ? exit.cause.error._tag : exit.cause._tag
      if (tag === "CommandIdTaken" && row !== undefined && !isSame(contentOf(row), content)) return []
      if (tag === "StoreUnavailable" && posting.mayBeUnavailable()) return []
      return [`${id} was answered ${tag}; the journal has ${show(row)}`]
    }
    const { replayed, state } = exit.value
    if (row === undefined) return [`${id} was acknowledged, and is not in the journal`]
    const problems: Array<string> = []
    if (!isSame(contentOf(row), content)) problems.push(`${id} was acknowledged for other content than the journal's`)
    if (!replayed && this.#acknowledged.has(id)) problems.push(`${id} was accepted twice`)
    if (!replayed) this.#acknowledged.add(id)
    if (!replayed && state.phase !== "queued") problems.push(`${id} was new, and ${state.phase}`)
    if (isEnd(state.phase) && (state.phase !== row.phase || show(state.logs) !== row.logs_json)) {
      problems.push(`${id} was answered ${state.phase}; the journal has ${show(row)}`)
    }
    return problems
  }

  #checkAudit({ audit, events, positions }: Record): ReadonlyArray<string> {
    const problems: Array<string> = []
    const agree = positions.every(({ id, seq }, index) => seq === index + 1 && id === audit[index]?.id)
    if (!agree || positions.length !== audit.length)
      problems.push("the positions of the audit are not those of its rows")
    for (const { row } of this.#entries.values()) {
      const rows = audit.filter(({ id }) => id === row.id)
      if (rows.length !== (isEnd(row.phase) ? 1 : 0))
        problems.push(`${row.id} is ${row.phase}, with ${rows.length} rows`)
      for (const one of rows)
        if (!isAbout(one, row)) problems.push(`${row.id} is ${show(row)}, and audited ${show(one)}`)
      const told = events
        .filter(({ name, subject }) => name === "command.status" && subject === row.id)
        .map(({ data }) => JSON.parse(data) as { phase: string; logs: ReadonlyArray<string> })
      const phases = told.map(({ phase }) => phase).join()
      const way =
        row.before_state_json === null && row.phase === "error" ? [`queued,running,error`, "queued,error"] : []
      const ways = row.phase === "queued" ? ["queued"] : row.phase === "running" ? ["queued,running"] : way
      if (!(ways.length === 0 ? [`queued,running,${row.phase}`] : ways).includes(phases)) {
        problems.push(`${row.id} is ${row.phase}, and was told as ${phases}`)
      }
      if (show(told.at(-1)?.logs) !== row.logs_json) problems.push(`${row.id} was told with other logs than it has`)
    }
    const strangers = audit.filter(({ id }) => !this.#entries.has(id))
    if (strangers.length > 0) problems.push(`audited, and never accepted: ${show(strangers)}`)
    return problems
  }

  #checkEffects(): ReadonlyArray<string> {
    const problems: Array<string> = []
    for (const { row } of this.#entries.values()) {
      const effects = this.#upstream.effectsOf(row.id)
      const may = this.#upstream.honoursKeys || row.action_type !== "delete-job" ? 1 : this.#requestsOf(row.id).length
      if (effects > may) problems.push(`${row.id} took effect ${effects} times`)
    }
    for (const entry of this.#entries.values()) {
      const problem = isEnd(entry.row.phase) ? this.#judge(entry) : undefined
      if (problem !== undefined)
        problems.push(`${entry.row.id} ended ${entry.row.outcome}, ${problem}: ${show(entry.row)}`)
    }
    return problems
  }

  /** Why a command must not have ended as it did. */
  #judge(entry: Entry): string | undefined {
    const { id, outcome } = entry.row
    const requests = this.#requestsOf(id)
    const wasCutOff = this.#foundRunning.has(id)
    const { answer: last, life } = requests.at(-1) ?? {}
    // Whoever was told may have been killed before it could write that down.
    if (last === "applied" && life === entry.endedIn && outcome !== "success")
      return "and upstream had said that it acted"
    if (outcome !== "failure" && requests.length === 1 && last === "decided" && !wasCutOff) {
      return entry.row.action_type === "delete-job" && outcome === "success" ? undefined : "and it had been refused"
    }
    if (outcome === "failure") return this.#judgeFailure(entry, requests, wasCutOff)
    return outcome === "success" ? this.#judgeSuccess(entry, requests) : this.#judgeTimeout(entry, requests, wasCutOff)
  }

  #judgeFailure({ moment, row }: Entry, requests: ReadonlyArray<Request>, wasCutOff: boolean): string | undefined {
    if (this.#upstream.effectsOf(row.id) > 0) return "and took effect"
    if (requests.length > 0) {
      if (wasCutOff) return "and was running when a process ended, so that nobody can know"
      return requests.some(({ answer }) => answer !== "decided") ? "and may still come" : undefined
    }
    // What another process left running was started in time: there the file says why it was never sent, or nothing does.
    const isLate = this.wasStepped || millisOf(row.ended_at ?? "") >= millisOf(row.deadline)
    if ((isLate && !wasCutOff) || this.#upstream.readsFailedAt >= moment) return undefined
    const refusable = refuses[row.action_type] ?? (() => false)
    return this.#upstream.since(row.target, moment).some(refusable) ? undefined : "and nothing kept it from running"
  }

  #judgeSuccess({ moment, row }: Entry, requests: ReadonlyArray<Request>): string | undefined {
    if (this.#upstream.effectsOf(row.id) > 0) return undefined
    const [then, ...later] = this.#upstream.since(row.target, requests[0]?.moment ?? moment)
    const all = [then, ...later]
    // Not by it, but there: the job is gone, is not failed any more or was started again, the worker is another.
    const isThere =
      (row.action_type === "delete-job" && all.includes("absent")) ||
      (row.action_type === "retry-job" && (then !== "failed" || later.length > 0 || this.#wasStartedAgain(row))) ||
      (row.action_type === "restart-service" && later.length > 0)
    return isThere ? undefined : "and took no effect"
  }

  /** Somebody else was quicker: after the job was looked at, and before the request arrived. */
  #wasStartedAgain({ before_state_json, target }: Entry["row"]): boolean {
    const before = JSON.parse(before_state_json ?? "null")
    return before !== null && (this.#upstream.jobs.get(target)?.attempts ?? 0) > before.attempts
  }

  #judgeTimeout(entry: Entry, requests: ReadonlyArray<Request>, wasCutOff: boolean): string | undefined {
    const { endedIn, row } = entry
    if (requests.length === 0 && !wasCutOff) return "and was never sent"
    if (this.wasStepped) return undefined
    const endedAt = millisOf(row.ended_at ?? "")
    const isFound = endedIn !== undefined && this.#foundRunning.get(row.id)?.includes(endedIn)
    const isRepeated = requests.some(({ life }) => life === endedIn)
    if (isFound && this.#isSafe(contentOf(row)) && !isRepeated && endedAt < millisOf(row.deadline)) {
      return "and could have been repeated"
    }
    // One that is late may come after the last look.
    const effect = this.#upstream.applied.find(({ key }) => key === row.id)
    const isLast = this.#upstream.history.get(row.target)?.at(-1)?.moment === effect?.moment
    const isProvable = row.action_type !== "purge-queue" && this.#upstream.readsFailedAt < 0 && !wasCutOff
    return effect !== undefined && isLast && isProvable && effect.at === requests[0]?.at
      ? "and the effect was there to see"
      : undefined
  }

  #requestsOf(id: string): ReadonlyArray<Request> {
    return this.#upstream.requests.filter(({ key }) => key === id)
  }

  #isSafe({ actionType }: Content): boolean {
    return this.#upstream.honoursKeys || actionType === "delete-job"
  }
}

/** States of a target in which an action must not run. */
const refuses: { readonly [action: string]: (state: string) => boolean } = {
  "retry-job": (state) => state !== "failed",
  "delete-job": (state) => state === "active",
  "restart-service": (state) => state === "absent"
}

const isAbout = (audit: AuditRow, row: CommandRow): boolean =>
  audit.outcome === row.outcome &&
  row.outcome !== null &&
  row.phase === phaseOf(row.outcome) &&
  audit.timestamp === row.ended_at &&
  audit.actor === row.actor &&
  audit.action_type === row.action_type &&
  audit.target === row.target &&
  audit.logs_json === row.logs_json &&
  // A target that was not there, and one that was not looked at, are both written as nothing.
  (audit.before_state_json ?? "null") === (row.before_state_json ?? "null")
