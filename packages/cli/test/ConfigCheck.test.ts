/** `mithrandir config check` as a process: what it shows, what it says is wrong, and that it never shows a secret. */
import { once } from "node:events"
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { run as runHere } from "./support/inside.ts"
import { run, start, stopAll } from "./support/process.ts"

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "mithrandir-config-"))
})
afterEach(async () => {
  await stopAll()
  await rm(directory, { recursive: true })
})

type Variables = Readonly<Record<string, string>>

const write = (name: string, content: unknown) =>
  writeFile(
    join(directory, name),
    typeof content === "string" || content instanceof Uint8Array ? content : JSON.stringify(content)
  )

const check = (args: ReadonlyArray<string> = [], env: Variables = {}) =>
  run(["config", "check", ...args], { cwd: directory, env })

/** The same inside this process, as if it had been started there. */
const checkHere = async (args: ReadonlyArray<string>, env: Variables) => {
  const before = { cwd: process.cwd(), env: { ...process.env } }
  try {
    process.chdir(directory)
    Object.assign(process.env, env)
    return await runHere(["config", "check", ...args])
  } finally {
    process.chdir(before.cwd)
    for (const name of Object.keys(env)) delete process.env[name]
    Object.assign(process.env, before.env)
  }
}

const palantir = { id: "palantir", type: "palantir", url: "http://127.0.0.1:4420" }
const mail = { id: "mail", type: "bullmq", url: "redis://127.0.0.1:6379", queues: ["mail"] }

