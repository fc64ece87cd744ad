/** A record of commands that ended, as the store writes it. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Command } from "../../src/model/Command.ts"
import { Write } from "../../src/storage/Change.ts"
import * as Store from "../../src/storage/Store.ts"
import { layerDatabase } from "./house.ts"

/** Everything that one command writes, from its acceptance to its end. */
export const wholeCommand = (commandId: string): ReadonlyArray<Write> => {
  const at = DateTime.unsafeMake("2026-01-01T12:00:00.000Z")
  const command: Command = {
    commandId,
    service: "mail",
    actionType: "retry-job",
    target: `job of ${commandId}`,
    params: {},
    reason: Option.none(),
    actor: "ann",
    fingerprint: "f",
    phase: "queued",
    outcome: Option.none(),
    verified: Option.none(),
    before: Option.none(),
    logs: [],
    createdAt: at,
    deadline: at,
    endedAt: Option.none()
  }
  return [
    Write.CommandAccepted({ command }),
    Write.CommandStarted({ commandId, before: Option.none(), logs: [] }),
    Write.CommandEnded({
      entry: {
        id: commandId,
        timestamp: at,
        actor: "ann",
        actionType: "retry-job",
        // Whatever an embedder's action acts on: it is to be read back to the byte.
        target: `${command.target}\u0000 é\ud83d\ude00`,
        outcome: "success",
        beforeState: { state: "failed", note: "é \u0000 \ud83d\ude00" },
        afterState: null,
        commandParams: {},
        logs: ["done"]
      },
      outcome: "success",
      verified: Option.some(true),
      logs: ["done"]
    })
  ]
}

/** Writes commands to a file, so many in each commit. The file is closed after. */
export const record = (file: string, commits: ReadonlyArray<ReadonlyArray<string>>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const store = Context.get(yield* Layer.build(Layer.provide(Store.layer, layerDatabase(file))), Store.Store)
      for (const ids of commits) yield* store.commit({ writes: ids.flatMap(wholeCommand), events: [] })
    })
  )
