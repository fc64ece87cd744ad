import { assert, describe, it } from "@effect/vitest"
import { SecurityLog, Tokens } from "@mithrandir/core"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { Gate, Limits, TokenGate } from "../src/index.ts"
import { ask, assertProblem, command, post, raw } from "./support/ask.ts"
import * as House from "./support/house.ts"
import { listen } from "./support/listen.ts"

const knock = (more: Partial<Gate.Knock> = {}): Gate.Knock => ({
  method: "GET",
  url: "/reconciliation/status",
  headers: { host: "localhost:4410" },
  address: "192.0.2.1",
  time: 0,
  permission: "viewer",
  holder: undefined,
  ...more
})

const outcome = (verdict: Gate.Verdict): string =>
  verdict._tag === "Admitted" ? `${verdict.principal.actor}, ${verdict.principal.role}` : verdict.problem.code

const judgeOf = (house: House.House, names: Gate.Names = {}, limits: Partial<Limits.Shape> = {}) =>
  TokenGate.judge(Context.get(house.context, Tokens.Tokens), names, { ...Limits.defaults, ...limits })

/** What was noted, written and read back. */
const securityEvents = (house: House.House, query = {}) =>
  Effect.gen(function* () {
    const log = Context.get(house.context, SecurityLog.SecurityLog)
    yield* log.flush
    const { data } = yield* log.page({ page: 1, limit: 200, sortOrder: "asc", ...query })
    return data
  })

