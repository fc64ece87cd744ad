/**
 * No secret comes out again: one of its own in every place where one can be put, and a search for each of them, however
 * it is written, in everything that the real program prints, answers, streams, exports and keeps.
 */
import { execFileSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import * as Canary from "./support/canary.ts"
import { run as runInside } from "./support/inside.ts"
import * as Parrot from "./support/parrot.ts"
import { type Options, run, start, stopAll } from "./support/process.ts"
import * as Visitor from "./support/visitor.ts"

const isLong = process.env["MITHRANDIR_TEST_LONG"] !== undefined

let directory: string
let parrot: Parrot.Parrot
let cage: Canary.Cage
let leaks: Array<string>

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "mithrandir-canary-"))
  parrot = await Parrot.start()
  cage = Canary.make()
  leaks = []
})

afterEach(async () => {
  await stopAll()
  await parrot.close()
  await rm(directory, { recursive: true, force: true })
})

const see: Visitor.See = (where, content) => leaks.push(...cage.found(where, content))

/** What `ps` shows of a process to everybody. */
const shown = (pid: number): string =>
  execFileSync("ps", ["-ww", "-o", "args=", "-p", String(pid)], { encoding: "utf8" })

/** Looks at every byte that is kept: the database, its journals, its lock, and what was exported. */
const seeKept = (when: string) => {
  for (const name of readdirSync(directory)) {
    if (name.startsWith("mithrandir.db") || name.startsWith("export")) {
      see(`${name} ${when}`, readFileSync(join(directory, name)))
    }
  }
}

const seePrinted = <A extends { readonly stdout: string; readonly stderr: string }>(what: string, printed: A): A => {
  see(`stdout of ${what}`, printed.stdout)
  see(`stderr of ${what}`, printed.stderr)
  return printed
}

/** The program as a process. */
const apart = async (args: ReadonlyArray<string>, options: Options = {}) =>
  seePrinted(args.slice(0, 3).join(" "), await run(args, { cwd: directory, ...options }))

/** The program inside this process, where nothing of the environment matters. */
const here = async (args: ReadonlyArray<string>) => seePrinted(args.slice(0, 3).join(" "), await runInside(args))

/** One that says nothing is not waited for; all others answer, however busy the machine is. */
const timing = (id: string) => ({
  pollInterval: "1 second",
  settle: "10 millis",
  requestTimeout: id === "silent" ? "300 millis" : "15 seconds",
  // No job of theirs does as it is told: each command looks for its effect as long as it may.
  commandTimeout: "1 second"
})

/** A service for each manner of an upstream that says back what it hears, its secret wherever a secret can stand. */
const services = () => {
  const env: Record<string, string> = {}
  const dotenv: Record<string, string> = {}
  const tokenOf = (id: string, index: number) => {
    const place = ["a token itself", "a token in the environment", "a token in .env"][index % 3]
    const text = cage.put(`${place} (${id})`, (core) => `p+${core}/=%&x`)
    if (index % 3 === 0) return text
    const name = `TOKEN_${index}`
    if (index % 3 === 1) env[name] = text
    else dotenv[name] = text
    return { env: name }
  }
  const palantirs = [
    ...Parrot.manners.map((manner) => [manner, `${parrot.url}/${manner}`] as const),
    ["garbage", parrot.garbage] as const,
    ["tls", parrot.garbage.replace("http:", "https:")] as const
  ].map(([id, url], index) => ({
    ...{ id, type: "palantir", url, token: tokenOf(id, index), ...timing(id) },
    ...(id === "quoting" ? { healthEndpoint: `${parrot.url}/failing/health` } : {})
  }))
  env["REDIS_PASSWORD"] = cage.put("a Redis password in the environment")
  const inUrl = (place: string) => encodeURIComponent(cage.put(place))
  const login = `${inUrl("a Redis user in a url")}:${inUrl("a Redis password in a url")}`
  const redis = [
    { id: "redis", url: `redis://${parrot.redis}`, password: cage.put("a Redis password itself") },
    { id: "redis-env", url: `redis://${parrot.redis}`, password: { env: "REDIS_PASSWORD" } },
    { id: "redis-url", url: `redis://${login}@${parrot.redis}/2` },
    { id: "redis-query", url: `redis://${parrot.redis}?password=${inUrl("a Redis password in a url's query")}` },
    { id: "redis-tls", url: `rediss://user:${inUrl("a Redis password over TLS")}@${parrot.redis}` }
  ].map((service) => ({ ...service, type: "bullmq", queues: ["mail"], ...timing(service.id) }))
  const lines = Object.entries(dotenv).map(([name, text]) => `${name}='${text}'\n`)
  return { entries: [...palantirs, ...redis], env, dotenv: lines.join("") }
}

