import { Event } from "@mithrandir/core"
import type { Client } from "@mithrandir/http"
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import * as Retelling from "../../src/output/Retelling.ts"

const update = (observedAt: string, more: object = {}): Client.StreamEvent => ({
  event: "reconciliation.update",
  id: "log-1",
  data: Schema.decodeUnknownSync(Event.ReconciliationUpdate)({
    eventId: "01920000-0000-7000-8000-000000000000",
    service: "palantir",
    status: "verified",
    counts: { waiting: 0, active: 0, delayed: 0, completed: 0, failed: 0 },
    checksum: "x",
    latencyMs: 1,
    observedAt,
    ...more
  })
})
const status: Client.StreamEvent = {
  event: "command.status",
  id: "log-2",
  data: { commandId: "c", service: "palantir", phase: "queued", logs: [] }
}
const began = Date.parse("2026-01-31T12:00:00Z")

const times = (...messages: ReadonlyArray<Client.StreamEvent>) => {
  let state = Retelling.start
  return messages.map((message) => {
    const [next, { at }] = Retelling.tell(state, message, began)
    state = next
    return at === undefined || at === "now" ? at : DateTime.formatIso(at)
  })
}

describe("Retelling", () => {
  it("has passes at their own time, and commands that are told again at none", () => {
    expect(times(update("2026-01-30T00:00:00.000Z"), status)).toEqual(["2026-01-30T00:00:00.000Z", undefined])
  })

  it("takes a pass without an answer from its id: what it counted is older", () => {
    expect(times(update("2020-01-01T00:00:00.000Z", { status: "stale" }))).toEqual([
      new Date(0x0192_0000_0000).toISOString()
    ])
  })

  it("has commands at the time they come once it is told what happens now", () => {
    expect(times(update("2026-01-31T12:00:01.000Z"), status)[1]).toBe("now")
    const ready: Client.StreamEvent = { event: "stream.ready", id: "log-1", data: { newest: "log-1" } }
    expect(times(status, ready, status)).toEqual([undefined, undefined, "now"])
  })
})
