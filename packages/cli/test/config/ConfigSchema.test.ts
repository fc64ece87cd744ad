/** The JSON Schema that editors go by, against the program. */
import { readFileSync } from "node:fs"
import { Ajv } from "ajv"
import * as Either from "effect/Either"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { pages } from "../../../../docs/test/support/compile.ts"
import { snippets } from "../../../../docs/test/support/Page.ts"
import * as Config from "../../src/config/Config.ts"
import * as ConfigSchema from "../../src/config/ConfigSchema.ts"

const published: unknown = JSON.parse(readFileSync(new URL("../../config.schema.json", import.meta.url), "utf8"))

const validate = new Ajv({ strict: true, strictTypes: false }).compile(JSON.parse(JSON.stringify(published)))

/** What each says of a config. */
const verdicts = (value: unknown) => ({ editor: validate(value), program: Either.isRight(Config.decode(value)) })

const both = { editor: true, program: true }
const neither = { editor: false, program: false }

const palantir = { id: "palantir", type: "palantir", url: "http://127.0.0.1:4420" }
const mail = { id: "mail", type: "bullmq", url: "redis://127.0.0.1:6379", queues: ["mail"] }
const services = (...all: ReadonlyArray<unknown>) => ({ services: all })

const isConfig = (value: unknown): value is object =>
  typeof value === "object" &&
  value !== null &&
  Object.keys(value).some((key) => Object.hasOwn(Config.ConfigFile.fields, key))

const documented = pages
  .flatMap(snippets)
  .filter(({ language }) => language === "json")
  .map(({ place, text }) => ({ at: place, value: JSON.parse(text) as unknown }))
  .flatMap(({ at, value }) => (isConfig(value) ? [{ at, value }] : []))

describe("the published schema", () => {
  it("is what the program reads by (stale? npm run generate)", () => {
    expect(published).toEqual(JSON.parse(JSON.stringify(ConfigSchema.document)))
  })

  it("is in the package, where the documentation says that editors find it", () => {
    const { files, name } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"))
    expect(files).toContain("config.schema.json")
    const named = documented.flatMap(({ value }) => ("$schema" in value ? [value.$schema] : []))
    expect(named).toContain(`./node_modules/${name}/config.schema.json`)
  })

  it("tells of every key what it is for, and the default where there is one", () => {
    const described = (node: unknown): ReadonlyArray<string> => {
      if (typeof node !== "object" || node === null) return []
      const keys = "properties" in node ? Object.entries(node.properties ?? {}) : []
      const bare = keys.filter(([, key]) => typeof key.description !== "string").map(([name]) => name)
      return [...bare, ...Object.values(node).flatMap(described)]
    }
    expect(described(published)).toEqual([])
    expect(published).toMatchObject({
      properties: { host: { default: "127.0.0.1" }, port: { default: 4410 }, database: { default: "mithrandir.db" } }
    })
    expect(JSON.stringify(published)).toContain('"default":"250 millis"')
  })

  it("has defaults and examples that fit", () => {
    const wrong: Array<string> = []
    let seen = 0
    const visit = (node: unknown, path: string): void => {
      if (typeof node !== "object" || node === null) return
      for (const [key, inner] of Object.entries(node)) visit(inner, `${path}/${key}`)
      if (!("type" in node && typeof node.type === "string") && !("anyOf" in node)) return
      const samples = [
        ...("default" in node ? [node.default] : []),
        ...("examples" in node && Array.isArray(node.examples) ? node.examples : [])
      ]
      const check = new Ajv({ strict: false }).compile({ $defs: ConfigSchema.document.$defs, ...node })
      wrong.push(...samples.filter((sample) => !check(sample)).map((sample) => `${path}: ${JSON.stringify(sample)}`))
      seen += samples.length
    }
    visit(published, "")
    expect(wrong).toEqual([])
    expect(seen).toBeGreaterThan(20)
  })

  it("has no keyword beside a reference, which draft-07 ignores", () => {
    const beside = (node: unknown): ReadonlyArray<unknown> => {
      if (typeof node !== "object" || node === null) return []
      const here = "$ref" in node && Object.keys(node).length > 1 ? [node] : []
      return [...here, ...Object.values(node).flatMap(beside)]
    }
    expect(beside(published)).toEqual([])
  })
})