/** Every secret of an upstream got to where it belongs, or a search would prove nothing. */
const expectHeard = () => {
  const heard = parrot.heard.flatMap((text) => cage.found("", text)).join("\n")
  for (const { place } of cage.all) {
    if (/^a (token|Redis)/.test(place) && !/tls|TLS/.test(place))
      expect(heard).toContain(`the secret of ${place} is in`)
  }
}

/** Every read that there is, for one service or for all. */
const reads = (ids: ReadonlyArray<string>) => [
  ...["/services/registered", "/reconciliation/status", "/reconciliation/audit?limit=200"],
  ...["/reconciliation/discrepancies", "/commands/none", "/reconciliation/audit/none", "/nowhere"],
  ...["/health/live", "/health/ready", "/openapi.json"],
  ...ids.map((id) => `/api/jobs/stuck?service=${id}`)
]

describe("the search", () => {
  it("finds a secret however it is written, and nothing where there is none", () => {
    const text = cage.put("somewhere")
    const [{ core } = { core: "" }] = cage.all
    for (const written of [
      text,
      `x${core.toUpperCase()}x`,
      encodeURIComponent(text),
      encodeURIComponent(encodeURIComponent(text)),
      JSON.stringify({ text }),
      Array.from(core, (c) => `%${c.charCodeAt(0).toString(16)}`).join(""),
      Array.from(core, (c) => `\\u00${c.charCodeAt(0).toString(16)}`).join(""),
      ...["", "u", "us", "usr"].map((user) => Buffer.from(`${user}:${text}:`).toString("base64")),
      ...["", "u", "us", "usr"].map((user) => Buffer.from(`${user}:${text}:`).toString("base64url")),
      Buffer.from(text).toString("hex")
    ]) {
      expect(cage.found("here", `before ${written} after`), written).toHaveLength(1)
    }
    expect(cage.found("here", Buffer.from(text, "utf16le"))).toHaveLength(1)
    expect(cage.found("here", `${core.slice(0, -1)} ${Canary.make().put("elsewhere")}`)).toEqual([])
  })
})

/** What it tells when asked for all it knows has everything in it that it tells else. */
const talks: ReadonlyArray<{ readonly talks: string; readonly debug: Record<string, string> }> = [
  { talks: "tells all it knows", debug: { MITHRANDIR_DEBUG: "1" } },
  ...(isLong ? [{ talks: "keeps it short", debug: {} }] : [])
]