describe("config check", () => {
  it("shows what holds and where each part is from", async () => {
    await write("mithrandir.json", { port: 1, host: "file.example", services: [palantir] })
    await write(".env", "MITHRANDIR_HOST=dotenv.example\nMITHRANDIR_PORT=2\n")
    const ended = await check(["--database", "flag.db"], { MITHRANDIR_PORT: "3" })
    expect(ended).toMatchObject({ code: 0 })
    expect(ended.stderr).toBe(
      `config file: ${join(directory, "mithrandir.json")}\n` +
        "mithrandir: warning: host: serve listens on dotenv.example only if its database has tokens; " +
        "make one with mithrandir token create\n"
    )
    const rows = ended.stdout.split("\n").map((line) => line.split(/ {2,}/))
    expect(rows[0]).toEqual(["KEY", "VALUE", "FROM"])
    expect(rows).toContainEqual(["host", "dotenv.example", ".env"])
    expect(rows).toContainEqual(["port", "3", "environment"])
    expect(rows).toContainEqual(["database", join(directory, "flag.db"), "flag"])
    expect(rows).toContainEqual(["services[0].url", "http://127.0.0.1:4420", "file"])
    expect(rows).toContainEqual(["services[0].pollInterval", "5 seconds", "default"])
  })

  const file = { host: "file.example", database: "file.db", services: [palantir] }
  it.each<[string, { readonly dotenv?: string; readonly env?: Variables; readonly name?: string }, object, object]>([
    [
      "a variable",
      { env: { MITHRANDIR_HOST: "environment.example", MITHRANDIR_DATABASE: "environment.db", MITHRANDIR_PROT: "1" } },
      { host: "environment.example", database: "environment.db" },
      { host: "environment", database: "environment", port: "default", services: "file" }
    ],
    [
      ".env, the config's name among it",
      { dotenv: "MITHRANDIR_DATABASE=dotenv.db\nMITHRANDIR_CONFIG=other.json\n", name: "other.json" },
      { host: "file.example", database: "dotenv.db" },
      { host: "file", database: ".env", port: "default", services: "file" }
    ]
  ])("as JSON: what is from %s", async (_, { dotenv = "", env = {}, name = "mithrandir.json" }, config, origins) => {
    await write(name, file)
    await write(".env", dotenv)
    const ended = await check(["-o", "json"], env)
    expect(ended).toMatchObject({ code: 0 })
    const shown = JSON.parse(ended.stdout)
    expect({ ...shown.config, database: basename(shown.config.database) }).toMatchObject({
      ...config,
      port: 4410,
      services: [{ ...palantir, settle: "250 millis" }]
    })
    expect(dirname(shown.config.database)).toBe(directory)
    expect(shown.configFile).toBe(join(directory, name))
    expect(shown.origins).toMatchObject({ ...origins, "services[0].settle": "default" })
    expect(shown.warnings).toEqual([
      ...("MITHRANDIR_PROT" in env ? ["environment: MITHRANDIR_PROT is not known; did you mean MITHRANDIR_PORT?"] : []),
      expect.stringContaining("only if its database has tokens")
    ])
  })

  it("needs no config at all, and says that serve does", async () => {
    // That it ends with 2 is no fault of ours with a stack trace.
    const ended = await checkHere([], { MITHRANDIR_DEBUG: "1" })
    expect(ended).toMatchObject({ code: 2 })
    expect(ended.stderr).toBe(
      "config file: none\nmithrandir: services: serve needs one, or --sandbox: name a config with --config FILE\n"
    )
    expect(ended.stdout).toMatch(/^services +\[\] +default$/m)
  })

  it("refuses a host that serve refuses, and says of another what it needs", async () => {
    await write("mithrandir.json", { services: [palantir] })
    const everywhere = await checkHere(["--host", "0.0.0.0"], {})
    expect(everywhere.code).toBe(2)
    expect(everywhere.stderr).toContain("mithrandir: warning: host: serve listens on 0.0.0.0 only if its database has")
    expect(everywhere.stderr).toContain("mithrandir: hosts: serve listens on 0.0.0.0 only if it knows")
    const somewhere = await checkHere(["--host", "10.0.0.1", "-o", "json"], {})
    expect(somewhere.code).toBe(0)
    expect(JSON.parse(somewhere.stdout).warnings).toEqual([expect.stringContaining("token create")])
    expect((await checkHere(["--host", "::", "--hosts", '["ops.example.com"]'], {})).code).toBe(0)
  })

  it("tells of secrets that are not at hand beside whatever else is wrong", async () => {
    const line = "services[0].token.env: the environment variable NOT_SET_ANYWHERE is not set\n"
    const service = { ...palantir, token: { env: "NOT_SET_ANYWHERE" } }
    await write("mithrandir.json", { port: "x", services: [service] })
    const ofFile = await checkHere([], {})
    expect(ofFile).toMatchObject({ code: 2, stdout: "" })
    expect(ofFile.stderr).toContain("mithrandir.json: port: expected a port")
    expect(ofFile.stderr).toContain(`mithrandir.json: ${line}`)
    await write("mithrandir.json", { services: [service] })
    const elsewhere = await checkHere([], { MITHRANDIR_PORT: "http" })
    expect(elsewhere.stderr).toContain("environment: MITHRANDIR_PORT: expected a port")
    expect(elsewhere.stderr).toContain(`mithrandir.json: ${line}`)
    // Of services that do not count nothing is asked.
    const others = await checkHere(["--services", JSON.stringify([palantir])], { MITHRANDIR_PORT: "http" })
    expect(others.stderr).not.toContain("NOT_SET_ANYWHERE")
  })

  it("tells every mistake of every place, however many there are, and exits 2", async () => {
    await write("mithrandir.json", { port: "x", services: Array.from({ length: 30 }, () => ({ ...palantir, url: 1 })) })
    await write(".env", "MITHRANDIR_HOST=' x'\nMITHRANDIR_DATABSE=a.db\n")
    const ended = await check([], { MITHRANDIR_PORT: "http", MITHRANDIR_URL: "nowhere" })
    expect(ended).toMatchObject({ code: 2, stdout: "" })
    const lines = ended.stderr.trimEnd().split("\n")
    expect(lines.slice(0, 5)).toEqual([
      "mithrandir: warning: .env: MITHRANDIR_DATABSE is not known; did you mean MITHRANDIR_DATABASE?",
      "mithrandir: environment: MITHRANDIR_URL: expected an http:// or https:// url without user, password, query or fragment",
      "mithrandir: environment: MITHRANDIR_PORT: expected a port, 0 to 65535",
      "mithrandir: .env: MITHRANDIR_HOST: expected a text of 1 to 256 characters that neither begins nor ends with a space",
      "mithrandir: mithrandir.json: port: expected a port, 0 to 65535"
    ])
    expect(lines.filter((line) => / services\[\d+\]\.url: /.test(line))).toHaveLength(30)
    expect(lines.filter((line) => / services\[\d+\]\.id: /.test(line))).toHaveLength(29)
  })

  it("shows what there is, and exits 2, where a secret is not at hand", async () => {
    await write("mithrandir.json", { services: [{ ...palantir, token: { env: "PALANTIR_TOKEN" } }] })
    const ended = await check()
    expect(ended).toMatchObject({ code: 2 })
    expect(ended.stdout).toMatch(/^services\[0\]\.token +\{"env":"PALANTIR_TOKEN","set":false\} +file$/m)
    expect(ended.stderr).toContain(
      "mithrandir: mithrandir.json: services[0].token.env: the environment variable PALANTIR_TOKEN is not set\n"
    )
    expect(await checkHere([], { PALANTIR_TOKEN: "x" })).toMatchObject({ code: 0 })
  })
})