describe("a config of the documentation", () => {
  it("is there", () => {
    expect(documented.length).toBeGreaterThan(1)
  })

  it.each(documented)("fits: $at", ({ value }) => {
    expect(verdicts(value)).toEqual(both)
  })
})

describe("what does not fit is refused by editors and by the program alike", () => {
  it.each<readonly [string, unknown]>([
    ["a list", []],
    ["null", null],
    ["an unknown key", { prot: 1 }],
    ["a key that objects have anyway", JSON.parse('{"__proto__": {}}')],
    ["a host with a space at its end", { host: "localhost " }],
    ["an empty host", { host: "" }],
    ["a host of 257 characters", { host: "h".repeat(257) }],
    ["a port that is text", { port: "4410" }],
    ["a port out of range", { port: 65_536 }],
    ["a negative port", { port: -1 }],
    ["half a port", { port: 1.5 }],
    ["a database that is a url", { database: "postgres://h/d" }],
    ["a database in memory", { database: ":memory:" }],
    ["an empty database", { database: "" }],
    ["hosts that are no list", { hosts: "ops.example.com" }],
    ["a host as a url", { hosts: ["https://ops.example.com"] }],
    ["a host with a path", { hosts: ["ops.example.com/a"] }],
    ["a host twice", { hosts: ["a", "a"] }],
    ["101 hosts", { hosts: Array.from({ length: 101 }, (_, index) => `h${index}`) }],
    ["any origin", { origins: ["*"] }],
    ["an origin that is none", { origins: ["null"] }],
    ["an origin with a path", { origins: ["https://dash.example.com/"] }],
    ["an origin in capitals", { origins: ["https://Dash.example.com"] }],
    ["an origin with a user", { origins: ["https://u@dash.example.com"] }],
    ["an origin of another scheme", { origins: ["file://dash"] }],
    ["a limit of nothing", { limits: { streams: 0 } }],
    ["half a limit", { limits: { streams: 1.5 } }],
    ["a limit beyond all", { limits: { streams: 1_000_001 } }],
    ["a limit that is not known", { limits: { stream: 1 } }],
    ["a database with a zero byte", { database: "a\u0000b" }],
    ["services that are no list", { services: {} }],
    ["a service that is no object", services("palantir")],
    ["a service without a type", services({ id: "a", url: "http://h" })],
    ["a service of an unknown type", services({ ...palantir, type: "sidekiq" })],
    ["a service without an id", services({ type: "palantir", url: "http://h" })],
    ["a service without a url", services({ id: "a", type: "palantir" })],
    ["BullMQ without queues", services({ id: "a", type: "bullmq", url: "redis://h" })],
    ["an id with capitals", services({ ...palantir, id: "Palantir" })],
    ["an id of 65 characters", services({ ...palantir, id: "a".repeat(65) })],
    ["a misspelt key of a service", services({ ...palantir, tokens: "x" })],
    ["a key of another type", services({ ...palantir, queues: ["a"] })],
    ["another protocol", services({ ...palantir, url: "redis://h" })],
    ["another protocol of a Redis", services({ ...mail, url: "http://h" })],
    ["a url with a user", services({ ...palantir, url: "http://u:p@h" })],
    ["a url with a query", services({ ...palantir, url: "http://h?a=1" })],
    ["a url with a fragment", services({ ...palantir, url: "http://h#a" })],
    ["a url with a space before it", services({ ...palantir, url: " http://h" })],
    ["a url with one slash", services({ ...palantir, url: "http:/h" })],
    ["a Redis url whose path is no number", services({ ...mail, url: "redis://h/mail" })],
    ["a Redis url with a fragment", services({ ...mail, url: "redis://h#0" })],
    ["no queues", services({ ...mail, queues: [] })],
    ["1001 queues", services({ ...mail, queues: Array.from({ length: 1001 }, (_, index) => `q${index}`) })],
    ["a queue twice", services({ ...mail, queues: ["a", "a"] })],
    ["a queue with a colon", services({ ...mail, queues: ["a:b"] })],
    ["a queue that is no text", services({ ...mail, queues: [5] })],
    ["a duration without a unit", services({ ...palantir, settle: "250" })],
    ["a duration as a number", services({ ...palantir, settle: 250 })],
    ["a negative duration", services({ ...palantir, settle: "-1 seconds" })],
    ["an unknown expectation", services({ ...palantir, expectation: "lax" })],
    ["metadata that is a list", services({ ...palantir, metadata: [] })],
    ["a secret of no known shape", services({ ...palantir, token: { file: "x" } })],
    ["a secret from the environment and more", services({ ...palantir, token: { env: "A", or: "B" } })],
    ["a name that no variable has", services({ ...palantir, token: { env: "my secret" } })],
    ["a token with a space", services({ ...palantir, token: "a b" })],
    ["an empty password", services({ ...mail, password: "" })],
    ["a type in a list", services({ ...palantir, type: ["palantir"] })]
  ])("%s", (_, value) => {
    expect(verdicts(value)).toEqual(neither)
  })
})