describe("TokenGate", () => {
  it.scopedLive("without a token ever made, is for this machine alone, as local", () =>
    Effect.gen(function* () {
      const judge = judgeOf(yield* House.fresh())
      assert.strictEqual(outcome(judge(knock({ address: "127.0.0.1" }))), "local, admin")
      assert.strictEqual(outcome(judge(knock())), "not-local")
      for (const name of ["forwarded", "x-forwarded-for", "x-real-ip"]) {
        const headers = { host: "localhost", [name]: "127.0.0.1" }
        assert.strictEqual(outcome(judge(knock({ address: "127.0.0.1", headers }))), "not-local", name)
      }
    })
  )

  it.scopedLive("with one, asks everybody for theirs, over loopback too, also once it is revoked", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      assert.strictEqual((yield* ask(`${house.url}/reconciliation/status`)).status, 200)
      const { id, text } = yield* House.token(house, "viewer", { actor: "ann" })
      const answer = yield* ask(`${house.url}/reconciliation/status`)
      assertProblem(answer, 401, "unauthenticated")
      assert.strictEqual(answer.headers.get("www-authenticate"), "Bearer")
      assert.strictEqual(
        (yield* ask(`${house.url}/reconciliation/status`, { headers: House.bearer(text) })).status,
        200
      )
      yield* Context.get(house.context, Tokens.Tokens).revoke(id, "test")
      assertProblem(yield* ask(`${house.url}/reconciliation/status`), 401, "unauthenticated")
      const gone = yield* ask(`${house.url}/reconciliation/status`, { headers: House.bearer(text) })
      assertProblem(gone, 401, "unauthenticated")
      assert.include(gone.text, `the token ${id} was revoked`)
    })
  )

  it.scopedLive("takes a token as it was made and in no other form", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const { text } = yield* House.token(house, "viewer", { actor: "ann" })
      const judge = judgeOf(house, {}, { failuresPerMinute: 1_000 })
      const verdict = (authorization: string) =>
        outcome(judge(knock({ headers: { host: "localhost", authorization } })))
      for (const good of [`Bearer ${text}`, `bearer ${text}`, `BEARER  ${text}`]) {
        assert.strictEqual(verdict(good), "ann, viewer", good)
      }
      const other = text.at(-2) === "A" ? "B" : "A"
      const others = ["", text, `Basic ${text}`, `Bearer${text}`, "Bearer ", `Bearer ${text} x`, `Bearer x ${text}`]
      const tampered = [text.slice(0, -1), `${text}A`, `${text.slice(0, -2)}${other}${text.at(-1)}`, text.toUpperCase()]
      for (const bad of [...others, ...tampered.map((one) => `Bearer ${one}`)]) {
        assert.strictEqual(verdict(bad), "unauthenticated", bad)
      }
      // Never in a URL: it would stand in logs and histories.
      for (const name of ["token", "access_token", "authorization", "ticket"]) {
        assert.strictEqual(outcome(judge(knock({ url: `/reconciliation/status?${name}=${text}` }))), "unauthenticated")
      }
    })
  )

  it.scopedLive("says in the audit who authenticated, and takes no actor from a body", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const { operator, viewer } = yield* House.credentials(house)
      yield* house.control.put({ id: "j1", queue: "q", state: "failed" })
      assertProblem(
        yield* post(`${house.url}/commands/run`, command({ actor: "root" }), operator),
        400,
        "invalid-request",
        "actor"
      )
      const sent = command()
      yield* post(`${house.url}/commands/run`, sent, { ...operator, prefer: "wait=10" })
      const entry = yield* ask(`${house.url}/reconciliation/audit/${sent.commandId}`, { headers: viewer })
      assert.deepStrictEqual([entry.status, entry.json.actor], [200, "operator"])
    })
  )

  it.scopedLive("counts failures by network, never refuses a good token for them, and forgets with time", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const { text } = yield* House.token(house, "viewer", { actor: "ann" })
      const judge = judgeOf(house, {}, { failuresPerMinute: 3 })
      const fail = (address: string, time = 0) => outcome(judge(knock({ address, time })))
      const four = (addresses: ReadonlyArray<string>) => addresses.map((address) => fail(address))
      const [no, much] = ["unauthenticated", "too-many-failures"]
      assert.deepStrictEqual(four(["1.2.3.4", "::ffff:1.2.3.4", "1.2.3.4", "1.2.3.4"]), [no, no, no, much])
      assert.strictEqual(fail("1.2.3.5"), no)
      assert.deepStrictEqual(four(["2001:db8::1", "2001:DB8:0:0::2", "2001:0db8:0000:0000:ffff::3", "2001:db8::4"]), [
        no,
        no,
        no,
        much
      ])
      assert.strictEqual(fail("2001:db8:0:1::1"), no)
      const headers = { host: "localhost", ...House.bearer(text) }
      assert.strictEqual(outcome(judge(knock({ address: "1.2.3.4", headers }))), "ann, viewer")
      const refused = judge(knock({ address: "1.2.3.4" }))
      assert.strictEqual(refused._tag === "Rejected" && refused.problem.retryAfter, 20)
      assert.strictEqual(fail("1.2.3.4", 20_000), no)
    })
  )

  it.scopedLive("keeps a record of whom it refused, without what they sent", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const { admin, expired, viewer } = yield* House.credentials(house)
      const canary = "s3cret-5318008"
      yield* ask(`${house.url}/reconciliation/status?token=${canary}`)
      yield* ask(`${house.url}/reconciliation/status`, { headers: House.bearer(canary) })
      yield* ask(`${house.url}/reconciliation/status`, { headers: expired })
      yield* ask(`${house.url}/nothing`, { headers: House.bearer(canary) })
      yield* post(`${house.url}/commands/run`, command(), viewer)
      yield* post(`${house.url}/commands/run`, command(), { ...admin, origin: `https://${canary}` })
      const events = yield* securityEvents(house)
      assert.notInclude(JSON.stringify(events), canary)
      assert.deepStrictEqual(
        events
          .filter(({ kind }) => !kind.startsWith("token-"))
          .map(({ actor, address, kind, request }) => [kind, actor, address, request]),
        [
          ["unauthenticated", null, "127.0.0.1", "GET /reconciliation/status"],
          ["unauthenticated", null, "127.0.0.1", "GET /reconciliation/status"],
          ["unauthenticated", "late", "127.0.0.1", "GET /reconciliation/status"],
          ["unauthenticated", null, "127.0.0.1", "GET /nothing"],
          ["forbidden", "viewer", "127.0.0.1", "POST /commands/run"],
          ["cross-origin", null, "127.0.0.1", "POST /commands/run"]
        ]
      )
      const page = yield* ask(`${house.url}/security/events?kind=forbidden`, { headers: admin })
      assert.deepStrictEqual([page.status, page.json.meta.total, page.json.data[0].actor], [200, 1, "viewer"])
      assert.strictEqual(page.json.data[0].detail, "that takes the role operator, and yours is viewer")
      assertProblem(
        yield* ask(`${house.url}/security/events?kind=none`, { headers: admin }),
        400,
        "invalid-request",
        "kind"
      )
    })
  )
})