describe.skipIf(process.platform === "win32")("a file with a secret in it that everybody may get at", () => {
  const warning = (file: string, paths: string) =>
    `${file}: everybody on this machine may get at the secrets in it (${paths}); run: chmod o= ${file}`

  const warnings = async () => JSON.parse((await checkHere(["-o", "json"], {})).stdout).warnings

  it("is warned of, each with what is in it and what mends it", async () => {
    const redis = { ...mail, url: "redis://:s3cr3t@127.0.0.1:6379" }
    const other = { ...palantir, id: "other", token: { env: "OTHER" } }
    await write("mithrandir.json", { services: [{ ...palantir, token: "t0ken" }, redis, other] })
    await write(".env", "MITHRANDIR_TOKEN=t0ken\nOTHER=t0ken\nPLAIN=x\n")
    await chmod(join(directory, "mithrandir.json"), 0o604)
    await chmod(join(directory, ".env"), 0o602)
    expect(await warnings()).toEqual([
      warning("mithrandir.json", "services[0].token, services[1].url"),
      warning(".env", "MITHRANDIR_TOKEN, OTHER")
    ])
    await write(".env", `MITHRANDIR_SERVICES=${JSON.stringify([{ ...mail, password: "s3cr3t" }])}\n`)
    expect(await warnings()).toContain(warning(".env", "MITHRANDIR_SERVICES[0].password"))
    for (const name of ["mithrandir.json", ".env"]) await chmod(join(directory, name), 0o660)
    expect(await warnings()).toEqual([])
  })

  it("is nobody's business where no secret is in it", async () => {
    await write("mithrandir.json", { services: [palantir, mail, { ...mail, id: "b", password: { env: "HERE" } }] })
    await write(".env", "PLAIN=x\n")
    await chmod(join(directory, "mithrandir.json"), 0o666)
    await chmod(join(directory, ".env"), 0o666)
    expect(JSON.parse((await checkHere(["-o", "json"], { HERE: "s3cr3t" })).stdout).warnings).toEqual([])
  })
})

