/** Who may do what, over every route, on a socket and as the plain function. */
import { assert, describe, it } from "@effect/vitest"
import { Tokens } from "@mithrandir/core"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { Api, Document, Gate, Limits, type Permission, TokenGate } from "../src/index.ts"
import { ask, assertProblem, command } from "./support/ask.ts"
import * as House from "./support/house.ts"
import { type How, listen } from "./support/listen.ts"

interface Row {
  readonly permission: Permission.Permission
  /** What whoever may gets. */
  readonly status: number
  readonly body?: () => object
  /** What stands in the path for its parameters. */
  readonly at?: string
}

/** Every route there is. One that is not here fails the test; so does one that asks for less than stands here. */
const routes: Readonly<Record<string, Row>> = {
  "GET /reconciliation/status": { permission: "viewer", status: 200 },
  "POST /reconciliation/run": { permission: "operator", status: 200, body: () => ({ service: "beta" }) },
  "GET /reconciliation/stream": { permission: "viewer", status: 200 },
  "POST /reconciliation/stream/ticket": { permission: "viewer", status: 200 },
  "GET /reconciliation/discrepancies": { permission: "viewer", status: 200 },
  "GET /reconciliation/audit": { permission: "viewer", status: 200 },
  "GET /reconciliation/audit/export": { permission: "viewer", status: 200 },
  "GET /reconciliation/audit/checkpoint": { permission: "viewer", status: 404 },
  "GET /reconciliation/audit/{id}": { permission: "viewer", status: 404, at: "none" },
  "POST /commands/run": { permission: "operator", status: 202, body: () => command({ target: "none" }) },
  "GET /commands/{commandId}": { permission: "viewer", status: 404, at: "none" },
  "GET /services/registered": { permission: "viewer", status: 200 },
  "GET /api/jobs/stuck": { permission: "viewer", status: 200 },
  "GET /security/events": { permission: "admin", status: 200 },
  "GET /security/tokens": { permission: "admin", status: 200 },
  "POST /security/tokens": { permission: "admin", status: 201, body: () => ({ actor: "x", role: "viewer" }) },
  "DELETE /security/tokens/{id}": { permission: "admin", status: 404, at: "0".repeat(16) },
  "GET /health/live": { permission: "anyone", status: 200 },
  "GET /health/ready": { permission: "anyone", status: 200 },
  "GET /openapi.json": { permission: "viewer", status: 200 }
}

const operations = Object.entries(Document.make(Api.Api)["paths"] as Record<string, Record<string, object>>).flatMap(
  ([path, methods]) => Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path }))
)

const ranks = { anyone: 0, viewer: 1, operator: 2, admin: 3 }

/** By who comes: what they hold. */
const held = {
  none: "anyone",
  viewer: "viewer",
  operator: "operator",
  admin: "admin",
  revoked: "anyone",
  expired: "anyone"
} as const
const comers = Object.keys(held) as ReadonlyArray<keyof typeof held>

/** What a comer is told: the status of whoever may, or why not. */
const expected = ({ permission, status }: Row, who: keyof typeof held): number => {
  if (ranks[held[who]] >= ranks[permission]) return status
  return held[who] === "anyone" ? 401 : 403
}

const pathOf = (path: string, { at = "" }: Row) => path.replace(/\{\w+\}/, at)

/** A stream, left at once; any other answer, read to its end. */
const opened = (url: string, how: How) =>
  Effect.scoped(
    Effect.tap(listen(url, how), ({ ended, headers }) =>
      headers["content-type"] === "text/event-stream" ? Effect.void : ended
    )
  )

const stuck = () =>
  Effect.succeed({ status: 200, contentType: "application/json", body: new TextEncoder().encode("[]") })