describe("tokens over HTTP", () => {
  it.scopedLive("are made by an admin, shown once, listed without their text, and revoked", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const first = yield* post(`${house.url}/security/tokens`, { actor: "root", role: "admin" })
      assert.deepStrictEqual([first.status, first.json.actor, first.json.createdBy], [201, "root", "local"])
      const admin = House.bearer(first.json.token)
      const made = yield* post(
        `${house.url}/security/tokens`,
        { actor: "oncall", role: "operator", expiresAt: "2099-01-31T12:00:00Z" },
        admin
      )
      assert.deepStrictEqual(
        [made.status, made.json.createdBy, made.json.expiresAt],
        [201, "root", "2099-01-31T12:00:00.000Z"]
      )
      const list = yield* ask(`${house.url}/security/tokens`, { headers: admin })
      assert.deepStrictEqual(
        list.json.data.map(({ actor }: { actor: string }) => actor),
        ["root", "oncall"]
      )
      assert.notInclude(list.text, made.json.token)
      assert.notInclude(list.text, "hash")
      const use = () => ask(`${house.url}/reconciliation/status`, { headers: House.bearer(made.json.token) })
      assert.strictEqual((yield* use()).status, 200)
      const revoke = () => ask(`${house.url}/security/tokens/${made.json.id}`, { method: "DELETE", headers: admin })
      const revoked = yield* revoke()
      assert.deepStrictEqual([revoked.status, typeof revoked.json.revokedAt], [200, "string"])
      assert.strictEqual((yield* revoke()).json.revokedAt, revoked.json.revokedAt)
      assertProblem(yield* use(), 401, "unauthenticated")
      const events = yield* securityEvents(house, { kind: "token-revoked" })
      assert.deepStrictEqual(
        events.map(({ actor, detail }) => [actor, detail]),
        [["root", `token ${made.json.id} of oncall, operator`]]
      )
    })
  )

  it.scopedLive("have an actor that is nobody else's name, and nothing that is not known", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      for (const actor of ["local", "sandbox", "Anonymous", "cli:root", "", "a b", "a\nb", "x".repeat(65), "-a"]) {
        assertProblem(
          yield* post(`${house.url}/security/tokens`, { actor, role: "admin" }),
          400,
          "invalid-request",
          "actor"
        )
      }
      assertProblem(
        yield* post(`${house.url}/security/tokens`, { actor: "a", role: "root" }),
        400,
        "invalid-request",
        "role"
      )
      assertProblem(
        yield* post(`${house.url}/security/tokens`, { actor: "a", role: "admin", id: "x" }),
        400,
        "invalid-request",
        "id"
      )
      assert.strictEqual((yield* ask(`${house.url}/security/tokens`)).json.data.length, 0)
    })
  )
})

describe("a ticket", () => {
  it.scopedLive("opens one stream, once, as whoever asked for it, and nothing else", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const { admin } = yield* House.credentials(house)
      assertProblem(yield* post(`${house.url}/reconciliation/stream/ticket`, ""), 401, "unauthenticated")
      const issue = Effect.map(
        post(`${house.url}/reconciliation/stream/ticket`, "", admin),
        ({ json }) => json.ticket as string
      )
      const ticket = yield* issue
      for (const path of ["/reconciliation/status", "/security/tokens"]) {
        assertProblem(yield* ask(`${house.url}${path}?ticket=${ticket}`), 401, "unauthenticated")
      }
      const first = yield* listen(`${house.url}/reconciliation/stream?ticket=${ticket}`)
      assert.strictEqual(first.status, 200)
      yield* first.until((seen) => seen.some(({ event }) => event === "stream.ready"))
      assertProblem(yield* ask(`${house.url}/reconciliation/stream?ticket=${ticket}`), 401, "unauthenticated")
      assertProblem(yield* ask(`${house.url}/reconciliation/stream?ticket=x`), 401, "unauthenticated")
      // Spent also where it was used in vain: whoever saw it in a log finds it used.
      const spent = yield* issue
      const headers = { host: "attacker.example" }
      const misdirected = yield* Effect.tap(
        listen(`${house.url}/reconciliation/stream?ticket=${spent}`, { headers }),
        ({ ended }) => ended
      )
      assert.strictEqual(misdirected.status, 421)
      assertProblem(yield* ask(`${house.url}/reconciliation/stream?ticket=${spent}`), 401, "unauthenticated")
    })
  )

  it.scopedLive("is worth nothing once its token is revoked", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const { id, text } = yield* House.token(house, "viewer")
      const { json } = yield* post(`${house.url}/reconciliation/stream/ticket`, "", House.bearer(text))
      yield* Context.get(house.context, Tokens.Tokens).revoke(id, "test")
      assertProblem(yield* ask(`${house.url}/reconciliation/stream?ticket=${json.ticket}`), 401, "unauthenticated")
    })
  )

  it.scopedLive("is one of a hundred that may wait at once", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const issue = post(`${house.url}/reconciliation/stream/ticket`, "")
      const statuses = yield* Effect.forEach(Array.from({ length: 101 }), () => issue, { concurrency: 10 })
      assert.deepStrictEqual(
        statuses.filter(({ status }) => status !== 200).map(({ json }) => json.code),
        ["too-many-tickets"]
      )
    })
  )
})

