import { assert, describe } from "@effect/vitest"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import fc from "fast-check"
import * as Ledger from "../../src/ledger/Ledger.ts"
import { type Job, jobStates } from "../../src/model/Job.ts"
import { tally } from "../../src/model/JobView.ts"
import type { Dispute } from "../../src/model/Judgement.ts"
import * as Store from "../../src/storage/Store.ts"
import { layerDatabase, makeFile } from "../support/house.ts"
import { itAtLength as it } from "../support/interleaved.ts"

const open = (file: string) =>
  Effect.map(Layer.build(Layer.provide(Ledger.layer, Layer.provide(Store.layer, layerDatabase(file)))), (context) =>
    Context.get(context, Ledger.Ledger)
  )

const id = fc.integer({ min: 0, max: 500 }).map((n) => `job-${n}`)
const job = fc.record({ queue: fc.constantFrom("a", "b"), state: fc.constantFrom(...jobStates), leaves: fc.boolean() })
const change = fc.record({
  put: fc.array(fc.tuple(id, job), { maxLength: 450 }),
  remove: fc.array(id, { maxLength: 250 }),
  disputed: fc.uniqueArray(id, { maxLength: 5 })
})

describe("Ledger", () => {
  it.scoped("has in its file what it has in memory, whatever it learned", () =>
    Effect.gen(function* () {
      for (const changes of fc.sample(fc.array(change, { minLength: 1, maxLength: 5 }), 15)) {
        const file = yield* makeFile
        const expected = new Map<string, Job>()
        let disputes: ReadonlyArray<Dispute> = []
        const kept = yield* Effect.scoped(
          Effect.gen(function* () {
            const ledger = yield* open(file)
            for (const { disputed, put, remove } of changes) {
              const after = new Map(expected)
              for (const [key, { leaves, ...rest }] of put)
                after.set(key, leaves ? { id: key, ...rest, leaves } : { id: key, ...rest })
              for (const key of remove) after.delete(key)
              const keys = new Set([...expected.keys(), ...after.keys()])
              const since = yield* DateTime.now
              disputes = disputed.map((key) => ({ kind: "job", id: key, expected: "waiting", actual: "absent", since }))
              yield* ledger.enter("mail", () => ({
                adoptions: Array.from(keys, (key) => ({ id: key, from: expected.get(key), to: after.get(key) })),
                read: Option.some({ asOf: since, counts: tally(after.values()) }),
                disputes: Option.some(disputes),
                change: { writes: [], events: [] },
                result: undefined
              }))
              expected.clear()
              for (const [key, value] of after) expected.set(key, value)
            }
            const { jobs, read } = yield* ledger.account("mail")
            return { jobs: new Map(jobs), read }
          })
        )
        assert.deepStrictEqual(kept.jobs, expected)
        const again = yield* Effect.scoped(Effect.flatMap(open(file), (ledger) => ledger.account("mail")))
        assert.deepStrictEqual(new Map(again.jobs), expected)
        assert.deepStrictEqual(again.read, kept.read)
        const byId = (a: Dispute, b: Dispute) => (a.id < b.id ? -1 : 1)
        assert.deepStrictEqual([...again.disputes].sort(byId), [...disputes].sort(byId))
      }
    })
  )
})