/** What JSON Schema has no words for. The program says it, in these words. */
const beyond = [
  /^expected an id that no service before has$/,
  /^expected a duration such as/,
  /^expected an http:\/\/ or https:\/\/ url/,
  /^expected a redis:\/\/ or rediss:\/\/ url/,
  /^expected a list of origins as browsers write them/
]

describe("what an editor cannot know is refused by the program alone", () => {
  it.each<readonly [string, unknown]>([
    ["an origin with the port that goes without saying", { origins: ["https://dash.example.com:443"] }],
    ["an id given twice", services(palantir, { ...mail, id: "palantir" })],
    ["a poll interval that is too short", services({ ...palantir, pollInterval: "99 millis" })],
    ["a poll interval that is too long", services({ ...palantir, pollInterval: "25 days" })],
    ["no time for a request", services({ ...palantir, requestTimeout: "0 seconds" })],
    ["a url with a port that none has", services({ ...palantir, url: "http://h:99999" })],
    ["a url of half an address", services({ ...palantir, url: "http://[::1" })],
    ["a url of a metadata service", services({ ...palantir, url: "http://169.254.169.254" })],
    [
      "the same as a health endpoint, written otherwise",
      services({ ...palantir, healthEndpoint: "http://0xA9FEA9FE" })
    ],
    ["a Redis url of one", services({ ...mail, url: "redis://[::ffff:169.254.169.254]" })],
    ["a Redis url with a port that is none", services({ ...mail, url: "redis://h:x" })]
  ])("%s", (_, value) => {
    expect(verdicts(value)).toEqual({ editor: true, program: false })
    const problems = Either.match(Config.decode(value), {
      onLeft: (all) => all.map((one) => one.problem),
      onRight: () => []
    })
    expect(problems.filter((problem) => !beyond.some((words) => words.test(problem)))).toEqual([])
  })
})

/** Everything that can be said, said once. */
const whole = {
  $schema: "./config.schema.json",
  host: "127.0.0.1",
  port: 4410,
  hosts: ["ops.example.com", "ops.example.com:8443", "[::1]:4410"],
  origins: ["https://dash.example.com", "http://localhost:3000"],
  limits: {
    ...{ commandsPerMinute: 60, failuresPerMinute: 30, streamsPerActor: 10, streams: 100 },
    ...{ backlogKiB: 512, backlogSeconds: 30 }
  },
  database: "mithrandir.db",
  services: [
    {
      ...palantir,
      name: "Palantir",
      healthEndpoint: "http://127.0.0.1:4420/api/v1/health",
      metadata: { team: "jobs" },
      token: { env: "PALANTIR_TOKEN" },
      pollInterval: "5 seconds",
      settle: "0 millis",
      requestTimeout: "3 seconds",
      commandTimeout: "1 minute",
      finishedKept: "10 minutes",
      expectation: "strict"
    },
    { ...mail, prefix: "bull", password: "hunter2", name: "Mail" }
  ]
}

