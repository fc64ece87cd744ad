import { assert, describe, it } from "@effect/vitest"
import { JobSource } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import { type Answer, ask, assertProblem, command, post } from "./support/ask.ts"
import * as House from "./support/house.ts"

/** Has commands run to their end, one after the other. */
const runAll = (house: House.House, requests: ReadonlyArray<object>) =>
  Effect.forEach(requests, (request) => post(`${house.url}/commands/run`, request, { accept: "text/event-stream" }))

describe("GET /reconciliation/audit", () => {
  it.scopedLive("is empty before anything was done", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const { headers, json, status } = yield* ask(`${house.url}/reconciliation/audit`)
      const none = { page: 1, limit: 50, total: 0, totalPages: 0, nextCursor: null }
      assert.deepStrictEqual([status, json], [200, { data: [], meta: none }])
      assert.strictEqual(headers.get("content-type"), "application/json")
      assert.strictEqual(headers.get("cache-control"), "private, no-cache")
      assert.strictEqual(headers.get("x-content-type-options"), "nosniff")
    })
  )

  it.scopedLive("pages, sorts and filters", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      yield* house.control.put({ id: "a" }, { id: "b" }, { id: "c", state: "failed" })
      const requests = [
        command({ target: "a" }),
        command({ target: "b" }),
        command({ target: "c", actionType: "retry-job" })
      ]
      yield* runAll(house, requests)
      const audit = (query: string) => ask(`${house.url}/reconciliation/audit?${query}`)
      const targets = ({ json }: Answer) => json.data.map(({ target }: { target: string }) => target)
      assert.deepStrictEqual(targets(yield* audit("")), ["c", "b", "a"])
      assert.deepStrictEqual(targets(yield* audit("sortBy=target&sortOrder=asc")), ["a", "b", "c"])
      assert.deepStrictEqual(targets(yield* audit("actionType=retry-job")), ["c"])
      assert.deepStrictEqual(targets(yield* audit("target=b&outcome=success&actor=local")), ["b"])
      assert.deepStrictEqual(targets(yield* audit("endDate=2020-01-01")), [])
      assert.deepStrictEqual(targets(yield* audit("startDate=2020-01-01T00:00:00%2B02:00")), ["c", "b", "a"])
      const second = yield* audit("page=2&limit=2&unknown=x")
      assert.deepStrictEqual(
        [targets(second), second.json.meta],
        [["a"], { page: 2, limit: 2, total: 3, totalPages: 2, nextCursor: null }]
      )
      const [entry] = second.json.data
      assert.deepStrictEqual(Object.keys(entry).sort(), [
        ...["actionType", "actor", "afterState", "beforeState", "commandParams", "id", "logs", "outcome", "target"],
        "timestamp"
      ])
      assert.strictEqual(entry.id, requests[0]?.commandId)
      const { nextCursor } = (yield* audit("sortOrder=asc&limit=2")).json.meta
      assert.deepStrictEqual(targets(yield* audit(`sortOrder=asc&limit=2&cursor=${nextCursor}`)), ["c"])
      for (const query of [`cursor=${nextCursor}`, "cursor=x"]) {
        assertProblem(yield* audit(query), 400, "audit-cursor-invalid", "cursor")
      }
      assert.match(entry.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    })
  )

  it.scopedLive("is not sent again to whoever has it, until the record grows", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      yield* house.control.put({ id: "a" }, { id: "b" })
      yield* runAll(house, [command({ target: "a" })])
      const audit = (etag?: string, query = "") =>
        ask(
          `${house.url}/reconciliation/audit?${query}`,
          etag === undefined ? {} : { headers: { "if-none-match": etag } }
        )
      const first = yield* audit()
      const etag = first.headers.get("etag") ?? ""
      assert.match(etag, /^"[\w-]+"$/)
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
        const { headers, status, text } = yield* audit(known)
        assert.deepStrictEqual([status, text, headers.get("etag")], [304, "", etag])
        assert.strictEqual(headers.get("cache-control"), "private, no-cache")
      }
      assert.deepStrictEqual([(yield* audit('"other"')).status, (yield* audit()).text], [200, first.text])
      // Another page goes by another, and any by another once the record has grown.
      assert.notStrictEqual((yield* audit(undefined, "limit=2")).headers.get("etag"), etag)
      yield* runAll(house, [command({ target: "b" })])
      const grown = yield* audit(etag)
      assert.deepStrictEqual([grown.status, grown.json.data.length], [200, 2])
    })
  )

  it.scopedLive("names the parameter that does not fit", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const cases = [
        ...["page=0", "page=-1", "page=1.5", "page=", "page=1e3", "page=0x1", "page=%201", "page=1&page=2"],
        ...["limit=0", "limit=201", "limit=many", "sortBy=id", "sortOrder=up", "outcome=fine"],
        ...["startDate=yesterday", "startDate=2026-02-30", "endDate=2026-01-01T00:00:00", "endDate=2026-13-01"],
        ...["actor=a&actor=b", "target=a&target=b", "sortBy=timestamp&sortBy=actor"]
      ]
      for (const query of cases) {
        assertProblem(
          yield* ask(`${house.url}/reconciliation/audit?${query}`),
          400,
          "invalid-request",
          query.split("=")[0]
        )
      }
      const all = yield* ask(`${house.url}/reconciliation/audit?page=0&limit=0&sortBy=${"x".repeat(5_000)}`)
      assert.strictEqual(all.json.errors.length, 3)
      assert.isBelow(all.text.length, 1_500)
    })
  )
})