describe("every route, for everybody", () => {
  it("is in the table, and the table has no others", () => {
    assert.deepStrictEqual(operations.map(({ method, path }) => `${method} ${path}`).sort(), Object.keys(routes).sort())
  })

  it.scopedLive(
    "on a socket: lets in whom it should, and nobody else",
    () =>
      Effect.gen(function* () {
        const house = yield* House.fresh({ stuck, limits: { failuresPerMinute: 1_000 } })
        const headers = yield* House.credentials(house)
        for (const [name, row] of Object.entries(routes)) {
          const [method = "", path = ""] = name.split(" ")
          for (const who of comers) {
            const url = `${house.url}${pathOf(path, row)}`
            const body = row.body === undefined ? undefined : JSON.stringify(row.body())
            const json = body === undefined ? {} : { "content-type": "application/json" }
            const how = { method, headers: { ...json, ...headers[who] }, ...(body === undefined ? {} : { body }) }
            // A stream is left open: its status says all that there is to know.
            const { status } = path.endsWith("/stream") ? yield* opened(url, how) : yield* ask(url, how)
            assert.strictEqual(status, expected(row, who), `${name} as ${who}`)
          }
        }
      }),
    // A hundred requests, one after the other: on a busy machine they take a while.
    120_000
  )

  it.scopedLive("as the plain function that takes a path before the router", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const headers = yield* House.credentials(house)
      const judge = TokenGate.judge(Context.get(house.context, Tokens.Tokens), {}, Limits.defaults)
      for (const [name, row] of Object.entries(routes)) {
        const [method = "", path = ""] = name.split(" ")
        for (const who of comers) {
          const verdict = Gate.admit(judge, {
            method,
            url: pathOf(path, row),
            headers: { host: "localhost", ...headers[who] },
            // Each fails but once from there.
            address: `192.0.2.${comers.indexOf(who)}`,
            time: Date.now() + 60_000 * Object.keys(routes).indexOf(name),
            permission: row.permission,
            holder: undefined
          })
          const told = verdict._tag === "Admitted" ? row.status : verdict.problem.status
          assert.strictEqual(told, expected(row, who), `${name} as ${who}`)
        }
      }
    })
  )

  it.scopedLive("is for the names of this server alone, and changes nothing for pages of others, whoever asks", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const { admin } = yield* House.credentials(house)
      for (const [name, row] of Object.entries(routes)) {
        const [method = "", path = ""] = name.split(" ")
        const url = `${house.url}${pathOf(path, row)}`
        const rebound = yield* Effect.scoped(
          Effect.tap(listen(url, { method, headers: { ...admin, host: "attacker.example" } }), ({ ended }) => ended)
        )
        assert.strictEqual(rebound.status, 421, name)
        if (method === "GET") continue
        for (const forged of [
          { origin: "https://attacker.example" },
          { "sec-fetch-site": "cross-site" },
          { origin: "null" }
        ]) {
          const sent = row.body === undefined ? {} : { body: JSON.stringify(row.body()) }
          const answer = yield* ask(url, {
            method,
            headers: { ...admin, ...forged, "content-type": "application/json" },
            ...sent
          })
          assertProblem(answer, 403, "cross-origin")
        }
      }
    })
  )

  it.scopedLive("answers so that no browser keeps, guesses at, frames or runs what it says", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh({ limits: { failuresPerMinute: 1_000 } })
      const { admin, none } = yield* House.credentials(house)
      const paths = [...Object.entries(routes), ["GET /nothing", { permission: "viewer", status: 404 }] as const]
      for (const [name, row] of paths) {
        const [method = "", path = ""] = name.split(" ")
        for (const who of [admin, none]) {
          const answer = yield* opened(`${house.url}${pathOf(path, row)}`, { method, headers: who })
          const { "cache-control": cache, ...headers } = answer.headers
          assert.strictEqual(headers["x-content-type-options"], "nosniff", name)
          assert.strictEqual(headers["x-frame-options"], "DENY", name)
          assert.strictEqual(headers["referrer-policy"], "no-referrer", name)
          assert.match(
            String(headers["content-security-policy"]),
            /^default-src 'none'; (frame-ancestors 'none'|sandbox)/,
            name
          )
          const isGood = answer.status < 400
          const kept =
            path.startsWith("/reconciliation/audit") && !path.endsWith("/export") && isGood
              ? "private, no-cache"
              : "no-store"
          assert.strictEqual(cache, path.endsWith("/stream") && isGood ? "no-cache, no-transform" : kept, name)
          assert.isUndefined(headers["x-powered-by"], name)
          assert.isUndefined(headers["server"], name)
        }
      }
    })
  )

  it.scopedLive("takes a body only as JSON: what forms and scripts of other pages can send does nothing", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const { admin } = yield* House.credentials(house)
      for (const [name, row] of Object.entries(routes)) {
        if (row.body === undefined) continue
        const [method = "", path = ""] = name.split(" ")
        const body = new TextEncoder().encode(JSON.stringify(row.body()))
        for (const type of [
          undefined,
          "text/plain",
          "application/x-www-form-urlencoded",
          "multipart/form-data; boundary=x"
        ]) {
          const headers = { ...admin, ...(type === undefined ? {} : { "content-type": type }) }
          assertProblem(yield* ask(`${house.url}${path}`, { method, headers, body }), 415, "unsupported-media-type")
        }
      }
      const audit = yield* ask(`${house.url}/reconciliation/audit`, { headers: admin })
      assert.strictEqual(audit.json.meta.total, 0)
    })
  )
})