describe("a secret is never printed", () => {
  const secret = "s3cr3t-5318008"
  const service = (given: object) => ({ services: [{ ...palantir, ...given }] })
  const queues = (given: object) => ({ services: [{ ...mail, ...given }] })

  it.each(["table", "json"])("of a config that fits, as %s", async (format) => {
    await write("mithrandir.json", {
      services: [
        { ...palantir, token: secret },
        { ...palantir, id: "b", token: { env: "TOKEN" } },
        { ...mail, url: `redis://:${secret}@h/1?password=${secret}`, password: secret },
        { ...mail, id: "d", url: `rediss://${secret}@h`, password: { env: "PASSWORD" } }
      ]
    })
    await write(".env", `PASSWORD=${secret}\nMITHRANDIR_TOKN=${secret}\n`)
    const ended = await check(["-o", format], { TOKEN: secret, MITHRANDIR_TOKEN: secret, MITHRANDIR_DEBUG: "1" })
    expect(ended).toMatchObject({ code: 0 })
    expect(ended.stdout).toContain("[redacted]")
    expect(ended.stdout + ended.stderr).not.toContain(secret)
  })

  const wrong: ReadonlyArray<
    readonly [string, { readonly file?: unknown; readonly dotenv?: string | Uint8Array; readonly env?: Variables }]
  > = [
    ["in a file that is not JSON", { file: `{"services": [{"token": "${secret}" x}]}` }],
    ["in a file that ends too soon", { file: `{"services": [{"token": "${secret}` }],
    ["in a file that is JSON within JSON", { file: JSON.stringify(`{"token": "${secret}"}`) }],
    ["in a list", { file: service({ token: [secret] }) }],
    ["under another name", { file: service({ token: { file: secret } }) }],
    ["under an unknown key", { file: service({ pasword: secret }) }],
    ["with a line end", { file: service({ token: `${secret}\n` }) }],
    ["as the name of a variable that is none", { file: service({ token: { env: `${secret} ` } }) }],
    ["in an http url", { file: service({ url: `http://u:${secret}@h` }) }],
    ["in the query of an http url", { file: service({ healthEndpoint: `http://h?key=${secret}` }) }],
    ["in a Redis url of another protocol", { file: queues({ url: `http://:${secret}@h` }) }],
    ["in a Redis url with a slash", { file: queues({ url: `redis://u:12/${secret}@h` }) }],
    [
      "in the place of everything else",
      { file: { host: [secret], port: secret, database: [secret], services: secret } }
    ],
    [
      "in the places of a service",
      { file: service({ id: `${secret}!`, type: secret, name: [secret], settle: secret }) }
    ],
    ["in a variable that is not JSON", { env: { MITHRANDIR_SERVICES: `[{"token": "${secret}" x}]` } }],
    ["in a variable of another shape", { env: { MITHRANDIR_SERVICES: JSON.stringify([{ token: [secret] }]) } }],
    ["in other variables", { env: { MITHRANDIR_PORT: secret, MITHRANDIR_DATABASE: `postgres://u:${secret}@h/d` } }],
    ["in those of one run", { env: { MITHRANDIR_URL: `http://u:${secret}@h`, MITHRANDIR_TOKEN: `${secret} ` } }],
    ["in a line of .env that is none", { dotenv: `A=1\n${secret}\nB=2\n` }],
    ["in a .env of another encoding", { dotenv: Buffer.from(`TOKEN=${secret}\u00e4\n`, "latin1") }],
    ["in a quote of .env that never ends", { dotenv: `MITHRANDIR_SERVICES='[{"token": "${secret}"\n` }]
  ]

  it.each(wrong)("%s", async (_, { dotenv, env, file }) => {
    if (file !== undefined) await write("mithrandir.json", file)
    if (dotenv !== undefined) await write(".env", dotenv)
    const ended = await checkHere([], { ...env, MITHRANDIR_DEBUG: "1" })
    expect(ended).toMatchObject({ code: 2, stdout: "" })
    expect(ended.stderr).toMatch(/^mithrandir: (mithrandir\.json|environment|\.env): /m)
    expect(ended.stderr).not.toContain(secret)
  })

  it.each([
    ["--services", `[{"token": "${secret}" x}]`],
    ["--services", JSON.stringify([{ ...palantir, token: [secret] }])],
    ["--database", `postgres://u:${secret}@h/d`],
    ["--port", secret]
  ])("of the flag %s", async (flag, value) => {
    const ended = await checkHere([flag, value], { MITHRANDIR_DEBUG: "1" })
    expect(ended).toMatchObject({ code: 2, stdout: "" })
    expect(ended.stderr).toContain(`mithrandir: ${flag}: `)
    expect(ended.stderr).not.toContain(secret)
  })
})