describe("GET /reconciliation/audit/{id}", () => {
  it.scopedLive("gives one entry, once its command has ended", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      yield* house.control.put({ id: "a" })
      const request = command({ target: "a", reason: "old" })
      const entry = (id: string) => ask(`${house.url}/reconciliation/audit/${id}`)
      const missing = yield* entry(request.commandId)
      assertProblem(missing, 404, "audit-entry-not-found")
      assert.strictEqual(missing.json.id, request.commandId)
      yield* runAll(house, [request])
      const { json, status } = yield* entry(request.commandId)
      const page = yield* ask(`${house.url}/reconciliation/audit`)
      assert.deepStrictEqual([status, json], [200, page.json.data[0]])
      assert.strictEqual((yield* entry(encodeURIComponent(":".repeat(64)))).json.code, "audit-entry-not-found")
      assertProblem(yield* entry("a%20b"), 400, "invalid-request", "id")
      assertProblem(yield* entry("x".repeat(65)), 400, "invalid-request", "id")
    })
  )
})

describe("GET /reconciliation/audit/checkpoint", () => {
  it.scopedLive("says so where nothing is signed, and is no command's id", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      assertProblem(yield* ask(`${house.url}/reconciliation/audit/checkpoint`), 404, "checkpoint-not-found")
      for (const commandId of ["checkpoint", "export"]) {
        const answer = yield* post(`${house.url}/commands/run`, command({ commandId, target: "a" }))
        assertProblem(answer, 400, "invalid-request", "commandId")
      }
    })
  )
})

describe("GET /reconciliation/discrepancies", () => {
  /** `alpha` loses a job, which is accepted; `beta` goes down. */
  const trouble = (house: House.House) =>
    Effect.gen(function* () {
      yield* house.control.put({ id: "j1" }, { id: "j2" })
      const pass = (body: object) => post(`${house.url}/reconciliation/run`, body)
      yield* pass({})
      yield* house.control.remove("j2")
      yield* pass({ service: "alpha" })
      yield* pass({ service: "alpha", accept: true })
      yield* house.beta.failWith(new JobSource.SourceUnavailable({ reason: "connect" }))
      yield* pass({ service: "beta" })
      yield* pass({ service: "beta" })
    })

  it.scopedLive("pages and filters what differed, and when that changed", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const discrepancies = (query = "") => ask(`${house.url}/reconciliation/discrepancies?${query}`)
      assert.deepStrictEqual((yield* discrepancies()).json, {
        data: [],
        meta: { page: 1, limit: 50, total: 0, totalPages: 0 }
      })
      yield* trouble(house)
      const rows = ({ json }: Answer) =>
        json.data.map(({ service, status }: { service: string; status: string }) => `${service} ${status}`)
      const all = yield* discrepancies()
      assert.deepStrictEqual(rows(all).slice(0, 2), ["beta stale", "alpha verified"])
      assert.include(rows(all), "alpha discrepancy")
      assert.deepStrictEqual(rows(yield* discrepancies("sortOrder=asc")), rows(all).toReversed())
      assert.deepStrictEqual(rows(yield* discrepancies("service=beta&unknown=x")), ["beta stale"])
      const disputed = yield* discrepancies("status=discrepancy")
      assert.deepStrictEqual(rows(disputed), ["alpha discrepancy"])
      assert.deepStrictEqual(disputed.json.data[0].discrepancyDetails.missingJobIds, ["j2"])
      assert.deepStrictEqual(rows(yield* discrepancies("endDate=2020-01-01")), [])
      assert.strictEqual((yield* discrepancies("startDate=2020-01-01")).json.meta.total, all.json.meta.total)
      const second = yield* discrepancies("page=2&limit=1")
      assert.deepStrictEqual([rows(second), second.json.meta.page], [rows(all).slice(1, 2), 2])
      assert.deepStrictEqual(Object.keys(second.json.data[0]).sort(), [
        ...["checksum", "counts", "discrepancyDetails", "id", "latencyMs", "service", "status", "timestamp"]
      ])
    })
  )

  it.scopedLive("names the parameter that does not fit", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      for (const query of [
        ...["page=0", "limit=201", "limit=1e1", "sortOrder=up", "status=fine", "status=", "service=A%20B"],
        ...["service=gamma", "startDate=yesterday", "endDate=2026-02-30", "service=alpha&service=beta"]
      ]) {
        const answer = yield* ask(`${house.url}/reconciliation/discrepancies?${query}`)
        assertProblem(answer, 400, "invalid-request", query.split("=")[0])
      }
      const unknown = yield* ask(`${house.url}/reconciliation/discrepancies?service=gamma`)
      assert.include(unknown.json.errors[0].problem, "known: alpha, beta")
    })
  )
})