describe.each(talks)("a server that $talks, among upstreams that say back what they hear", ({ debug }) => {
  it("lets no secret out", { timeout: 90_000 }, async () => {
    const { dotenv, entries, env } = services()
    const ids = entries.map(({ id }) => id)
    const config = join(directory, "mithrandir.json")
    await writeFile(config, JSON.stringify({ services: entries, port: 0 }))
    await writeFile(join(directory, ".env"), dotenv)
    const server = start(["serve"], { cwd: directory, env: { ...env, ...debug } })
    const url = (await server.line(/listens on (\S+)$/))[1] ?? ""
    const events = await Visitor.listens(url, see)
    // Of each two passes: what fails twice goes on the record.
    const passes = (id: string) => events.text().split(`"service":"${id}","status"`).length - 1
    await vi.waitFor(() => expect(ids.filter((id) => passes(id) < 2)).toEqual([]), { timeout: 60_000, interval: 100 })
    see("ps", shown(server.pid))

    const ask = Visitor.asks(url, cage, see)
    // Twice: once with secrets of ours, once without.
    for (const paths of [reads(ids), ["/health/live"], reads(ids)]) await Promise.all(paths.map((path) => ask(path)))
    await Promise.all(
      ids.map(async (service) => {
        const command = { commandId: `c-${service}`, service, actionType: "retry-job", target: "job-1" }
        await Promise.all([
          ask("/commands/run", { ...command, dryRun: true }),
          ask("/commands/run", command, { prefer: "wait=3" })
        ])
        await ask(`/commands/${command.commandId}`)
        await ask("/reconciliation/run", { service, accept: true })
      })
    )
    for (const answer of await Visitor.malformed(url, cage, see)) expect(answer).toMatch(/^HTTP\/1\.1 [2345]/)
    await Promise.all(reads([]).map((path) => ask(path)))

    const at = ["--url", url]
    for (const format of ["ndjson", "json", "csv"]) {
      await here(["audit", "export", "-o", format, "--database", join(directory, "mithrandir.db")])
    }
    for (const args of [["services"], ["discrepancies"], ["audit", "list"], ["audit", "export"]])
      await here([...args, ...at])
    await here(["reconcile", "-o", "json", ...at])
    const token = cage.put("MITHRANDIR_TOKEN", (core) => `p+${core}/=`)
    const set = { env: { ...env, ...debug, MITHRANDIR_TOKEN: token } }
    expect(await apart(["audit", "export", "--file", "export.ndjson"], set)).toMatchObject({ code: 0 })
    expect(await apart(["config", "check"], set)).toMatchObject({ code: 0 })
    expect(await apart(["config", "check", "-o", "json"], set)).toMatchObject({ code: 0 })
    expect(await apart(["config", "check"], { env: { ...debug } })).toMatchObject({ code: 2 })
    seeKept("while it runs")
    await events.leave()
    expect(seePrinted("serve", await server.stop())).toMatchObject({ code: 0, stdout: "" })
    seeKept("after its end")

    expectHeard()
    expect(parrot.followed).toEqual([])
    expect(existsSync(join(directory, "export.ndjson"))).toBe(true)
    expect(leaks).toEqual([])
  })
})

describe("a one-off run", () => {
  const palantir = (manner: string, token: unknown) => {
    return { id: manner, type: "palantir", url: `${parrot.url}/${manner}`, token, ...timing(manner) }
  }

  /** Services with secrets in them, as a flag or a variable has them. */
  const inOneText = () => {
    const redis = `redis://u:${encodeURIComponent(cage.put("a Redis password"))}@${parrot.redis}`
    return JSON.stringify([
      ...Parrot.manners.map((manner) => palantir(manner, cage.put(`a token itself (${manner})`))),
      { id: "redis", type: "bullmq", url: redis, queues: ["mail"], ...timing("redis") }
    ])
  }

  it("with services in --services tells nobody what stands there, nor does the list of processes", async () => {
    const given = ["--services", inOneText()]
    const server = start(["serve", "--port", "0", ...given], { cwd: directory })
    await server.line(/listens on/)
    see("ps", shown(server.pid))
    if (existsSync("/proc")) see("/proc", readFileSync(`/proc/${server.pid}/cmdline`))
    await server.line(/typed: .*verified/)
    expect(await apart(["config", "check", ...given])).toMatchObject({ code: 0 })
    seeKept("while it runs")
    seePrinted("serve", await server.stop())
    expectHeard()
    expect(leaks).toEqual([])
  })

  it("with services in MITHRANDIR_SERVICES tells nobody what stands there", async () => {
    const env = { MITHRANDIR_SERVICES: inOneText() }
    expect(await apart(["config", "check", "-o", "json"], { env })).toMatchObject({ code: 0 })
    expect(await apart(["reconcile"], { env })).toMatchObject({ code: 5 })
    const retry = ["run", "retry-job", "job-1", "--service", "quoting"]
    expect([1, 6]).toContain((await apart(retry, { env: { ...env, MITHRANDIR_DEBUG: "1" } })).code)
    await here(["audit", "export", "--database", join(directory, "mithrandir.db")])
    seeKept("after")
    expectHeard()
    expect(leaks).toEqual([])
  })

  it("through a server that says back who asked does not say it on", async () => {
    const token = cage.put("MITHRANDIR_TOKEN", (core) => `p+${core}/=`)
    const flag = cage.put("--token", (core) => `p+${core}/=`)
    for (const manner of [Parrot.problem, ...Parrot.manners.filter((one) => one !== "silent")]) {
      await here(["audit", "list", "--url", `${parrot.url}/${manner}`, "--token", flag])
    }
    const at = ["--url", `${parrot.url}/${Parrot.problem}`]
    for (const args of [["reconcile"], ["services"], ["discrepancies"], ["audit", "export"], ["watch"]]) {
      await here([...args, ...at, "--token", flag])
    }
    for (const env of [{ MITHRANDIR_TOKEN: token }, { MITHRANDIR_TOKEN: token, MITHRANDIR_DEBUG: "1" }]) {
      const ended = await apart(["run", "retry-job", "x", "--service", "s", ...at], { env })
      expect(ended).toMatchObject({ code: 4, stdout: "" })
      expect(ended.stderr).toContain("[redacted]")
    }
    for (const secret of [token, flag]) expect(parrot.heard.join("\n")).toContain(`Bearer ${secret}`)
    expect(leaks).toEqual([])
  })
})

