import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { makeFile } from "../support/house.ts"
import { client, open, opened, rowsOf } from "../support/security.ts"

const many = Array.from({ length: 15 }, (_, index) => `actor-${index}`)

describe("while something else goes on", () => {
  it.scoped("a token that is made or revoked is not forgotten by who began to look before", () =>
    Effect.gen(function* () {
      const file = yield* makeFile
      let reading: Effect.Effect<void> = Effect.void
      const { tokens } = yield* open(
        file,
        "writer",
        Effect.suspend(() => reading)
      )
      /** What somebody does while another has looked already, and has not learned yet of what he saw. */
      const meanwhile = <A, E>(effect: Effect.Effect<A, E>) =>
        Effect.gen(function* () {
          const [seen, gate] = yield* Effect.all([Deferred.make<void>(), Deferred.make<void>()])
          reading = Effect.zipRight(Deferred.succeed(seen, undefined), Deferred.await(gate))
          const looking = yield* Effect.fork(tokens.refresh)
          yield* Deferred.await(seen)
          reading = Effect.void
          const doing = yield* Effect.fork(effect)
          yield* TestClock.adjust("1 second")
          yield* Deferred.succeed(gate, undefined)
          yield* Fiber.join(looking)
          return yield* Fiber.join(doing)
        })
      const { text, token } = yield* meanwhile(tokens.create({ actor: "ann", role: "viewer" }, "local"))
      assert.deepStrictEqual(tokens.recognise(Redacted.value(text), 0), { _tag: "Good", token })
      yield* meanwhile(tokens.revoke(token.id, "local"))
      assert.isFalse(tokens.isGood(token.id, 0))
    })
  )

  it.scoped("a token is known once it is stored, though whoever asked for it has gone meanwhile", () =>
    Effect.gen(function* () {
      const { file, tokens } = yield* opened
      const { token } = yield* tokens.create({ actor: "ann", role: "viewer" }, "local")
      const db = yield* client(file)
      const create = Effect.asVoid(tokens.create({ actor: "bob", role: "viewer" }, "local"))
      const revoke = Effect.asVoid(tokens.revoke(token.id, "local"))
      for (const way of [create, revoke]) {
        db.exec("BEGIN IMMEDIATE")
        const asking = yield* Effect.fork(way)
        yield* TestClock.adjust("50 millis")
        const going = yield* Effect.fork(Fiber.interrupt(asking))
        yield* TestClock.adjust("50 millis")
        assert.isNull(asking.unsafePoll())
        db.exec("ROLLBACK")
        yield* Effect.repeat(TestClock.adjust("50 millis"), { until: () => going.unsafePoll() !== null })
        // A commit that has begun goes on to its end.
        const all = yield* tokens.list
        assert.lengthOf(all, 2)
        for (const { id, revokedAt } of all) assert.strictEqual(tokens.isGood(id, 0), revokedAt === null)
      }
      assert.isFalse(tokens.isGood(token.id, 0))
    })
  )
})

for (const ops of [17, 64, 2048]) {
  describe(`at once, where fibers yield every ${ops} operations`, () => {
    it.scoped("many are made while others look again, and each is recognised by whoever made it and for good", () =>
      Effect.gen(function* () {
        const { file, tokens } = yield* opened
        const create = (actor: string) =>
          Effect.map(tokens.create({ actor, role: "viewer" }, "local"), (made) => {
            assert.deepStrictEqual(tokens.recognise(Redacted.value(made.text), 0), { _tag: "Good", token: made.token })
            return made
          })
        const made = yield* Effect.forEach(many, (actor) => Effect.zipLeft(create(actor), tokens.refresh), {
          concurrency: "unbounded"
        }).pipe(Effect.withMaxOpsBeforeYield(ops))
        assert.strictEqual(new Set(made.map(({ token }) => token.id)).size, many.length)
        for (const { text, token } of made) {
          assert.deepStrictEqual(tokens.recognise(Redacted.value(text), 0), { _tag: "Good", token })
        }
        assert.lengthOf(rowsOf(file), many.length)
      })
    )

    it.scoped("many are revoked while others are made, and none is good again", () =>
      Effect.gen(function* () {
        const { tokens } = yield* opened
        const make = Effect.forEach(many, (actor) => tokens.create({ actor, role: "viewer" }, "local"), {
          concurrency: "unbounded"
        })
        const first = yield* make
        const revoke = Effect.forEach(
          first,
          ({ token }) =>
            Effect.tap(tokens.revoke(token.id, "root"), ({ id }) => assert.isFalse(tokens.isGood(id, 0))).pipe(
              Effect.zipLeft(tokens.refresh)
            ),
          { concurrency: "unbounded" }
        )
        const [second] = yield* Effect.all([make, revoke], { concurrency: "unbounded" }).pipe(
          Effect.withMaxOpsBeforeYield(ops)
        )
        for (const { token } of first) assert.isFalse(tokens.isGood(token.id, 0))
        for (const { token } of second) assert.isTrue(tokens.isGood(token.id, 0))
      })
    )

    it.scopedLive("one is revoked by many, once, and all are told the same time", () =>
      Effect.gen(function* () {
        const { file, tokens } = yield* opened
        const { token } = yield* tokens.create({ actor: "ann", role: "viewer" }, "local")
        const revoked = yield* Effect.forEach(many, (actor) => tokens.revoke(token.id, actor), {
          concurrency: "unbounded"
        }).pipe(Effect.withMaxOpsBeforeYield(ops))
        const [known] = yield* tokens.list
        for (const one of revoked) assert.deepStrictEqual(one, known)
        assert.deepStrictEqual(
          rowsOf(file).map(({ kind }) => kind),
          ["token-created", "token-revoked"]
        )
      })
    )
  })
}
