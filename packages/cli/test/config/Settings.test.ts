/** What holds in the end, from real files and the real environment of a process. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as fc from "fast-check"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import * as ServiceEntry from "../../src/config/ServiceEntry.ts"
import * as Settings from "../../src/config/Settings.ts"

const home = process.cwd()
const variables = { ...process.env }
let directory: string
beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "mithrandir-settings-")))
  process.chdir(directory)
})
afterEach(() => {
  process.chdir(home)
  rmSync(directory, { recursive: true })
  for (const name of Object.keys(process.env)) if (!(name in variables)) delete process.env[name]
})

const setEnv = (given: Readonly<Record<string, string>>) => Object.assign(process.env, given)
const writeEnv = (given: Readonly<Record<string, string>>) =>
  writeFileSync(
    ".env",
    Object.entries(given)
      .map(([name, value]) => `${name}='${value}'\n`)
      .join("")
  )
const writeConfig = (value: unknown, file = "mithrandir.json") => writeFileSync(file, JSON.stringify(value))

const nothing: Settings.Given = { config: Option.none(), database: Option.none() }

const resolve = (given: Partial<Settings.Given> = {}, options?: { readonly discover: boolean }) =>
  Effect.runPromise(
    Settings.resolve({ ...nothing, ...given }, options).pipe(Effect.either, Effect.provide(NodeContext.layer))
  )

const settled = async (given: Partial<Settings.Given> = {}, options?: { readonly discover: boolean }) =>
  Either.getOrThrow(await resolve(given, options))

const refusal = async (given: Partial<Settings.Given> = {}) =>
  Either.match(await resolve(given), { onLeft: (error) => error.message.split("\n"), onRight: () => [] })

const palantir: ServiceEntry.ServiceEntry = { id: "palantir", type: "palantir", url: "http://127.0.0.1:4420" }
const service = (id: string) => ({ ...palantir, id })

const says = (place: string, number: number) => ({
  host: `${place}.example`,
  port: number,
  hosts: [`${place}.example`],
  origins: [`https://${place}.example`],
  limits: { streams: number },
  database: `${place}.db`,
  services: [service(place)]
})

/** Each place, giving each key another value. */
const places = {
  flag: says("flag", 1),
  environment: says("environment", 2),
  ".env": says("dotenv", 3),
  file: says("file", 4)
} as const
const order = ["flag", "environment", ".env", "file"] as const
const keys = ["host", "port", "hosts", "origins", "limits", "database", "services"] as const

const asVariables = (values: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      `MITHRANDIR_${key.toUpperCase()}`,
      typeof value === "object" ? JSON.stringify(value) : String(value)
    ])
  )

describe("each key", () => {
  it("is from the first that says it: flag, environment, .env, config file, default", async () => {
    const choice = fc.record({
      host: fc.subarray([...order]),
      port: fc.subarray([...order]),
      hosts: fc.subarray([...order]),
      origins: fc.subarray([...order]),
      limits: fc.subarray([...order]),
      database: fc.subarray([...order]),
      services: fc.subarray([...order])
    })
    await fc.assert(
      fc.asyncProperty(choice, async (saying) => {
        const said = (place: keyof typeof places) =>
          Object.fromEntries(keys.filter((key) => saying[key].includes(place)).map((key) => [key, places[place][key]]))
        for (const key of keys) delete process.env[`MITHRANDIR_${key.toUpperCase()}`]
        setEnv(asVariables(said("environment")))
        writeEnv(asVariables(said(".env")))
        writeConfig(said("file"))
        const flags: Partial<typeof places.flag> = said("flag")
        const settings = await settled({
          host: Option.fromNullable(flags.host),
          port: Option.fromNullable(flags.port),
          hosts: Option.fromNullable(flags.hosts),
          origins: Option.fromNullable(flags.origins),
          limits: Option.fromNullable(flags.limits),
          database: Option.fromNullable(flags.database),
          entries: Option.fromNullable(flags.services)
        })
        const from = (key: (typeof keys)[number]) => order.find((place) => saying[key].includes(place))
        const expected = <A>(key: (typeof keys)[number], of: (place: keyof typeof places) => A, otherwise: A) => {
          const place = from(key)
          return place === undefined ? otherwise : of(place)
        }
        expect(settings.from).toEqual(Object.fromEntries(keys.map((key) => [key, from(key) ?? "default"])))
        expect(settings.host).toBe(expected<string>("host", (place) => places[place].host, "127.0.0.1"))
        expect(settings.port).toBe(expected<number>("port", (place) => places[place].port, 4410))
        expect(settings.database).toBe(
          join(
            directory,
            expected<string>("database", (place) => places[place].database, "mithrandir.db")
          )
        )
        const [hosts, origins, limits] = [from("hosts"), from("origins"), from("limits")]
        expect(settings.hosts).toEqual(hosts === undefined ? [] : places[hosts].hosts)
        expect(settings.origins).toEqual(origins === undefined ? [] : places[origins].origins)
        expect(settings.limits).toEqual(limits === undefined ? {} : places[limits].limits)
        expect(settings.entries).toEqual(
          expected<ReadonlyArray<unknown>>("services", (place) => places[place].services, [])
        )
        expect(Either.getOrThrow(settings.services)).toEqual(settings.entries)
      }),
      { numRuns: 60 }
    )
  })

  it("that a variable leaves empty is from the next that says it", async () => {
    setEnv({ MITHRANDIR_HOST: "", MITHRANDIR_PORT: "" })
    writeEnv({ MITHRANDIR_HOST: "dotenv.example", MITHRANDIR_PORT: "" })
    writeConfig({ port: 4 })
    expect(await settled()).toMatchObject({
      host: "dotenv.example",
      port: 4,
      from: { host: ".env", port: "file" }
    })
  })
})

