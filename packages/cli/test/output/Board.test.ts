import { type Command, type Event, type JobView, Timestamp } from "@mithrandir/core"
import type { Client } from "@mithrandir/http"
import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import * as Board from "../../src/output/Board.ts"

const moment = Schema.decodeSync(Timestamp.Timestamp)
const began = moment("2026-01-31T12:00:00.000Z")
const counts: JobView.JobCounts = { waiting: 12, active: 3, delayed: 0, completed: 90, failed: 2 }

const update = (more: Partial<Event.ReconciliationUpdate>): Client.StreamEvent => ({
  event: "reconciliation.update",
  data: {
    ...{
      eventId: "e",
      service: "palantir",
      status: "verified",
      counts,
      checksum: "v1:0",
      latencyMs: 1,
      observedAt: began
    },
    ...more
  }
})

const discrepancy = (service: string, ...missingJobIds: ReadonlyArray<string>) =>
  update({
    service,
    status: "discrepancy",
    discrepancyDetails: {
      ...{ expected: counts, actual: counts, unexpectedJobIds: [], changedJobs: [], since: began },
      ...{ missingJobIds, missingJobCount: missingJobIds.length }
    }
  })

const status = (commandId: string, phase: Command.Phase, ...logs: ReadonlyArray<string>): Client.StreamEvent => ({
  event: "command.status",
  data: { commandId, service: "palantir", phase, logs, ...(phase === "success" ? { verified: true } : {}) }
})

const reset: Client.StreamEvent = { event: "stream.reset", data: { reason: "pruned", oldest: null, newest: "x-1" } }

/** What is shown some seconds after all began, where messages came each at its second. */
const shown = (seconds: number, ...messages: ReadonlyArray<readonly [second: number, message: Client.StreamEvent]>) => {
  const time = (second: number) => began.epochMillis + second * 1_000
  const board = messages.reduce((before, [second, message]) => Board.after(before, message, time(second)), Board.empty)
  return Board.draw(Board.at(board, time(seconds)), time(seconds), { colours: false, title: "the title" }).split("\n")
}

const cells = (line: string | undefined) => line?.split(/ {2,}/)

describe("a board", () => {
  it("has a row for each service, in order: how it stands, what was counted, and how old that is", () => {
    const lines = shown(75, [0, update({ service: "zeta" })], [1, discrepancy("alpha", "a-1", "a-2")])
    expect(lines.map(cells)).toEqual([
      ["SERVICE", "STATUS", "WAITING", "ACTIVE", "DELAYED", "COMPLETED", "FAILED", "AGE", "DISPUTED SINCE", "REMARKS"],
      ["alpha", "DISCREPANCY", "12", "3", "0", "90", "2", "1 min", "2026-01-31T12:00:00Z", "missing: a-1, a-2"],
      ["zeta", "verified", "12", "3", "0", "90", "2", "1 min"],
      [""],
      ["the title"]
    ])
  })

  it("keeps what is disputed while a service gives no answer, and says why it gives none", () => {
    const stale = update({ status: "stale", message: "it did not answer" })
    const [, row] = shown(3_600, [0, discrepancy("palantir", "a-1")], [5, stale])
    expect(cells(row)?.slice(7)).toEqual(["1 h", "2026-01-31T12:00:00Z", "it did not answer; missing: a-1"])
    const [, after] = shown(10, [0, discrepancy("palantir", "a-1")], [5, stale], [6, update({})])
    expect(cells(after)).toHaveLength(8)
  })

  it("shows a service of which nothing was counted yet", () => {
    const [, row] = shown(1, [0, update({ status: "stale", counts: {}, message: "refused" })])
    expect(row).toMatch(/^palantir +STALE +1 s +refused$/)
  })

  it("shows commands that run, with the time in their phase, and for a while what became of them", () => {
    const run = [
      [0, status("c-1", "queued")],
      [2, status("c-1", "running", "sent")],
      [4, status("c-1", "running", "sent", "looking")]
    ] as const
    expect(shown(12, ...run).map(cells)[1]).toEqual(["c-1", "palantir", "running", "10 s", "looking"])
    const ended = [...run, [20, status("c-1", "success", "there it is")]] as const
    expect(shown(49, ...ended).map(cells)[1]).toEqual(["c-1", "palantir", "success, verified", "there it is"])
    expect(shown(51, ...ended)).toEqual(["the title"])
  })

  it("begins anew where there is a gap", () => {
    expect(shown(1, [0, update({})], [0, status("c-1", "running")], [0, reset])).toEqual(["the title"])
  })

  it("says what else is to be said instead of its title, until it has passed", () => {
    const board = { ...Board.empty, remark: { text: "lost", until: 10 } }
    const draw = (now: number) => Board.draw(Board.at(board, now), now, { colours: false, title: "the title" })
    expect([draw(9), draw(10)]).toEqual(["lost", "the title"])
  })

  it("has colours for how services stand, where they are taken", () => {
    const board = Board.after(Board.empty, discrepancy("palantir", "a"), began.epochMillis)
    expect(Board.draw(board, began.epochMillis, { colours: true, title: "" })).toContain(
      "\u001b[31mDISCREPANCY\u001b[39m"
    )
  })

  it("shows what would move the cursor by its number", () => {
    const [, row] = shown(0, [0, update({ status: "stale", message: "\u001b[2J" })])
    expect(row).toContain("\\u001b[2J")
  })
})
