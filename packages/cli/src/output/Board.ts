/** What a terminal shows while somebody watches: how each service stands, and the commands that run. */
import { type Command, type Event, Job } from "@mithrandir/core"
import type { Client } from "@mithrandir/http"
import pico from "picocolors"
import * as Output from "./Output.ts"
import * as Wording from "./Wording.ts"

/** What is known. */
export interface Board {
  /** The latest pass of each service. */
  readonly services: ReadonlyMap<string, Standing>
  /** By id: those that run, and those that ended a little while ago. */
  readonly commands: ReadonlyMap<string, Running>
  /** What else is to be said, and until when, in milliseconds: that the connection is lost, that there is a gap. */
  readonly remark: { readonly text: string; readonly until: number } | undefined
}

interface Standing {
  readonly update: Event.ReconciliationUpdate
  /** What is disputed, which a pass without an answer says nothing of. */
  readonly disputed: Event.DiscrepancyDetails | undefined
}

interface Running {
  readonly status: Event.CommandStatus
  /** When it came into its phase, or was first seen in it, in milliseconds. */
  readonly since: number
}

export const empty: Board = { services: new Map(), commands: new Map(), remark: undefined }

/** How long it is shown what became of a command, and whatever else passes. */
export const brieflyMs = 30_000

/** What is known after a message that came at a time, in milliseconds. */
export const after = (board: Board, message: Client.StreamEvent, now: number): Board => {
  switch (message.event) {
    case "stream.ready":
      return board
    case "stream.reset":
      return { ...empty, remark: board.remark }
    case "reconciliation.update": {
      const update = message.data
      const last = board.services.get(update.service)
      const disputed = update.status === "stale" ? last?.disputed : disputedBy(update)
      return { ...board, services: new Map(board.services).set(update.service, { update, disputed }) }
    }
    case "command.status": {
      const status = message.data
      const last = board.commands.get(status.commandId)
      const since = last?.status.phase === status.phase ? last.since : now
      return { ...board, commands: new Map(board.commands).set(status.commandId, { status, since }) }
    }
  }
}

const disputedBy = ({ discrepancyDetails, status }: Event.ReconciliationUpdate) =>
  status === "discrepancy" ? discrepancyDetails : undefined

/** The same a while later: what has passed is forgotten. */
export const at = ({ commands, remark, services }: Board, now: number): Board => ({
  services,
  commands: new Map(
    Array.from(commands).filter(([, { since, status }]) => isRunning(status.phase) || now - since < brieflyMs)
  ),
  remark: remark !== undefined && now < remark.until ? remark : undefined
})

const isRunning = (phase: Command.Phase) => phase === "queued" || phase === "running"

/** All of it as text, its last line about the connection. `now` in milliseconds. */
export const draw = (
  board: Board,
  now: number,
  { colours, title }: { readonly colours: boolean; readonly title: string }
): string => {
  const services = Array.from(board.services.values()).sort((a, b) => compare(a.update.service, b.update.service))
  const commands = Array.from(board.commands.values())
  return [
    ...(services.length === 0 ? [] : [Output.table(ofServices(now), services, colours)]),
    ...(commands.length === 0 ? [] : [Output.table(ofCommands(now), commands, colours)]),
    pico.createColors(colours).dim(Output.printable(board.remark?.text ?? title))
  ].join("\n\n")
}

const compare = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0)

const words: Record<Event.PassStatus, string> = { verified: "verified", stale: "STALE", discrepancy: "DISCREPANCY" }
const hues = { verified: "green", stale: "yellow", discrepancy: "red" } as const

const ofServices = (now: number): ReadonlyArray<Output.Column<Standing>> => [
  { head: "service", cell: ({ update }) => update.service },
  { head: "status", cell: ({ update }) => words[update.status], hue: ({ update }) => hues[update.status] },
  ...Job.jobStates.map((state) => ({
    head: state,
    cell: ({ update: { counts } }: Standing) => ("waiting" in counts ? String(counts[state]) : "")
  })),
  { head: "age", cell: ({ update }) => lasting(now - update.observedAt.epochMillis) },
  { head: "disputed since", cell: ({ disputed }) => (disputed === undefined ? "" : Wording.moment(disputed.since)) },
  {
    head: "remarks",
    cell: ({ disputed, update }) => [update.message, Wording.differences(disputed)].filter(Boolean).join("; ")
  }
]

const ofCommands = (now: number): ReadonlyArray<Output.Column<Running>> => [
  { head: "command", cell: ({ status }) => status.commandId },
  { head: "service", cell: ({ status }) => status.service },
  { head: "phase", cell: ({ status }) => Wording.phase(status) },
  { head: "for", cell: ({ since, status }) => (isRunning(status.phase) ? lasting(now - since) : "") },
  { head: "last said", cell: ({ status }) => status.logs.at(-1) ?? "" }
]

/** `7 s`, `12 min`, `3 h`, `2 d`: at a glance. */
const lasting = (ms: number): string => {
  const [unit, size] = units.find(([, size]) => ms >= size) ?? second
  return `${Math.max(0, Math.floor(ms / size))} ${unit}`
}

const second = ["s", 1_000] as const
const units = [["d", 86_400_000], ["h", 3_600_000], ["min", 60_000], second] as const
