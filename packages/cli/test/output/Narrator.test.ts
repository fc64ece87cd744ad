import { Event, type JobView, Timestamp } from "@mithrandir/core"
import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import * as Narrator from "../../src/output/Narrator.ts"

const at = Schema.decodeSync(Timestamp.Timestamp)("2026-01-31T12:00:00.500Z")
const counts: JobView.JobCounts = { waiting: 12, active: 3, delayed: 0, completed: 90, failed: 2 }
const url = "http://127.0.0.1:4410"

const update = (more: Partial<Event.ReconciliationUpdate> & Pick<Event.ReconciliationUpdate, "status">) =>
  Event.ofUpdate({
    eventId: "e",
    service: "palantir",
    counts,
    checksum: "v1:0",
    latencyMs: 1,
    observedAt: at,
    ...more
  })

const missing = (...ids: ReadonlyArray<string>): Event.DiscrepancyDetails => ({
  expected: counts,
  actual: counts,
  missingJobIds: ids,
  missingJobCount: ids.length,
  unexpectedJobIds: [],
  changedJobs: [],
  since: at
})

const discrepancy = (...ids: ReadonlyArray<string>) =>
  update({ status: "discrepancy", discrepancyDetails: missing(...ids) })

const tellAll = (events: ReadonlyArray<Event.NewEvent>, hints?: { readonly url: string }) => {
  let narration = Narrator.start
  return events.map((event) => {
    const [next, lines] = Narrator.tell(narration, event, hints)
    narration = next
    return lines
  })
}

describe("Narrator.tell", () => {
  it("tells a change once, and nothing of a pass that found what the one before found", () => {
    expect(
      tellAll([
        update({ status: "verified", rebaselined: true }),
        update({ status: "verified" }),
        discrepancy("mail-7"),
        discrepancy("mail-7"),
        discrepancy("mail-7", "mail-8"),
        update({ status: "verified" })
      ])
    ).toEqual([
      [
        "palantir: verified; 12 waiting, 3 active, 0 delayed, 90 completed, 2 failed (taken as found: there was nothing to compare with yet)"
      ],
      [],
      ["palantir: DISCREPANCY since 2026-01-31T12:00:00Z: missing: mail-7"],
      [],
      ["palantir: DISCREPANCY since 2026-01-31T12:00:00Z: missing: mail-7, mail-8"],
      ["palantir: verified again; 12 waiting, 3 active, 0 delayed, 90 completed, 2 failed"]
    ])
  })

  it("tells that a service went stale and came back, with what was open before", () => {
    const stale = update({ status: "stale", message: "it did not answer in time" })
    expect(
      tellAll([discrepancy("mail-7"), stale, stale, discrepancy("mail-7"), stale, update({ status: "verified" })])
    ).toEqual([
      ["palantir: DISCREPANCY since 2026-01-31T12:00:00Z: missing: mail-7"],
      ["palantir: STALE, it did not answer in time; what was counted at 2026-01-31T12:00:00Z stays"],
      [],
      ["palantir: answers again: still a discrepancy since 2026-01-31T12:00:00Z: missing: mail-7"],
      ["palantir: STALE, it did not answer in time; what was counted at 2026-01-31T12:00:00Z stays"],
      ["palantir: answers again: verified; 12 waiting, 3 active, 0 delayed, 90 completed, 2 failed"]
    ])
  })

  it("tells of a service that never answered that nothing was counted", () => {
    const unknown: JobView.KnownCounts = {}
    expect(tellAll([update({ status: "stale", counts: unknown })])).toEqual([
      ["palantir: STALE, it gave no usable answer; nothing was counted yet"]
    ])
  })

  it("tells of what was found after an outage as new", () => {
    const [, , lines] = tellAll([discrepancy("a"), update({ status: "stale" }), discrepancy("a", "b")])
    expect(lines).toEqual(["palantir: answers again: DISCREPANCY since 2026-01-31T12:00:00Z: missing: a, b"])
  })

  it("tells who accepted a discrepancy", () => {
    const accepted = { ...missing("a", "b"), accepted: { actor: "cli:ana", disputes: 2 } }
    expect(tellAll([discrepancy("a", "b"), update({ status: "verified", discrepancyDetails: accepted })])[1]).toEqual([
      "palantir: accepted by cli:ana: missing: a, b",
      "palantir: verified again; 12 waiting, 3 active, 0 delayed, 90 completed, 2 failed"
    ])
  })

  it("names five ids at most, and how many there are", () => {
    const [lines] = tellAll([discrepancy("a", "b", "c", "d", "e", "f", "g")])
    expect(lines?.[0]).toContain("missing: a, b, c, d, e and 2 more")
  })

  it("tells a command's phases, each log line once", () => {
    const status = (phase: Event.CommandStatus["phase"], logs: ReadonlyArray<string>, verified?: boolean) =>
      Event.ofStatus({
        commandId: "c-1",
        service: "palantir",
        phase,
        logs,
        ...(verified === undefined ? {} : { verified })
      })
    expect(
      tellAll([status("queued", []), status("running", ["asked"]), status("success", ["asked", "looked"], true)])
    ).toEqual([
      ["palantir: command c-1: queued"],
      ["palantir: command c-1: running", "  asked"],
      ["palantir: command c-1: success, verified", "  looked"]
    ])
  })

  it("hints at what to try next, each hint once", () => {
    const told = tellAll([update({ status: "verified" }), discrepancy("a"), discrepancy("a", "b")], { url })
    expect(told[0]?.at(-1)?.trim()).toBe(`curl -N ${url}/reconciliation/stream`)
    expect(told[1]?.at(-1)?.trim()).toBe(
      `curl -s -H 'content-type: application/json' -d '{"service":"palantir","accept":true}' ${url}/reconciliation/run`
    )
    expect(told[2]).toHaveLength(1)
  })

  it("quotes what it puts into a command line", () => {
    const command = { commandId: "c", service: "palantir", actionType: "retry-job", target: "it's" }
    expect(Narrator.runCurl(url, command)).toContain(`"target":"it'\\''s"}'`)
  })
})