describe("/reconciliation/status and /reconciliation/run", () => {
  it.scopedLive("a pass now, of one service or of each, and the latest of every one", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const services = ({ json }: Answer) => json.data.map(({ service }: { service: string }) => service)
      assert.deepStrictEqual((yield* ask(`${house.url}/reconciliation/status`)).json, { data: [] })
      const one = yield* post(`${house.url}/reconciliation/run`, { service: "beta" })
      assert.deepStrictEqual([one.status, services(one)], [200, ["beta"]])
      assert.deepStrictEqual(services(yield* post(`${house.url}/reconciliation/run`, {})), ["alpha", "beta"])
      const status = yield* ask(`${house.url}/reconciliation/status`)
      assert.deepStrictEqual(services(status), ["alpha", "beta"])
      assert.deepStrictEqual(
        Object.keys(status.json.data[0])
          .filter((key) => key !== "rebaselined")
          .sort(),
        ["checksum", "counts", "eventId", "latencyMs", "observedAt", "service", "status"]
      )
    })
  )

  it.scopedLive("accepting ends a dispute, with the actor", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      yield* house.control.put({ id: "j1" }, { id: "j2" })
      const pass = (body: object) => post(`${house.url}/reconciliation/run`, { service: "alpha", ...body })
      yield* pass({})
      yield* house.control.remove("j2")
      const [disputed] = (yield* pass({})).json.data
      assert.deepStrictEqual([disputed.status, disputed.discrepancyDetails.missingJobIds], ["discrepancy", ["j2"]])
      assert.strictEqual((yield* pass({ accept: false })).json.data[0].status, "discrepancy")
      const [accepted] = (yield* pass({ accept: true })).json.data
      assert.strictEqual(accepted.discrepancyDetails.accepted.actor, "local")
      assert.strictEqual((yield* pass({})).json.data[0].status, "verified")
    })
  )

  it.scopedLive("names what does not fit", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const run = (body: unknown) => post(`${house.url}/reconciliation/run`, body)
      assertProblem(yield* run({ service: 1 }), 400, "invalid-request", "service")
      assertProblem(yield* run({ service: "A B" }), 400, "invalid-request", "service")
      assertProblem(yield* run({ accept: "yes" }), 400, "invalid-request", "accept")
      assertProblem(yield* run({ accept: true, actor: "root" }), 400, "invalid-request", "actor")
      for (const path of ["reconciliation", "commands"]) {
        for (const body of ["null", "[]", '"x"']) {
          const answer = yield* post(`${house.url}/${path}/run`, body)
          assertProblem(answer, 400, "invalid-request", "")
          assert.deepStrictEqual(answer.json.errors, [{ path: "", problem: "expected an object" }], body)
        }
      }
      const unknown = yield* run({ service: "gamma" })
      assertProblem(unknown, 422, "service-not-found", "service")
      assert.deepStrictEqual(unknown.json.known, ["alpha", "beta"])
    })
  )
})

describe("GET /services/registered", () => {
  it.scopedLive("lists every service with its health", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const { json, status } = yield* ask(`${house.url}/services/registered`)
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(
        json.data.map(({ id }: { id: string }) => id),
        ["alpha", "beta"]
      )
      const { registeredAt, ...rest } = json.data[0]
      assert.match(registeredAt, /Z$/)
      assert.deepStrictEqual(rest, {
        id: "alpha",
        name: "alpha",
        type: "memory",
        healthEndpoint: "memory://alpha",
        metadata: {},
        health: { status: "unknown", checkedAt: null, latencyMs: null }
      })
    })
  )
})