describe("a program that crashes", () => {
  /** What a driver may throw out of turn: an error that quotes a secret, has it in it, and has another behind it. */
  const saboteur = `process.on("SIGUSR2", () => {
  const secret = process.env.SECRET
  const error = Object.assign(new Error("cannot AUTH " + secret), { command: { name: "auth", args: [secret] } })
  error.cause = Object.assign(new Error("refused " + secret), { options: { password: secret } })
  const thrown = { error, string: secret, object: { password: secret }, many: new AggregateError([error], secret) }[process.env.THROWS]
  if (process.env.REJECTS) Promise.reject(thrown)
  else throw thrown
})
`

  const short = [
    ["error", { MITHRANDIR_DEBUG: "1" }],
    ["object", { REJECTS: "1" }]
  ] as const
  const long = [
    ["error", {}],
    ["object", { MITHRANDIR_DEBUG: "1" }],
    ["string", {}],
    ["many", { MITHRANDIR_DEBUG: "1", REJECTS: "1" }]
  ] as const

  it.each([...short, ...(isLong ? long : [])])(
    "says that it does, and no secret that it was given (%s, %o)",
    async (thrown, env) => {
      const secret = cage.put("a token in the environment")
      await writeFile(join(directory, "saboteur.cjs"), saboteur)
      const url = `${parrot.url}/quoting`
      const service = { id: "quoting", type: "palantir", url, token: { env: "SECRET" }, ...timing("quoting") }
      await writeFile(join(directory, "mithrandir.json"), JSON.stringify({ services: [service], port: 0 }))
      const set = { SECRET: secret, THROWS: thrown, NODE_OPTIONS: `--require ${join(directory, "saboteur.cjs")}` }
      const server = start(["serve"], { cwd: directory, env: { ...set, ...env } })
      await server.line(/quoting: .*verified/)
      process.kill(server.pid, "SIGUSR2")
      const ended = seePrinted("serve", await server.end())
      expect(ended.code).toBe(1)
      expect(ended.stderr).toMatch(/^mithrandir: a fault of ours, please report it: /m)
      seeKept("after")
      expect(leaks).toEqual([])
    }
  )
})