describe("limits", () => {
  it.scopedLive("commands and passes of one actor, by how many a minute", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh({ limits: { commandsPerMinute: 2 } })
      const { admin, operator, viewer } = yield* House.credentials(house)
      assert.strictEqual((yield* post(`${house.url}/commands/run`, command({ dryRun: true }), operator)).status, 200)
      assert.strictEqual((yield* post(`${house.url}/reconciliation/run`, {}, operator)).status, 200)
      const refused = yield* post(`${house.url}/commands/run`, command(), operator)
      assertProblem(refused, 429, "too-many-commands")
      const retryAfter = Number(refused.headers.get("retry-after"))
      assert.isTrue(retryAfter > 20 && retryAfter <= 30, String(retryAfter))
      assert.strictEqual(refused.json.retryAfter, retryAfter)
      // Others have their own, and reading is none.
      assert.strictEqual((yield* post(`${house.url}/reconciliation/run`, {}, admin)).status, 200)
      for (const headers of [viewer, operator]) {
        assert.strictEqual((yield* ask(`${house.url}/reconciliation/status`, { headers })).status, 200)
      }
      const events = yield* securityEvents(house, { kind: "too-many-commands" })
      assert.deepStrictEqual(
        events.map(({ actor, count }) => [actor, count]),
        [["operator", 1]]
      )
    })
  )

  it.scopedLive("failures from one address: then a 429 that says when to come back", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh({ limits: { failuresPerMinute: 1 } })
      const { viewer } = yield* House.credentials(house)
      assertProblem(yield* ask(`${house.url}/reconciliation/status`), 401, "unauthenticated")
      const refused = yield* ask(`${house.url}/reconciliation/status`)
      assertProblem(refused, 429, "too-many-failures")
      assert.match(refused.headers.get("retry-after") ?? "", /^(59|60)$/)
      assert.strictEqual((yield* ask(`${house.url}/reconciliation/status`, { headers: viewer })).status, 200)
    })
  )

  it.scopedLive("streams of one actor, and in all; who leaves makes room", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh({ limits: { streamsPerActor: 1, streams: 2 } })
      const { admin, operator, viewer } = yield* House.credentials(house)
      const stream = (headers: Record<string, string>) =>
        Effect.tap(listen(`${house.url}/reconciliation/stream`, { headers }), (one) =>
          one.status === 200 ? one.until((seen) => seen.some(({ event }) => event === "stream.ready")) : one.ended
        )
      const first = yield* stream(viewer)
      assert.strictEqual(first.status, 200)
      const second = yield* stream(viewer)
      assert.strictEqual(second.status, 429)
      assert.strictEqual(second.headers["retry-after"], "10")
      assert.include(second.text(), "viewer has 1 streams open")
      assert.strictEqual((yield* stream(operator)).status, 200)
      const third = yield* stream(admin)
      assert.strictEqual(third.status, 503)
      assert.strictEqual(third.headers["retry-after"], "10")
      yield* first.leave
      yield* Effect.repeat(Effect.delay(House.listeners(house), "2 millis"), { until: (open) => open < 2 })
      assert.strictEqual((yield* stream(viewer)).status, 200)
    })
  )

  it.scopedLive("a URL is at most 8 KiB", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const url = `/reconciliation/audit?target=${"a".repeat(8_192)}`
      const answer = yield* raw(house.port, `GET ${url} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
      assert.match(answer, /^HTTP\/1\.1 414 /)
      assert.include(answer, '"code":"uri-too-long"')
    })
  )

  it.scopedLive("what arrives too slowly is given up, and harms no stream", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const stream = yield* listen(`${house.url}/reconciliation/stream`)
      const head = "POST /commands/run HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      const answers = yield* Effect.all(
        [raw(house.port, head), raw(house.port, `${head}Content-Length: 100\r\n\r\n{"commandId":`)],
        { concurrency: 2 }
      )
      for (const answer of answers) {
        assert.match(answer, /^HTTP\/1\.1 408 /)
        assert.include(answer, '"code":"request-timeout"')
      }
      const before = stream.seen.length
      yield* House.tell(house, 1)
      yield* stream.until((seen) => seen.length > before)
      assert.strictEqual((yield* ask(`${house.url}/reconciliation/audit`)).json.meta.total, 0)
    })
  )
})

describe("pages of other origins", () => {
  const dashboard = "https://dash.example"

  it.scopedLive("read nothing where none are configured", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const headers = { origin: dashboard }
      const answer = yield* ask(`${house.url}/reconciliation/status`, { headers })
      assert.strictEqual(answer.headers.get("access-control-allow-origin"), null)
      const preflight = { ...headers, "access-control-request-method": "POST" }
      assert.strictEqual(
        (yield* ask(`${house.url}/commands/run`, { method: "OPTIONS", headers: preflight })).status,
        405
      )
    })
  )

  it.scopedLive("may use it where they are, compared exactly, with a token", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh({ origins: [dashboard] })
      const { operator } = yield* House.credentials(house)
      const preflight = (origin: string, more: Record<string, string> = {}) =>
        ask(`${house.url}/commands/run`, {
          method: "OPTIONS",
          headers: {
            origin,
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization",
            ...more
          }
        })
      const asked = yield* preflight(dashboard)
      assert.deepStrictEqual(
        ["access-control-allow-origin", "access-control-allow-headers", "access-control-allow-credentials", "vary"].map(
          (name) => asked.headers.get(name)
        ),
        [dashboard, "authorization,content-type,if-none-match,last-event-id,prefer", null, "Origin"]
      )
      assert.strictEqual(asked.status, 204)
      const origins = [
        "https://dash.example.evil",
        "http://dash.example",
        "https://dash.example:444",
        "https://DASH.example",
        "null"
      ]
      for (const origin of origins) {
        const refused = yield* preflight(origin)
        assert.deepStrictEqual(
          [refused.status, refused.headers.get("access-control-allow-origin")],
          [401, null],
          origin
        )
        const sent = yield* post(`${house.url}/commands/run`, command(), { ...operator, origin })
        assertProblem(sent, 403, "cross-origin")
        assert.strictEqual(sent.headers.get("access-control-allow-origin"), null)
      }
      const sent = yield* post(`${house.url}/commands/run`, command(), {
        ...operator,
        origin: dashboard,
        "sec-fetch-site": "cross-site"
      })
      assert.deepStrictEqual([sent.status, sent.headers.get("access-control-allow-origin")], [202, dashboard])
      // Problems too, or pages could not tell what is wrong.
      const refused = yield* post(`${house.url}/commands/run`, command(), { origin: dashboard })
      assertProblem(refused, 401, "unauthenticated")
      assert.strictEqual(refused.headers.get("access-control-allow-origin"), dashboard)
      const stream = yield* listen(`${house.url}/reconciliation/stream`, {
        headers: { ...operator, origin: dashboard }
      })
      assert.deepStrictEqual([stream.status, stream.headers["access-control-allow-origin"]], [200, dashboard])
    })
  )
})

describe("where it listens", () => {
  it.scopedLive("elsewhere than on loopback only once there is a token, and under names that it was told", () =>
    Effect.gen(function* () {
      const filename = yield* House.database
      const refused = yield* Effect.flip(Effect.scoped(House.start({ filename, host: "0.0.0.0" })))
      assert.strictEqual(refused._tag, "HostNotLoopback")
      const first = yield* House.start({ filename })
      const { text } = yield* House.token(first, "viewer")
      yield* first.stop
      assert.strictEqual(
        (yield* Effect.flip(Effect.scoped(House.start({ filename, host: "0.0.0.0" }))))._tag,
        "HostsMissing"
      )
      const house = yield* House.start({ filename, host: "0.0.0.0", hosts: ["ops.example"] })
      const at = `http://127.0.0.1:${house.port}/reconciliation/status`
      const status = (headers: Record<string, string>) =>
        Effect.map(
          Effect.tap(listen(at, { headers }), ({ ended }) => ended),
          ({ status }) => status
        )
      assert.deepStrictEqual(
        yield* Effect.all([
          status({ ...House.bearer(text), host: "ops.example" }),
          status({ ...House.bearer(text), host: "ops.example:443" }),
          status({ host: "ops.example" }),
          status({ ...House.bearer(text), host: "example" })
        ]),
        [200, 200, 401, 421]
      )
    })
  )

  it.scopedLive("a time that is over is over at once, whatever was known before", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const soon = Date.now() + 5_000
      const { text } = yield* House.token(house, "viewer", { expiresAt: DateTime.unsafeMake(soon) })
      const judge = judgeOf(house)
      const at = (time: number) =>
        outcome(judge(knock({ time, headers: { host: "localhost", ...House.bearer(text) } })))
      assert.deepStrictEqual([at(soon - 1), at(soon)], ["viewer, viewer", "unauthenticated"])
    })
  )
})