describe("the config file", () => {
  it("is mithrandir.json where there is one, or the one that is named: by flag, by environment, by .env", async () => {
    expect((await settled()).configFile).toEqual(Option.none())
    writeConfig({ port: 1 })
    expect(await settled()).toMatchObject({ port: 1, configFile: Option.some(join(directory, "mithrandir.json")) })
    writeConfig({ port: 2 }, "dotenv.json")
    writeEnv({ MITHRANDIR_CONFIG: "dotenv.json" })
    expect((await settled()).port).toBe(2)
    writeConfig({ port: 3 }, "environment.json")
    setEnv({ MITHRANDIR_CONFIG: "environment.json" })
    expect((await settled()).port).toBe(3)
    writeConfig({ port: 4 }, "flag.json")
    expect((await settled({ config: Option.some("flag.json") })).port).toBe(4)
  })

  it("has paths that are relative to itself; all others are relative to where we are", async () => {
    mkdirSync("etc")
    writeConfig({ database: "../data/jobs.db" }, "etc/mithrandir.json")
    const config = Option.some("etc/mithrandir.json")
    expect((await settled({ config })).database).toBe(join(directory, "data/jobs.db"))
    setEnv({ MITHRANDIR_DATABASE: "../jobs.db" })
    expect((await settled({ config })).database).toBe(join(directory, "../jobs.db"))
    expect((await settled({ config, database: Option.some("/srv/jobs.db") })).database).toBe("/srv/jobs.db")
  })

  it("that is named must be there", async () => {
    expect(await refusal({ config: Option.some("none.json") })).toEqual(["none.json: there is no such file"])
    expect(await refusal({ config: Option.some(".") })).toEqual([".: expected a file"])
  })

  it("that is too big, or no text, is not read", async () => {
    writeFileSync("big.json", " ".repeat(1024 * 1024 + 1))
    expect(await refusal({ config: Option.some("big.json") })).toEqual(["big.json: expected a file of at most 1 MiB"])
    writeFileSync("binary.json", Buffer.from([0x7b, 0xff, 0x7d]))
    expect(await refusal({ config: Option.some("binary.json") })).toEqual(["binary.json: expected text in UTF-8"])
  })

  it("may begin with a byte order mark", async () => {
    writeFileSync("mithrandir.json", '\uFEFF{"port": 7}')
    expect((await settled()).port).toBe(7)
  })
})

describe("without discovery", () => {
  it("neither .env nor mithrandir.json is read, unless a config is named", async () => {
    writeEnv({ MITHRANDIR_DATABASE: "dotenv.db", TOKEN: "5318008" })
    writeConfig({ port: 1, services: [{ ...palantir, token: { env: "TOKEN" } }] })
    expect(await settled({}, { discover: false })).toMatchObject({ port: 4410, entries: [] })
    const named = await settled({ config: Option.some("mithrandir.json") }, { discover: false })
    expect(named).toMatchObject({ port: 1 })
    expect(Either.isRight(named.services)).toBe(true)
    setEnv({ MITHRANDIR_CONFIG: "mithrandir.json" })
    expect(await settled({}, { discover: false })).toMatchObject({ port: 1 })
  })

  it("the environment is still asked: somebody set it for this", async () => {
    setEnv({ MITHRANDIR_PORT: "5" })
    expect((await settled({}, { discover: false })).port).toBe(5)
  })
})