describe("GET /api/jobs/stuck", () => {
  it.scopedLive("passes status, type, body and query through", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const house = yield* House.fresh({
        stuck: (query) =>
          Effect.sync(() => {
            asked.push(query)
            return { status: 418, contentType: "text/html; charset=utf-8", body: Buffer.from("<b>ü</b>") }
          })
      })
      const answer = yield* ask(`${house.url}/api/jobs/stuck?a=1&service=alpha&b=%C3%BC&b=+&%73ervice=alpha&c`)
      assertProblem(answer, 400, "invalid-request", "service")
      const passed = yield* ask(`${house.url}/api/jobs/stuck?a=1&%73ervice=alpha&b=%C3%BC&b=+&c`)
      assert.deepStrictEqual([passed.status, passed.text], [418, "<b>ü</b>"])
      assert.strictEqual(passed.headers.get("content-type"), "text/html; charset=utf-8")
      assert.strictEqual(passed.headers.get("x-content-type-options"), "nosniff")
      assert.include(passed.headers.get("content-security-policy"), "sandbox")
      yield* ask(`${house.url}/api/jobs/stuck`)
      assert.deepStrictEqual(asked, ["a=1&b=%C3%BC&b=+&c", ""])
    })
  )

  it.scopedLive("passes an answer without a body or a type", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      yield* house.control.setStuck({ status: 204, contentType: undefined, body: new Uint8Array() })
      const empty = yield* ask(`${house.url}/api/jobs/stuck`)
      assert.deepStrictEqual([empty.status, empty.headers.get("content-type"), empty.text], [204, null, ""])
      yield* house.control.setStuck({ status: 500, contentType: undefined, body: Buffer.from("oh") })
      const failed = yield* ask(`${house.url}/api/jobs/stuck`)
      assert.deepStrictEqual([failed.status, failed.headers.get("content-type"), failed.text], [500, null, "oh"])
    })
  )

  it.scopedLive("says which service it needs, and why there is no answer", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const stuck = (query = "") => ask(`${house.url}/api/jobs/stuck${query}`)
      assertProblem(yield* stuck("?service=gamma"), 400, "invalid-request", "service")
      assertProblem(yield* stuck("?service=beta"), 404, "stuck-not-supported")
      yield* house.control.failWith(new JobSource.SourceUnavailable({ reason: "connect" }))
      assertProblem(yield* stuck(), 502, "upstream-unreachable")
      yield* house.control.failWith(new JobSource.SourceUnavailable({ reason: "timeout" }))
      assertProblem(yield* stuck(), 504, "upstream-timeout")
      yield* house.control.failWith(new JobSource.SourceInvalid({ problem: "too large" }))
      assertProblem(yield* stuck(), 502, "upstream-invalid")
    })
  )

  it.scopedLive("where several services could answer, names the choices", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh({ bothStuck: true })
      const answer = yield* ask(`${house.url}/api/jobs/stuck`)
      assertProblem(answer, 400, "service-required", "service")
      assert.include(answer.json.errors[0].problem, "alpha, beta")
      assert.strictEqual((yield* ask(`${house.url}/api/jobs/stuck?service=beta`)).status, 200)
    })
  )
})

describe("/health", () => {
  it.scopedLive("lives, and is ready", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      // An upstream that is down does not make us unready.
      yield* house.control.failWith(new JobSource.SourceUnavailable({ reason: "connect" }))
      assert.deepStrictEqual((yield* ask(`${house.url}/health/live`)).json, { status: "live" })
      const ready = yield* ask(`${house.url}/health/ready`)
      assert.deepStrictEqual([ready.status, ready.json], [200, { status: "ready" }])
    })
  )

  it.scopedLive("says what keeps it from being ready", () =>
    Effect.gen(function* () {
      const checks = [
        { name: "passes", check: Effect.fail({ message: "the last pass is too old" }) },
        { name: "good", check: Effect.void }
      ]
      const house = yield* House.fresh({ checks })
      const ready = yield* ask(`${house.url}/health/ready`)
      assertProblem(ready, 503, "not-ready", "passes")
      assert.deepStrictEqual(ready.json.errors, [{ path: "passes", problem: "the last pass is too old" }])
      assert.match(ready.headers.get("retry-after") ?? "", /^\d+$/)
    })
  )
})