describe("serve", () => {
  it("says at its start which variables nobody reads, and starts", async () => {
    await write("mithrandir.json", { services: [palantir] })
    const server = start(["serve", "--port", "0"], { cwd: directory, env: { MITHRANDIR_DATABSE: "x.db" } })
    await server.line(
      /^mithrandir: warning: environment: MITHRANDIR_DATABSE is not known; did you mean MITHRANDIR_DATABASE\?$/
    )
    await server.line(/listens on http/)
    expect(await server.stop()).toMatchObject({ code: 0 })
  })

  it("takes its services from a flag, a variable or .env as well as from a file", async () => {
    const services = (id: string) => JSON.stringify([{ ...palantir, id }])
    await write("mithrandir.json", { services: [{ ...palantir, id: "from-file" }] })
    await write(".env", `MITHRANDIR_SERVICES='${services("from-dotenv")}'\nMITHRANDIR_PORT=0\n`)
    const described = async (args: ReadonlyArray<string>, env: Variables) => {
      const server = start(["serve", ...args], { cwd: directory, env })
      const [, id] = await server.line(/^service (\S+): palantir at /)
      await server.line(/^mithrandir \S+ listens on http/)
      await server.stop()
      return id
    }
    expect(await described([], {})).toBe("from-dotenv")
    const env = { MITHRANDIR_SERVICES: services("from-environment") }
    expect(await described([], env)).toBe("from-environment")
    expect(await described(["--services", services("from-flag")], env)).toBe("from-flag")
  })

  it("in a sandbox leaves a .env alone that happens to lie around", async () => {
    await write(".env", "MITHRANDIR_DATABASE=precious.db\nMITHRANDIR_PORT=nonsense\n")
    const server = start(["serve", "--sandbox", "--port", "0"], { cwd: directory })
    const [, database = ""] = await server.line(/^database: (.*)$/)
    expect(database).not.toContain("precious.db")
    await server.line(/listens on http/)
    expect(await server.stop()).toMatchObject({ code: 0 })
  })

  it("tells at most twenty mistakes of a config, a line each, and how many more there are", async () => {
    await write("mithrandir.json", { services: Array.from({ length: 30 }, () => 1) })
    const ended = await run(["serve"], { cwd: directory })
    expect(ended).toMatchObject({ code: 2, stdout: "" })
    const lines = ended.stderr.trimEnd().split("\n")
    expect(lines).toHaveLength(21)
    expect(lines[0]).toBe("mithrandir: mithrandir.json: services[0]: expected an object")
    expect(lines[20]).toBe("mithrandir: and 10 more")
  })
})

describe("a one-off run", () => {
  it("finds in .env the server to go through and the token for it, and prints no token", async () => {
    const secret = "s3cr3t-5318008"
    const shown: Array<string | undefined> = []
    const server = createServer((request, response) => {
      shown.push(request.headers.authorization)
      const problem = { type: "about:blank", title: "Unauthorized", status: 401, code: "unauthorized", detail: "no" }
      response.writeHead(401, { "content-type": "application/problem+json" }).end(JSON.stringify(problem))
    })
    await once(server.listen(0, "127.0.0.1"), "listening")
    const address = server.address()
    const port = typeof address === "object" ? address?.port : undefined
    await write(".env", `MITHRANDIR_URL=http://127.0.0.1:${port}\nMITHRANDIR_TOKEN=${secret}\n`)
    const ended = await run(["reconcile"], { cwd: directory, env: { MITHRANDIR_DEBUG: "1" } })
    server.close()
    expect(ended).toMatchObject({ code: 4, stdout: "" })
    expect(new Set(shown)).toEqual(new Set([`Bearer ${secret}`]))
    expect(ended.stderr).not.toContain(secret)
  })
})