describe("a secret", () => {
  it("is looked up in the environment, then in .env", async () => {
    writeConfig({ services: [{ ...palantir, token: { env: "PALANTIR_TOKEN" } }] })
    const token = async () => {
      const [first] = Either.getOrThrow((await settled()).services)
      return first?.type === "palantir" && first.token !== undefined ? Redacted.value(first.token) : undefined
    }
    writeEnv({ PALANTIR_TOKEN: "from-file" })
    expect(await token()).toBe("from-file")
    setEnv({ PALANTIR_TOKEN: "from-environment" })
    expect(await token()).toBe("from-environment")
    setEnv({ PALANTIR_TOKEN: "" })
    expect(await token()).toBe("from-file")
  })

  it("that is not at hand is told by where its service stands, and leaves the rest alone", async () => {
    const services = [{ ...palantir, token: { env: "TOKEN" } }]
    const problem = async (given: Partial<Settings.Given> = {}) => {
      const settings = await settled(given)
      expect(settings.port).toBe(4410)
      return Either.isLeft(settings.services) ? settings.services.left.message : "it fits"
    }
    const words = "the environment variable TOKEN is not set"
    writeConfig({ services })
    expect(await problem()).toBe(`mithrandir.json: services[0].token.env: ${words}`)
    writeEnv(asVariables({ services }))
    expect(await problem()).toBe(`.env: MITHRANDIR_SERVICES[0].token.env: ${words}`)
    setEnv(asVariables({ services }))
    expect(await problem()).toBe(`environment: MITHRANDIR_SERVICES[0].token.env: ${words}`)
    const entries = [{ ...palantir, token: { env: "TOKEN" } }] as const
    expect(await problem({ entries: Option.some(entries) })).toBe(`--services: [0].token.env: ${words}`)
  })
})

describe("what does not fit", () => {
  it("is told of all places at once, and none of it is quoted", async () => {
    setEnv({ MITHRANDIR_PORT: "5318008", MITHRANDIR_SERVICES: "[5318008" })
    writeFileSync(".env", "MITHRANDIR_DATABASE=postgres://u:5318008@h/d\n")
    writeConfig({ prot: 5318008, services: [{ ...palantir, token: 5318008 }] })
    const lines = await refusal({ host: Option.some("5318008") })
    expect(lines).toEqual([
      expect.stringMatching(/^environment: MITHRANDIR_SERVICES: expected JSON/),
      "environment: MITHRANDIR_PORT: expected a port, 0 to 65535",
      ".env: MITHRANDIR_DATABASE: expected the path of a SQLite file",
      "mithrandir.json: prot: is not known here; known: $schema, host, port, hosts, origins, limits, database, services",
      expect.stringMatching(/^mithrandir\.json: services\[0\]\.token: expected a text of visible ASCII/)
    ])
    expect(lines.join("\n")).not.toContain("5318008")
  })

  it("is told of .env itself, beside the rest", async () => {
    mkdirSync(".env")
    writeConfig({ port: "x" })
    expect(await refusal()).toEqual([".env: expected a file", "mithrandir.json: port: expected a port, 0 to 65535"])
  })

  it("is refused even where something before it says the same", async () => {
    writeConfig({ port: "x" })
    expect(await refusal({ port: Option.some(1) })).toEqual(["mithrandir.json: port: expected a port, 0 to 65535"])
  })
})

describe("what looks wrong", () => {
  it("is a warning, not a refusal", async () => {
    setEnv({ MITHRANDIR_DATABSE: "a.db" })
    writeEnv({ MITHRANDIR_PROT: "1" })
    expect((await settled()).warnings).toEqual([
      "environment: MITHRANDIR_DATABSE is not known; did you mean MITHRANDIR_DATABASE?",
      ".env: MITHRANDIR_PROT is not known; did you mean MITHRANDIR_PORT?"
    ])
  })
})

describe("the server of a one-off run", () => {
  const run = <A, E>(effect: Effect.Effect<A, E, NodeContext.NodeContext>) =>
    Effect.runPromise(Effect.provide(Effect.either(effect), NodeContext.layer))

  it("is the flag's, then the environment's, then .env's", async () => {
    writeEnv({ MITHRANDIR_URL: "http://dotenv", MITHRANDIR_TOKEN: "dotenv" })
    expect(await run(Settings.serverUrl(Option.none()))).toEqual(Either.right(Option.some("http://dotenv")))
    setEnv({ MITHRANDIR_URL: "http://environment", MITHRANDIR_TOKEN: "environment" })
    expect(await run(Settings.serverUrl(Option.none()))).toEqual(Either.right(Option.some("http://environment")))
    expect(await run(Settings.serverUrl(Option.some("http://flag")))).toEqual(Either.right(Option.some("http://flag")))
    const token = Either.getOrThrow(await run(Settings.serverToken({ token: Option.none(), tokenFile: Option.none() })))
    expect(Option.map(token, Redacted.value)).toEqual(Option.some("environment"))
  })

  it("gets no request without its token because of a .env that cannot be read", async () => {
    mkdirSync(".env")
    const token = await run(Settings.serverToken({ token: Option.none(), tokenFile: Option.none() }))
    expect(Either.isLeft(token) && token.left.message).toBe(".env: expected a file")
  })
})