type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }

const words = [
  "",
  " ",
  "x",
  "A",
  "palantir",
  "bullmq",
  "http://h",
  "http://u@h",
  "redis://h/1",
  "5 seconds",
  "5",
  "strict"
]
const names = [...new Set(JSON.stringify(whole).match(/(?<=")\w+(?=":)/g) ?? []), "prot", "__proto__", "constructor"]

const anything: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(
    null,
    true,
    false,
    0,
    -1,
    1.5,
    4410,
    65_536,
    [],
    {},
    [1],
    ["a"],
    ["a", "a"],
    { env: "A" },
    { env: "" }
  ),
  fc.constantFrom(...words),
  fc.string(),
  fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as Json)
)

type Change =
  | { readonly how: "drop"; readonly where: number }
  | { readonly how: "rename" | "copy"; readonly where: number; readonly name: string }
  | { readonly how: "retype"; readonly where: number; readonly value: Json }

const where = fc.nat()
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ how: fc.constant("drop" as const), where }),
  fc.record({ how: fc.constantFrom("rename" as const, "copy" as const), where, name: fc.constantFrom(...names) }),
  fc.record({ how: fc.constant("retype" as const), where, value: anything })
)

/** Every member of every list and object, as a path of keys. */
const places = (value: Json): ReadonlyArray<ReadonlyArray<string>> =>
  typeof value !== "object" || value === null
    ? []
    : Object.entries(value).flatMap(([key, inner]) => [[key], ...places(inner).map((path) => [key, ...path])])

const apply = (value: Json, change: Change): Json => {
  const all = places(value)
  const path = all[change.where % Math.max(all.length, 1)]
  return path === undefined ? value : applyAt(value, path, change)
}

const applyAt = (value: Json, [key = "", ...rest]: ReadonlyArray<string>, change: Change): Json => {
  if (typeof value !== "object" || value === null) return value
  const entries = Object.entries(value).flatMap(([name, inner]): ReadonlyArray<readonly [string, Json]> => {
    if (name !== key) return [[name, inner]]
    if (rest.length > 0) return [[name, applyAt(inner, rest, change)]]
    switch (change.how) {
      case "drop":
        return []
      case "rename":
        return [[change.name, inner]]
      case "copy":
        return [
          [name, inner],
          [change.name, inner]
        ]
      case "retype":
        return [[name, change.value]]
    }
  })
  return Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries)
}

describe("whatever becomes of a config that fits", () => {
  it("editors and the program agree, but for what an editor cannot know", () => {
    expect(verdicts(whole)).toEqual(both)
    const seen = { both: 0, neither: 0 }
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const value = changes.reduce(apply, whole as Json)
        const decoded = Config.decode(value)
        const editor = validate(value)
        if (Either.isRight(decoded)) {
          expect(editor).toBe(true)
          seen.both++
        } else if (editor) {
          const others = decoded.left.filter(({ problem }) => !beyond.some((words) => words.test(problem)))
          expect(others).toEqual([])
        } else seen.neither++
      }),
      { numRuns: process.env.MITHRANDIR_TEST_LONG === "1" ? 15_000 : 3000 }
    )
    // Neither verdict is rare, or nothing would have been tried.
    expect(Math.min(seen.both, seen.neither)).toBeGreaterThan(100)
  })

  it("nothing that stood in a secret's place is quoted", () => {
    const secret = "s3cr3t-5318008"
    fc.assert(
      fc.property(where, fc.constantFrom<Json>(secret, [secret], { env: ` ${secret}` }, { a: secret }), (at, value) => {
        const decoded = Config.decode(apply(whole, { how: "retype", where: at, value }))
        if (Either.isLeft(decoded)) expect(JSON.stringify(decoded.left)).not.toContain(secret)
      })
    )
  })
})
