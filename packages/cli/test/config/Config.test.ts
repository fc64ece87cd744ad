import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import { describe, expect, it } from "vitest"
import * as Config from "../../src/config/Config.ts"
import * as ServiceEntry from "../../src/config/ServiceEntry.ts"

const palantir = { id: "palantir", type: "palantir", url: "http://127.0.0.1:4420" }
const mail = { id: "mail", type: "bullmq", url: "redis://127.0.0.1:6379", queues: ["mail"] }

const palantir2 = { ...palantir, id: "palantir-2" }

type Variables = Readonly<Record<string, string>>

const read = (value: unknown) =>
  Config.parse(typeof value === "string" ? value : JSON.stringify(value), "mithrandir.json")

const reveal = (config: Config.ConfigFile, variables: Variables = {}) =>
  ServiceEntry.reveal(config.services ?? [], { source: "mithrandir.json", path: "services" }, (name) => variables[name])

const problem = (value: unknown, variables: Variables = {}) =>
  read(value).pipe(
    Either.flatMap((config) => reveal(config, variables)),
    Either.match({ onLeft: (error) => error.message, onRight: () => "it fits" })
  )

const services = (...all: ReadonlyArray<unknown>) => ({ services: all })

describe("a config that fits", () => {
  it("needs only id, type and url of a service", () => {
    expect(Either.getOrThrow(read(services(palantir)))).toEqual({ services: [palantir] })
  })

  it("may be empty", () => {
    expect(Either.getOrThrow(read({}))).toEqual({})
  })

  it("takes everything that the documentation shows", () => {
    const config = Either.getOrThrow(
      read({
        $schema: "./node_modules/@mithrandir/cli/config.schema.json",
        host: "127.0.0.1",
        port: 4410,
        database: "mithrandir.db",
        services: [
          {
            ...palantir,
            name: "Palantir",
            healthEndpoint: "http://127.0.0.1:4420/api/v1/health",
            metadata: { team: "jobs" },
            pollInterval: "5 seconds",
            settle: "250 millis",
            requestTimeout: "3 seconds",
            commandTimeout: "30 seconds",
            finishedKept: "10 minutes",
            expectation: "lifecycle"
          },
          { ...mail, name: "Mail" }
        ]
      })
    )
    expect(config.services?.[0]?.pollInterval).toEqual(Duration.seconds(5))
    expect(config.services?.[0]?.finishedKept).toEqual(Duration.minutes(10))
  })

  it("takes a secret as text, or from the environment, and shows neither", () => {
    const config = Either.getOrThrow(
      read(services({ ...palantir, token: "s3cret" }, { ...mail, password: { env: "REDIS_PASSWORD" } }))
    )
    const revealed = Either.getOrThrow(reveal(config, { REDIS_PASSWORD: "hunter2" }))
    const [first, second] = revealed
    expect(first?.type === "palantir" && first.token && Redacted.value(first.token)).toBe("s3cret")
    expect(second?.type === "bullmq" && second.password && Redacted.value(second.password)).toBe("hunter2")
    expect(JSON.stringify(revealed)).not.toMatch(/s3cret|hunter2/)
  })

  it.each(["1 nano", "1.5 nanos", "0.5 micros", "0 seconds", "24 days"])("takes the settling time %s", (settle) => {
    expect(problem(services({ ...palantir, settle }))).toBe("it fits")
  })

  it.each([
    "redis://h",
    "rediss://h:6379/",
    "redis://h/2",
    "redis://:p%40ss@h:6379/0",
    "redis://u:p@ss@h",
    "redis://h?password=x",
    "redis://[::1]:6379"
  ])("takes the Redis url %s", (url) => {
    expect(problem(services({ ...mail, url }))).toBe("it fits")
  })
})

describe("a secret that is not at hand", () => {
  it("is told of every service at once", () => {
    const config = services({ ...palantir, token: { env: "TOKEN" } }, palantir2, {
      ...mail,
      password: { env: "REDIS_PASSWORD" }
    })
    expect(problem(config)).toBe(
      [
        "mithrandir.json: services[0].token.env: the environment variable TOKEN is not set",
        "mithrandir.json: services[2].password.env: the environment variable REDIS_PASSWORD is not set"
      ].join("\n")
    )
  })

  it("from the environment must be one that a header can carry, too", () => {
    const config = services({ ...palantir, token: { env: "TOKEN" } })
    expect(problem(config, { TOKEN: "5318008\n" })).toBe(
      "mithrandir.json: services[0].token: expected visible ASCII characters alone, without spaces"
    )
  })
})