describe("problems", () => {
  it.scopedLive("say of what does not fit where it stood, and never what it was", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const secret = "S3cret 5318008"
      const wrong = (answer: Answer, status = 400) => {
        assert.strictEqual(answer.status, status, answer.text)
        assert.notInclude(answer.text, "5318008")
      }
      const queries = {
        "reconciliation/audit": ["page", "limit", "sortOrder", "startDate", "endDate", "sortBy", "outcome"],
        "reconciliation/discrepancies": ["page", "limit", "sortOrder", "startDate", "endDate", "service", "status"],
        "security/events": ["page", "limit", "sortOrder", "startDate", "endDate", "kind"],
        "reconciliation/stream": ["service", "event"],
        "api/jobs/stuck": ["service"]
      }
      for (const [path, names] of Object.entries(queries)) {
        for (const name of names) {
          wrong(yield* ask(`${house.url}/${path}?${new URLSearchParams({ [name]: secret })}`))
        }
      }
      wrong(yield* ask(`${house.url}/reconciliation/audit?limit=5318008`))
      for (const path of ["reconciliation/audit", "commands"]) {
        wrong(yield* ask(`${house.url}/${path}/${encodeURIComponent(secret)}`))
      }
      wrong(yield* ask(`${house.url}/security/tokens/${encodeURIComponent(secret)}`, { method: "DELETE" }))
      const bodies = {
        "commands/run": command({ params: {}, reason: "", dryRun: true, extra: "" }),
        "reconciliation/run": { service: "alpha", accept: true, extra: "" },
        "security/tokens": { actor: "ann", role: "viewer", expiresAt: "2099-01-31T12:00:00Z", extra: "" }
      }
      for (const [path, body] of Object.entries(bodies)) {
        for (const name of Object.keys(body)) {
          for (const value of [{ pin: secret }, [secret], 5318008]) {
            wrong(yield* post(`${house.url}/${path}`, { ...body, [name]: value }))
          }
        }
        for (const text of [JSON.stringify(secret), `"${secret}`, `["${secret}"]`, "5318008"]) {
          wrong(yield* post(`${house.url}/${path}`, text))
        }
      }
    })
  )

  it.scopedLive("what has no route is a problem, too", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      assertProblem(yield* ask(`${house.url}/`), 404, "not-found")
      assertProblem(yield* ask(`${house.url}/reconciliation`), 404, "not-found")
      assertProblem(yield* post(`${house.url}/nothing`, {}), 404, "not-found")
      assertProblem(yield* ask(`${house.url}/commands/%zz`), 404, "not-found")
      assertProblem(yield* ask(`${house.url}/commands/${"x".repeat(500)}`), 404, "not-found")
    })
  )

  it.scopedLive("another method is told which there are", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh()
      const wrong = yield* ask(`${house.url}/reconciliation/audit`, { method: "DELETE" })
      assertProblem(wrong, 405, "method-not-allowed")
      assert.strictEqual(wrong.headers.get("allow"), "GET, HEAD")
      const options = yield* ask(`${house.url}/reconciliation/run`, { method: "OPTIONS" })
      assert.deepStrictEqual([options.status, options.headers.get("allow")], [405, "POST"])
      assert.strictEqual(options.headers.get("access-control-allow-origin"), null)
    })
  )

  it.scopedLive("a defect is a 500 with an id, and nothing of what it was", () =>
    Effect.gen(function* () {
      const house = yield* House.fresh({ stuck: () => Effect.die(new Error("secret at /etc")) })
      const answer = yield* ask(`${house.url}/api/jobs/stuck`)
      assertProblem(answer, 500, "internal-error")
      assert.notInclude(answer.text, "secret")
      assert.deepStrictEqual(Object.keys(answer.json).sort(), ["code", "id", "status", "title", "type"])
    })
  )

  it.scopedLive("where nothing can be written, changes are 503 and reads go on", () =>
    Effect.gen(function* () {
      const filename = yield* House.database
      yield* Effect.flatMap(House.start({ filename }), (house) => house.stop)
      const house = yield* House.start({ filename, mode: "reader" })
      const refused = yield* post(`${house.url}/commands/run`, command())
      assertProblem(refused, 503, "store-unavailable")
      assert.match(refused.headers.get("retry-after") ?? "", /^\d+$/)
      assertProblem(yield* post(`${house.url}/reconciliation/run`, {}), 503, "store-unavailable")
      assertProblem(yield* ask(`${house.url}/health/ready`), 503, "not-ready", "store")
      assert.strictEqual((yield* ask(`${house.url}/reconciliation/audit`)).status, 200)
      assert.strictEqual((yield* ask(`${house.url}/services/registered`)).status, 200)
    })
  )
})
