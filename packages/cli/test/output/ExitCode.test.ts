import { Command, JobSource, Service } from "@mithrandir/core"
import { describe, expect, it } from "vitest"
import { ConfigInvalid } from "../../src/config/ConfigInvalid.ts"
import * as ExitCode from "../../src/output/ExitCode.ts"

describe("ExitCode", () => {
  it("never changes its numbers", () => {
    expect([
      ExitCode.ok,
      ExitCode.failed,
      ExitCode.usage,
      ExitCode.discrepancy,
      ExitCode.notAllowed,
      ExitCode.unreachable,
      ExitCode.unknown,
      ExitCode.interrupted
    ]).toEqual([0, 1, 2, 3, 4, 5, 6, 130])
  })

  const [unconnected, unasked] = JobSource.unsent.map((reason) => new JobSource.SourceUnavailable({ reason }).message)

  const unseen = "the target could not be looked at: its answer does not fit the contract: what it says"

  it.each([
    ["success", { outcome: "success", logs: [] }, 0],
    ["a success that was looked for and found", { outcome: "success", verified: true, logs: [] }, 0],
    ["a success that was looked for and not found", { outcome: "success", verified: false, logs: [] }, 1],
    ["failure", { outcome: "failure", logs: ["not applied: the job has not failed"] }, 1],
    ["failure for want of a connection", { outcome: "failure", logs: [`not applied: ${unconnected}`] }, 5],
    ["failure because the upstream is not asked", { outcome: "failure", logs: [`not applied: ${unasked}`] }, 5],
    ["failure for want of a look", { outcome: "failure", logs: [`not applied: ${unseen}`] }, 5],
    ["an unknown effect", { outcome: "timeout", logs: [] }, 6],
    ["no end seen", { logs: [] }, 6]
  ] as const)("of a command: %s", (_, state, code) => {
    expect(ExitCode.ofCommand(state)).toBe(code)
  })

  const verified = { status: "verified" } as const
  const stale = { status: "stale" } as const
  const discrepancy = { status: "discrepancy" } as const

  it.each([
    ["no services", [], true, 0],
    ["verified", [verified], true, 0],
    ["a discrepancy nobody asked to be told of", [verified, discrepancy], false, 0],
    ["a discrepancy", [verified, discrepancy], true, 3],
    ["no answer from upstream", [verified, stale], false, 5],
    ["a discrepancy and no answer", [stale, discrepancy], true, 3]
  ] as const)("of passes: %s", (_, updates, tellDiscrepancy, code) => {
    expect(ExitCode.ofPasses(updates, { tellDiscrepancy })).toBe(code)
  })

  it.each([
    [new ConfigInvalid({ mistakes: [{ source: "f", path: "p", problem: "x" }] }), 2],
    [new Service.ServiceNotFound({ service: "x", known: [] }), 2],
    [new Command.ActionNotFound({ actionType: "x", known: [] }), 2],
    [new Command.CommandIdTaken({ commandId: "x" }), 2],
    [new ExitCode.Refused({ code: 4, problem: "no" }), 4],
    [new ExitCode.Ended({ code: 6 }), 6],
    [new Error("anything"), 1],
    ["text", 1],
    [null, 1]
  ])("of an error: %s", (error, code) => {
    expect(ExitCode.ofError(error)).toBe(code)
  })
})