describe("a config that does not fit is refused in one line that names the place and what would fit", () => {
  const cases: ReadonlyArray<readonly [name: string, config: unknown, expected: string]> = [
    ["text that is not JSON", "{ nonsense", "expected JSON; line 1, column 3 does not fit"],
    ["an empty file", "", "expected JSON"],
    ["a list", [], "expected an object"],
    ["null", null, "expected an object"],
    [
      "an unknown key",
      { prot: 1 },
      "prot: is not known here; known: $schema, host, port, hosts, origins, limits, database, services"
    ],
    ["a port that is text", { port: "4410" }, "port: expected a port, 0 to 65535"],
    ["a port out of range", { port: 65_536 }, "port: expected a port, 0 to 65535"],
    ["a port that is no integer", { port: 1.5 }, "port: expected a port, 0 to 65535"],
    ["a database that is a url", { database: "postgres://u:pw@h/d" }, "database: expected the path of a SQLite file"],
    ["a database in memory", { database: ":memory:" }, "database: expected the path of a SQLite file"],
    ["services that are no list", { services: {} }, "services: expected a list"],
    ["a service that is no object", services("palantir"), "services[0]: expected an object"],
    [
      "a service without a type",
      services({ id: "a", url: "http://h" }),
      'services[0].type: is missing; expected "palantir" or "bullmq"'
    ],
    [
      "a service of an unknown type",
      services({ ...palantir, type: "sidekiq" }),
      'services[0].type: expected "palantir" or "bullmq"'
    ],
    ["a service without an id", services({ type: "palantir", url: "http://h" }), "services[0].id: is missing"],
    [
      "a service without a url",
      services({ id: "a", type: "palantir" }),
      "services[0].url: is missing; expected an http:// or https:// url"
    ],
    [
      "an id with capitals",
      services({ ...palantir, id: "Palantir" }),
      "services[0].id: expected 1 to 64 of a-z 0-9 . _ -"
    ],
    [
      "an id given twice",
      services(palantir, { ...mail, id: "palantir" }),
      "services[1].id: expected an id that no service before has"
    ],
    [
      "an unknown key of a service",
      services({ ...palantir, tokens: "x" }),
      "services[0].tokens: is not known here; known: id, name,"
    ],
    ["a key of another type", services({ ...palantir, queues: ["a"] }), "services[0].queues: is not known here"],
    [
      "a url of another protocol",
      services({ ...palantir, url: "redis://h" }),
      "services[0].url: expected an http:// or https:// url"
    ],
    [
      "a url that is none",
      services({ ...palantir, url: "localhost:4420" }),
      "services[0].url: expected an http:// or https:// url"
    ],
    [
      "a url with a query",
      services({ ...palantir, url: "http://h/?a=1" }),
      "services[0].url: expected an http:// or https:// url"
    ],
    [
      "a Redis url over HTTP",
      services({ ...mail, url: "http://h" }),
      "services[0].url: expected a redis:// or rediss:// url"
    ],
    [
      "BullMQ without queues",
      services({ id: "m", type: "bullmq", url: "redis://h" }),
      "services[0].queues: is missing"
    ],
    [
      "BullMQ with no queue",
      services({ ...mail, queues: [] }),
      "services[0].queues: expected 1 to 1000 queue names, each once"
    ],
    [
      "BullMQ with a queue twice",
      services({ ...mail, queues: ["a", "a"] }),
      "services[0].queues: expected 1 to 1000 queue names"
    ],
    [
      "a queue that is no text",
      services({ ...mail, queues: ["a", 5] }),
      "services[0].queues: expected 1 to 1000 queue names"
    ],
    [
      "a poll interval that is too short",
      services({ ...palantir, pollInterval: "99 millis" }),
      'services[0].pollInterval: expected a duration such as "5 seconds", from 100 millis to 24 days'
    ],
    [
      "a poll interval that is too long",
      services({ ...palantir, pollInterval: "25 days" }),
      "services[0].pollInterval: expected a duration"
    ],
    [
      "a poll interval without a unit",
      services({ ...palantir, pollInterval: 5000 }),
      "services[0].pollInterval: expected a duration"
    ],
    ["a negative duration", services({ ...palantir, settle: "-1 seconds" }), "services[0].settle: expected a duration"],
    [
      "no time for a request",
      services({ ...palantir, requestTimeout: "0 seconds" }),
      "services[0].requestTimeout: expected a duration"
    ],
    [
      "an unknown expectation",
      services({ ...palantir, expectation: "lax" }),
      'services[0].expectation: expected "lifecycle" or "strict"'
    ],
    [
      "metadata that is a list",
      services({ ...palantir, metadata: [] }),
      "services[0].metadata: expected an object of facts to show"
    ],
    ["an empty name", services({ ...palantir, name: "" }), "services[0].name: expected a text of 1 to 256 characters"],
    [
      "a secret of no known shape",
      services({ ...palantir, token: { file: "x" } }),
      "services[0].token: expected a text of visible ASCII characters alone"
    ],
    [
      "an empty secret",
      services({ ...mail, password: "" }),
      'services[0].password: expected a text, or { "env": "NAME" }'
    ],
    [
      "a secret of an unset variable",
      services({ ...palantir, token: { env: "TOKEN" } }),
      "services[0].token.env: the environment variable TOKEN is not set"
    ],
    [
      "a token that no header can carry",
      services(palantir, { ...palantir, id: "other", token: "s3cr\u00e9t" }),
      "services[1].token: expected a text of visible ASCII characters alone, without spaces, or"
    ],
    [
      "a name that no variable can have",
      services({ ...palantir, token: { env: "my secret" } }),
      'services[0].token: expected a text of visible ASCII characters alone, without spaces, or { "env": "NAME" }'
    ],
    [
      "a Redis url whose password has a slash in it",
      services({ ...mail, url: "redis://user:12/34@h" }),
      "services[0].url: expected a redis:// or rediss:// url, its path the number of a database if anything"
    ],
    [
      "metadata that never ends",
      `{"services":[{"id":"a","type":"palantir","url":"http://h","metadata":{"a":${"[".repeat(9999)}${"]".repeat(9999)}}}]}`,
      "expected lists and objects in each other at most 64 deep"
    ],
    ["a key that objects have anyway", '{"__proto__":1}', "__proto__: is not known here; known: $schema, host"]
  ]

  it.each(cases)("%s", (_, config, expected) => {
    const line = problem(config)
    expect(line).toContain(`mithrandir.json: ${expected}`)
    expect(line).not.toContain("\n")
  })

  it.each([
    ["where the secret is of the wrong type", services({ ...palantir, token: 5318008 })],
    ["where the secret is nested wrongly", services({ ...palantir, token: { env: 5318008 } })],
    ["in a url with a password", services({ ...palantir, url: "http://user:5318008@h" })],
    ["in a Redis url beside another mistake", services({ ...mail, url: "redis://:5318008@h", queues: [] })],
    ["in text that is not JSON", '{"services":[{"token": "5318008" x}]}'],
    ["in text that ends too soon", '{"services":[{"token": "5318008'],
    ["under an unknown key", services({ ...palantir, pasword: "5318008" })],
    ["in a token that no header can carry", services({ ...palantir, token: "5318008\n" })],
    ["in a database url", { database: "postgres://u:5318008@h/d" }],
    ["in the place of a variable's name", services({ ...mail, password: { env: "5318008 " } })],
    ["in the place of the type", services({ ...palantir, type: "5318008" })],
    ["in the place of the id", services({ ...palantir, id: "A5318008" })],
    ["in a health endpoint", services({ ...palantir, healthEndpoint: "http://h?key=5318008" })]
  ])("never quoting a secret: %s", (_, config) => {
    expect(problem(config)).toMatch(/^mithrandir\.json: /)
    expect(problem(config)).not.toContain("5318008")
  })

  it("showing control characters in an unknown key by their numbers", () => {
    expect(problem({ "\u001b[2J": 1 })).toContain("\\u001b[2J: is not known here")
  })
})

