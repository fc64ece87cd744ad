/** Whatever is sent: no answer of ours is a 5xx, off its schema, or says what is behind it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import fc from "fast-check"
import { Api, Document } from "../src/index.ts"
import { ask } from "./support/ask.ts"
import { requests } from "./support/fuzz.ts"
import * as House from "./support/house.ts"
import { listen } from "./support/listen.ts"

const runs = process.env["MITHRANDIR_TEST_LONG"] === "1" ? 10_000 : 1_000

/** What stands in stacks, in paths of this machine, in SQL, and in the names of libraries. */
const inner = /\bat .+:\d+:\d+|node_modules|\.ts\b|sqlite|\bSELECT\b|\bINSERT\b|effect\/|ParseError|HttpApiDecode/i

const stuck = () =>
  Effect.succeed({ status: 200, contentType: "application/json", body: new TextEncoder().encode("[]") })

describe("requests made from the document, and mutations of them", () => {
  it.scopedLive(
    "get an answer that the document promises, and never a 5xx",
    () =>
      Effect.gen(function* () {
        const limits = { commandsPerMinute: 1_000_000, failuresPerMinute: 1_000_000 }
        const house = yield* House.fresh({ stuck, limits })
        const { admin, viewer } = yield* House.credentials(house)
        yield* house.control.put({ id: "j1", queue: "q", state: "failed" }, { id: "j2", queue: "q" })
        const statuses = new Map<number, number>()
        const whom = fc.oneof(
          { weight: 8, arbitrary: fc.constant(admin) },
          { weight: 1, arbitrary: fc.constantFrom(viewer, {}, House.bearer("x")) }
        )
        yield* Effect.promise(() =>
          fc.assert(
            fc.asyncProperty(requests(Document.make(Api.Api)), whom, async (request, who) => {
              const { url, ...sent } = request
              const how = { ...sent, headers: { ...request.headers, ...who } }
              const at = `${house.url}${url}`
              const isStream = /^\/reconciliation\/stream(\?|$)/.test(url) && sent.method === "GET"
              const answer = await Effect.runPromise(
                isStream
                  ? Effect.scoped(
                      Effect.tap(listen(at, how), ({ ended, status }) => (status === 200 ? Effect.void : ended))
                    ).pipe(Effect.map(({ status, text }) => ({ status, text: text() })))
                  : ask(at, how)
              )
              statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
              assert.isBelow(answer.status, 500, answer.text)
              if (answer.status >= 400) assert.notMatch(answer.text, inner)
            }),
            { numRuns: runs, endOnFailure: true }
          )
        )
        // Neither all right nor all wrong, or nothing would have been tried.
        const told = (status: number) => statuses.get(status) ?? 0
        for (const status of [200, 400, 404]) assert.isAbove(told(status), runs / 100, JSON.stringify([...statuses]))
        for (const status of [201, 202, 401, 403, 405, 415, 422])
          assert.isAbove(told(status), 0, JSON.stringify([...statuses]))
        assert.strictEqual((yield* ask(`${house.url}/health/ready`)).status, 200)
      }),
    60_000 + runs * 60
  )
})