describe("what does not fit", () => {
  /** A config file with one mistake, at it or beside it a secret. */
  const configs = (secret: string): ReadonlyArray<unknown> => {
    const palantir = { id: "p", type: "palantir", url: "http://127.0.0.1:1" }
    const redis = { id: "r", type: "bullmq", url: "redis://127.0.0.1:1", queues: ["mail"] }
    const url = encodeURIComponent(secret)
    return [
      `{ "services": [ { "token": "${secret}", ] }`,
      `{ "services": "${secret}" }`,
      secret,
      { services: [{ ...palantir, token: `${secret} x` }] },
      { services: [{ ...palantir, token: { value: secret } }] },
      { services: [{ ...palantir, token: { env: `${secret} x` } }] },
      { services: [{ ...palantir, token: [secret] }] },
      { services: [{ ...palantir, tokn: secret }] },
      { services: [{ ...palantir, password: secret }] },
      { services: [{ ...palantir, url: `http://user:${url}@127.0.0.1` }] },
      { services: [{ ...palantir, url: `http://127.0.0.1/?token=${url}` }] },
      { services: [{ ...palantir, url: `${secret}://127.0.0.1` }] },
      { services: [{ ...palantir, healthEndpoint: `http://user:${url}@127.0.0.1` }] },
      { services: [{ ...palantir, id: secret }] },
      { services: [{ ...palantir, expectation: secret }] },
      { services: [{ ...palantir, pollInterval: secret }] },
      { services: [{ ...palantir, type: secret }] },
      {
        services: [
          { ...palantir, token: secret },
          { ...palantir, token: secret }
        ]
      },
      { services: [{ ...redis, url: `redis://:x/${url}@127.0.0.1` }] },
      { services: [{ ...redis, url: `redis://user:${url}@` }] },
      { services: [{ ...redis, url: `http://user:${url}@127.0.0.1` }] },
      { services: [{ ...redis, password: { env: `${secret} x` } }] },
      { services: [{ ...redis, password: "" }], token: secret },
      { services: [{ ...redis, queues: [`a:${secret}`] }] },
      { database: `postgres://user:${url}@127.0.0.1/db` },
      { host: [secret] },
      { port: secret }
    ]
  }

  it("in a config file is refused without being quoted", async () => {
    const file = join(directory, "mithrandir.json")
    const secret = cage.put("a config file", (core) => `p+${core}=`)
    for (const config of configs(secret)) {
      await writeFile(file, typeof config === "string" ? config : JSON.stringify(config))
      for (const args of [["config", "check"], ["config", "check", "-o", "json"], ["serve"], ["reconcile"]]) {
        expect(await here([...args, "--config", file]), JSON.stringify(config)).toMatchObject({ code: 2 })
      }
    }
    expect(leaks).toEqual([])
  })

  it("on the command line is refused without being quoted", async () => {
    const secret = cage.put("a flag", (core) => `p+${core}=`)
    const url = `http://user:${encodeURIComponent(secret)}@127.0.0.1:1`
    const services = JSON.stringify([{ id: "p", type: "palantir", url: "http://127.0.0.1:1", token: `${secret} x` }])
    const params = join(directory, "params.json")
    await writeFile(params, `{"pin": "${secret}", }`)
    const run = ["run", "retry-job", "x", "--service", "s"]
    for (const args of [
      ["audit", "list", "--token", `${secret} x`],
      ["audit", "list", `--token=${secret} x`],
      ["audit", "list", `--tokn=${secret}`],
      ["audit", "list", `-t=${secret}`],
      ["audit", "list", "--url", url],
      ["audit", "list", "--limit", secret],
      ["audit", "list", "--start-date", secret],
      ["audit", "list", "-o", secret],
      ["watch", "--last-event-id", `${secret} x`],
      ["serve", "--port", secret],
      ["serve", "--database", `postgres://user:${secret}@h/d`],
      ["serve", "--services", secret],
      ["serve", "--services", services],
      ["serve", "--services", `{"token":"${secret}"`],
      [...run, "--params", `{"pin":"${secret}"`],
      [...run, "--params", `["${secret}"]`],
      [...run, "--params", `@${params}`]
    ]) {
      expect(await here(args), args.join(" ").replace(secret, "…")).toMatchObject({ code: 2, stdout: "" })
    }
    expect(leaks).toEqual([])
  })

  it("in the environment or in .env is refused without being quoted", async () => {
    const inEnv = (name: string, dress: (core: string) => string) => ({ [name]: cage.put(name, dress) })
    await writeFile(
      join(directory, ".env"),
      [
        cage.put("a line of .env", (core) => `${core} without a name`),
        `MITHRANDIR_TOKEN="${cage.put("MITHRANDIR_TOKEN in .env", (core) => `${core} x`)}"`,
        `MITHRANDIR_SERVICES='[{"token":"${cage.put("MITHRANDIR_SERVICES in .env", (core) => core)}"'`
      ].join("\n")
    )
    const env = {
      ...inEnv("MITHRANDIR_TOKEN", (core) => `${core} x`),
      ...inEnv("MITHRANDIR_URL", (core) => `http://u:${core}@127.0.0.1`),
      ...inEnv("MITHRANDIR_PORT", (core) => core),
      ...inEnv("MITHRANDIR_DATABASE", (core) => `postgres://u:${core}@127.0.0.1/d`),
      ...inEnv("MITHRANDIR_SERVICES", (core) => `[{"id":"p","type":"palantir","url":"http://h","token":"${core} x"}]`),
      ...inEnv("MITHRANDIR_TOKN", (core) => core)
    }
    for (const args of [["config", "check"], ["serve"], ["audit", "list"]]) {
      const all = args[0] === "serve" ? { ...env, MITHRANDIR_DEBUG: "1" } : env
      expect(await apart(args, { env: all })).toMatchObject({ code: 2, stdout: "" })
    }
    expect(leaks).toEqual([])
  })
})