describe("everything that is wrong is told at once", () => {
  it("a line each, in the order of the file, by the type that each service has", () => {
    expect(
      problem({
        prot: 1,
        port: -1,
        services: [
          { id: "A", type: "palantir", url: "redis://h", queues: [] },
          { ...mail, url: "http://h", prefix: "" },
          { ...mail },
          { type: "sidekiq" },
          "nonsense"
        ]
      })
        .split("\n")
        .map((line) => line.replace(/^mithrandir\.json: /, ""))
    ).toEqual([
      "prot: is not known here; known: $schema, host, port, hosts, origins, limits, database, services",
      "port: expected a port, 0 to 65535",
      "services[0].queues: is not known here; known: id, name, type, url, token, honoursKeys, healthEndpoint, metadata, pollInterval, settle, requestTimeout, commandTimeout, finishedKept, expectation",
      "services[0].id: expected 1 to 64 of a-z 0-9 . _ -, starting with a letter or digit",
      "services[0].url: expected an http:// or https:// url without user, password, query or fragment",
      "services[1].url: expected a redis:// or rediss:// url, its path the number of a database if anything",
      "services[1].prefix: expected a text of 1 to 256 characters that neither begins nor ends with a space",
      'services[3].type: expected "palantir" or "bullmq"',
      "services[4]: expected an object",
      "services[2].id: expected an id that no service before has"
    ])
  })

  it("of many the first twenty, and how many more there are", () => {
    const lines = problem(services(...Array.from({ length: 50 }, () => 1))).split("\n")
    expect(lines).toHaveLength(21)
    expect(lines[19]).toBe("mithrandir.json: services[19]: expected an object")
    expect(lines[20]).toBe("and 30 more")
  })

  it("without more of a key than names it", () => {
    expect(problem({ ["k".repeat(100_000)]: 1 }).length).toBeLessThan(400)
  })
})
