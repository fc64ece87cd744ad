import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Gate } from "../src/index.ts"
import * as Tickets from "../src/Tickets.ts"
import { post } from "./support/ask.ts"
import * as House from "./support/house.ts"
import { listen } from "./support/listen.ts"

const ann: Gate.Principal = { actor: "ann", role: "admin" }

describe("a ticket", () => {
  it.scoped("lets in for less than thirty seconds, to look on", () =>
    Effect.gen(function* () {
      const tickets = Context.get(yield* Layer.build(Tickets.layer), Tickets.Tickets)
      const made = 1_000_000
      const taken = (after: number) => {
        const issued = tickets.issue(ann, made)
        assert.strictEqual(issued?.expiresAt, made + 30_000)
        return tickets.take(issued?.ticket ?? "", made + after)
      }
      for (const after of [0, 29_900, 29_999]) assert.deepStrictEqual(taken(after), { ...ann, role: "viewer" })
      for (const after of [30_000, 30_001, 86_400_000]) assert.isUndefined(taken(after), String(after))
    })
  )

  it.scopedLive("is as old as it is by the clock of the server, where it was made and where it is used", () =>
    Effect.gen(function* () {
      let now = Date.parse("2026-01-31T12:00:00Z")
      // It goes on as any other, and tells the time that it is told.
      const clock: Clock.Clock = Object.create(Clock.make(), {
        currentTimeMillis: { value: Effect.sync(() => now) },
        unsafeCurrentTimeMillis: { value: () => now }
      })
      const house = yield* Effect.withClock(House.fresh(), clock)
      const { text } = yield* House.token(house, "viewer")
      const statusAfter = (millis: number) =>
        Effect.gen(function* () {
          const { json } = yield* post(`${house.url}/reconciliation/stream/ticket`, "", House.bearer(text))
          assert.strictEqual(Date.parse(json.expiresAt), now + 30_000)
          now += millis
          const stream = yield* listen(`${house.url}/reconciliation/stream?ticket=${json.ticket}`)
          if (stream.status !== 200) yield* stream.ended
          return stream.status
        })
      assert.strictEqual(yield* statusAfter(29_900), 200)
      assert.strictEqual(yield* statusAfter(30_000), 401)
    })
  )
})
