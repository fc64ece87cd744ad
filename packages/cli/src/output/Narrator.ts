/**
 * What the server tells at the terminal while it runs: a line for every change, none for a pass that found what the
 * one before it found.
 */
import { Event } from "@mithrandir/core"
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import * as Wording from "./Wording.ts"

/** What was told so far. */
export interface Narration {
  /** Of each service, the latest pass. */
  readonly told: ReadonlyMap<string, Told>
  /** How many log lines of each running command were told. */
  readonly commands: ReadonlyMap<string, number>
  /** Which hints were given: each is given once. */
  readonly hinted: ReadonlySet<Hint>
}

interface Told {
  readonly status: Event.PassStatus
  /** What differed, as it was told; empty where nothing did. */
  readonly differences: string
}

/** What a newcomer may try next. */
export type Hint = "watch" | "accept" | "audit"

/** The url to build `curl`s on, where hints are wanted at all. */
export type Hints = { readonly url: string } | undefined

export const start: Narration = { told: new Map(), commands: new Map(), hinted: new Set() }

type Step = readonly [next: Narration, lines: ReadonlyArray<string>]

/** What to tell of an event of the log, after what was told before. */
export const tell = (before: Narration, event: Pick<Event.Event, "name" | "data">, hints: Hints): Step =>
  tellOf(
    before,
    event.name === "reconciliation.update"
      ? { event: event.name, data: decodeUpdate(event.data) }
      : { event: event.name, data: decodeStatus(event.data) },
    hints
  )

/** When a pass was. One without an answer is told with what was counted before: the time is in its id, a UUIDv7. */
export const momentOf = ({ eventId, observedAt, status }: Event.ReconciliationUpdate): DateTime.Utc => {
  const [, high = "", low = ""] = /^([0-9a-f]{8})-([0-9a-f]{4})-7/.exec(eventId) ?? []
  return status === "stale" && high !== "" ? DateTime.unsafeMake(Number.parseInt(high + low, 16)) : observedAt
}

/** An event with its data at hand. */
export type Happening =
  | { readonly event: "reconciliation.update"; readonly data: Event.ReconciliationUpdate }
  | { readonly event: "command.status"; readonly data: Event.CommandStatus }

/** The same of an event that is decoded already. */
export const tellOf = (before: Narration, happening: Happening, hints: Hints): Step => {
  const [after, lines, hint] =
    happening.event === "reconciliation.update" ? ofUpdate(before, happening.data) : ofStatus(before, happening.data)
  if (hint === undefined || hints === undefined || after.hinted.has(hint.kind)) return [after, lines]
  return [
    { ...after, hinted: new Set(after.hinted).add(hint.kind) },
    [...lines, ...hint.lines(hints.url).map((line) => `  ${line}`)]
  ]
}

/** Any number of lines, once, in the course of things. */
interface Suggestion {
  readonly kind: Hint
  readonly lines: (url: string) => ReadonlyArray<string>
}

type Part = readonly [next: Narration, lines: ReadonlyArray<string>, suggestion?: Suggestion]

const decodeUpdate = Schema.decodeSync(Schema.parseJson(Event.ReconciliationUpdate))
const decodeStatus = Schema.decodeSync(Schema.parseJson(Event.CommandStatus))

const ofUpdate = (before: Narration, update: Event.ReconciliationUpdate): Part => {
  const { service, status } = update
  const last = before.told.get(service)
  // A stale pass says nothing about what differs: what was open stays open.
  const differences =
    status === "stale"
      ? (last?.differences ?? "")
      : status === "verified"
        ? ""
        : Wording.differences(update.discrepancyDetails)
  const after = { ...before, told: new Map(before.told).set(service, { status, differences }) }
  const accepted = update.discrepancyDetails?.accepted
  const lines =
    accepted === undefined
      ? []
      : [`${service}: accepted by ${accepted.actor}: ${Wording.differences(update.discrepancyDetails)}`]
  if (last?.status === status && last.differences === differences) return [after, lines]

  switch (status) {
    case "verified": {
      const first =
        last === undefined ? "verified" : last.status === "stale" ? "answers again: verified" : "verified again"
      const remark = [Wording.endings(update.discrepancyDetails), Wording.basis(update)].filter(Boolean).join("; ")
      return [
        after,
        [...lines, `${service}: ${first}; ${Wording.counts(update.counts)}${remark === "" ? "" : ` (${remark})`}`],
        { kind: "watch", lines: (url) => ["watch it live:", `  curl -N ${url}/reconciliation/stream`] }
      ]
    }
    case "stale":
      return [
        after,
        [...lines, `${service}: STALE, ${update.message ?? "it gave no usable answer"}; ${Wording.lastCounted(update)}`]
      ]
    case "discrepancy": {
      const since = update.discrepancyDetails?.since
      const same = last?.differences === differences
      const what = `${last?.status === "stale" ? "answers again: " : ""}${same ? "still a discrepancy" : "DISCREPANCY"}`
      return [
        after,
        [...lines, `${service}: ${what}${since ? ` since ${Wording.moment(since)}` : ""}: ${differences}`],
        {
          kind: "accept",
          lines: (url) => [
            "it stays open until somebody takes the service's word for it:",
            `  ${acceptCurl(url, service)}`
          ]
        }
      ]
    }
  }
}

const ofStatus = (before: Narration, status: Event.CommandStatus): Part => {
  const { commandId, phase, service } = status
  const told = before.commands.get(commandId) ?? 0
  const commands = new Map(before.commands)
  const ended = phase !== "queued" && phase !== "running"
  if (ended) commands.delete(commandId)
  else commands.set(commandId, status.logs.length)
  const lines = [
    `${service}: command ${commandId}: ${Wording.phase(status)}`,
    ...status.logs.slice(told).map((line) => `  ${line}`)
  ]
  return ended
    ? [
        { ...before, commands },
        lines,
        { kind: "audit", lines: (url) => ["it is on the record:", `  curl -s '${url}/reconciliation/audit?limit=1'`] }
      ]
    : [{ ...before, commands }, lines]
}

const json = "-H 'content-type: application/json'"

/** Quoted for a shell, whatever is in it. */
const body = (value: unknown): string => `'${JSON.stringify(value).replaceAll("'", "'\\''")}'`

/** Takes what a service says for true. */
const acceptCurl = (url: string, service: string): string =>
  `curl -s ${json} -d ${body({ service, accept: true })} ${url}/reconciliation/run`

/** Runs a command. */
export const runCurl = (
  url: string,
  command: {
    readonly commandId: string
    readonly service: string
    readonly actionType: string
    readonly target: string
  }
): string => `curl -N -H 'accept: text/event-stream' ${json} -d ${body(command)} ${url}/commands/run`
