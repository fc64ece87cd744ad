import { readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import type * as HttpClient from "@effect/platform/HttpClient"
import { assert, describe, it } from "@effect/vitest"
import { AuditLog, Commands, type Database, type Event, MemorySource, type Mithrandir } from "@mithrandir/core"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { afterAll, vi } from "vitest"
import { layerDatabase, layerPlatform, makeFile, service } from "../../../packages/core/test/support/house.ts"
import { programOf } from "../support/compile.ts"
import { Page } from "../support/Page.ts"

const recipe = "docs/recipes/write-a-command.md"
const page = new Page(recipe)
page.take("ts")
page.take("ts")

it("write-a-command: no snippet is left over", () => page.end())

/** What the recipe leaves to its reader, under the name that it has there. */
class PrintShop extends Context.Tag("PrintShop")<
  PrintShop,
  { readonly release: (id: string, pin: string, key: string) => Effect.Effect<"released" | "wrong PIN", Error> }
>() {}

interface Recipe {
  readonly MithrandirLive: Layer.Layer<
    Mithrandir.Mithrandir,
    Error,
    Database.Database | HttpClient.HttpClient | PrintShop
  >
  readonly send: Effect.Effect<Stream.Stream<Event.CommandStatus, Error>, Commands.SubmitError, Commands.Commands>
}

const memory = Effect.runSync(MemorySource.make)
// What a snippet only declares, its module finds as a global.
vi.stubGlobal("services", [service(memory, { id: "print" }), service(memory, { id: "mail" })])
const { MithrandirLive, send }: Recipe = await import(programOf(recipe, 1))
// Workers go on with other files.
afterAll(() => void vi.unstubAllGlobals())

/** The PIN that the recipe sends. */
const pin = "2580"

/** A shop where a poster waits for its PIN; `keys` are those it was asked under. */
const begun = Effect.gen(function* () {
  yield* memory.control.replace([{ id: "poster-3", state: "delayed" }])
  const keys: Array<string> = []
  let expected = pin
  let breaks = false
  const shop = Layer.succeed(PrintShop, {
    release: (id, given, key) =>
      Effect.gen(function* () {
        keys.push(key)
        if (given !== expected) return "wrong PIN"
        yield* memory.control.put({ id, state: "waiting" })
        if (breaks) return yield* Effect.fail(new Error("ECONNRESET"))
        return "released"
      })
  })
  const file = yield* makeFile
  const live = Layer.provide(MithrandirLive, [shop, layerDatabase(file), layerPlatform])
  const house = yield* Layer.build(live)
  return {
    file,
    keys,
    audit: Context.get(house, AuditLog.AuditLog),
    commands: Context.get(house, Commands.Commands),
    /** Sends what the recipe sends, and follows it to its end. */
    sent: send.pipe(Effect.flatMap(Stream.runCollect), Effect.flatMap(Chunk.last), Effect.provide(house)),
    expect: (other: string) => {
      expected = other
    },
    break: () => {
      breaks = true
    }
  }
})

describe("write-a-command", () => {
  it.scopedLive("fails with the wrong PIN, succeeds with the right one, and keeps it to itself", () =>
    Effect.gen(function* () {
      const { audit, expect, file, keys, sent } = yield* begun
      expect("1111")
      const wrong = yield* sent
      assert.strictEqual(wrong.phase, "error")
      assert.include(wrong.logs, "upstream refused: the PIN is wrong")
      assert.strictEqual((yield* audit.get(wrong.commandId)).outcome, "failure")

      expect(pin)
      const right = yield* sent
      assert.deepInclude(right, { phase: "success", verified: true })
      assert.include(right.logs, "released, to be printed 2 times")
      const entry = yield* audit.get(right.commandId)
      assert.deepInclude(entry, { actor: "somebody", actionType: "release-job", outcome: "success" })
      assert.deepStrictEqual(entry.commandParams, { pin: "[redacted]", copies: 2 })
      assert.deepInclude(entry.beforeState, { id: "poster-3", state: "delayed" })
      assert.deepInclude(entry.afterState, { id: "poster-3", state: "waiting" })
      assert.deepStrictEqual(keys, [wrong.commandId, right.commandId])

      const files = readdirSync(dirname(file))
      assert.include(files, "test.db")
      for (const name of files) assert.isFalse(readFileSync(join(dirname(file), name)).includes(`"${pin}"`), name)
    })
  )

  it.scopedLive("an upstream that did not answer is looked at, and what it shows decides", () =>
    Effect.gen(function* () {
      const house = yield* begun
      house.break()
      assert.deepInclude(yield* house.sent, { phase: "success", verified: true })
    })
  )

  it.scopedLive("refuses what does not fit, by its path, and what the service cannot do", () =>
    Effect.gen(function* () {
      const { commands, keys } = yield* begun
      const request = { commandId: "c-1", service: "print", actionType: "release-job", target: "poster-3" }
      const refused = (changes: object) => Effect.flip(commands.submit({ ...request, ...changes }, "somebody"))
      assert.deepInclude(yield* refused({ params: { pin: "" } }), { _tag: "CommandInvalid", path: "params.pin" })
      assert.deepInclude(yield* refused({ params: { pin, ink: "red" } }), {
        _tag: "CommandInvalid",
        path: "params.ink"
      })
      assert.deepInclude(yield* refused({ service: "mail", params: { pin } }), { _tag: "ActionNotSupported" })
      const absent = yield* commands.preview({ ...request, target: "poster-4", params: { pin } })
      assert.deepStrictEqual(absent.precondition, { met: false, problem: 'there is no job "poster-4"' })
      assert.deepStrictEqual(keys, [])
    })
  )
})
