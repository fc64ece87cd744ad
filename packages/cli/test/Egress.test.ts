/** Whom the program never asks, as its users would find out: by a config that is refused, or a name that leads there. */
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { run as runHere } from "./support/inside.ts"
import { json } from "./support/listen.ts"
import * as Palantir from "./support/palantir.ts"
import { run, start, stopAll } from "./support/process.ts"

let directory: string
let palantir: Palantir.FakePalantir
/** Environment of a process in which names lead where `lead` says. */
let env: Readonly<Record<string, string>>

/** What the names of the test lead to. */
const lead = {
  "here.test": ["127.0.0.1"],
  "there.test": ["169.254.169.254"],
  "mixed.test": ["127.0.0.1", "fd00:ec2::254"]
}

/** Puts a resolver of ours before the system's, for a process that is about to begin. */
const preload = `
import dns from "node:dns"
import { syncBuiltinESMExports } from "node:module"
const names = JSON.parse(process.env.TEST_NAMES)
const { lookup } = dns
dns.lookup = (host, options, callback) => {
  const answers = names[host]
  if (answers === undefined) return lookup(host, options, callback)
  const addresses = answers.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }))
  setImmediate(() => options.all ? callback(null, addresses) : callback(null, addresses[0].address, addresses[0].family))
}
syncBuiltinESMExports()
`

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "mithrandir-egress-"))
  palantir = await Palantir.start()
  const file = join(directory, "names.mjs")
  await writeFile(file, preload)
  env = { NODE_OPTIONS: `--import=${pathToFileURL(file)}`, TEST_NAMES: JSON.stringify(lead) }
})

afterAll(async () => {
  await stopAll()
  await palantir.close()
  await rm(directory, { recursive: true, force: true })
})

const configured = async (name: string, ...services: ReadonlyArray<object>) => {
  const file = join(directory, `${name}.json`)
  await writeFile(file, JSON.stringify({ port: 0, database: `${name}.db`, services }))
  return file
}

const at = (host: string, given: object = {}) => ({
  id: host.replace(/\W/g, "-"),
  type: "palantir",
  url: `http://${host}:${new URL(palantir.url).port}`,
  pollInterval: "200 millis",
  ...given
})

const http =
  "expected an http:// or https:// url of another host: link-local addresses and metadata services are never asked"

describe("a config that names what is never asked", () => {
  const hosts = [
    "169.254.169.254",
    "0xA9FEA9FE",
    "2852039166",
    "0251.0376.0251.0376",
    "169.254.43518",
    "169.254.169.254.",
    "\uff11\uff16\uff19.254.169.254",
    "[::ffff:169.254.169.254]",
    "[0:0:0:0:0:FFFF:A9FE:A9FE]",
    "[64:ff9b::a9fe:a9fe]",
    "[fe80::1]",
    "[fd00:ec2::254]",
    "100.100.100.200",
    "168.63.129.16",
    "Metadata.Google.Internal."
  ]

  it.each(hosts)("is refused wherever it stands, each place by its path: %s", async (host) => {
    const good = { id: "good", type: "palantir", url: "http://127.0.0.1:4420" }
    const mail = { id: "mail", type: "bullmq", url: `redis://:s3cret@${host}:6379`, queues: ["mail"] }
    const file = await configured(
      "literals",
      { ...good, id: "url", url: `https://${host}/base` },
      { ...good, healthEndpoint: `http://${host}:80/health` },
      mail
    )
    const ended = await runHere(["config", "check", "--config", file])
    expect(ended).toMatchObject({ code: 2, stdout: "" })
    expect(ended.stderr.trimEnd().split("\n")).toEqual([
      `mithrandir: ${file}: services[0].url: ${http}`,
      `mithrandir: ${file}: services[1].healthEndpoint: ${http}`,
      `mithrandir: ${file}: services[2].url: ${http.replace("an http:// or https://", "a redis:// or rediss://")}`
    ])
  })

  it("keeps a server from starting, exit 2", async () => {
    const file = await configured("literal", at("here.test"), at("there.test", { healthEndpoint: "http://0xA9FEA9FE" }))
    const ended = await run(["serve", "--config", file], { cwd: directory })
    expect(ended).toMatchObject({ code: 2, stdout: "" })
    expect(ended.stderr).toBe(`mithrandir: ${file}: services[1].healthEndpoint: ${http}\n`)
  })

  it("is refused as the url of a server as well", async () => {
    expect(await runHere(["services", "--url", "http://169.254.169.254"])).toMatchObject({ code: 2, stdout: "" })
  })

  it("is not one that names this machine, a private network or a name", async () => {
    const hosts = [
      "127.0.0.1",
      "[::1]",
      "localhost",
      "0.0.0.0",
      "10.0.0.1",
      "192.168.1.1",
      "[fd12::1]",
      "palantir.internal"
    ]
    const services = hosts.map((host, index) => ({ id: `s${index}`, type: "palantir", url: `http://${host}:4420` }))
    expect(await runHere(["config", "check", "--services", JSON.stringify(services)])).toMatchObject({ code: 0 })
  })
})

describe("a name that leads to what is never asked", () => {
  it("is asked by no pass, whatever else it leads to; another is", async () => {
    const file = await configured("names", at("here.test"), at("there.test"), at("mixed.test"))
    const ended = await run(["reconcile", "--config", file, "-o", "ndjson"], { cwd: directory, env })
    expect(ended).toMatchObject({ code: 5 })
    const updates = ended.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line))
    expect(updates.map(({ service, status }) => [service, status])).toEqual([
      ["here-test", "verified"],
      ["there-test", "stale"],
      ["mixed-test", "stale"]
    ])
  })

  it("is unhealthy, and a bad gateway, with the reason", async () => {
    const file = await configured(
      "served",
      at("here.test", { healthEndpoint: "http://there.test/latest/meta-data" }),
      at("mixed.test")
    )
    const server = start(["serve", "--config", file], { cwd: directory, env })
    const [, url = ""] = await server.line(/listens on (http\S+)/)
    const why = "its host leads to a link-local address or a metadata service, which are never asked"
    await expect
      .poll(async () => {
        const { data } = await json(await fetch(`${url}/services/registered`))
        return data.map(({ health }: { health: object }) => health)
      })
      .toEqual([
        expect.objectContaining({ status: "unhealthy", message: why }),
        expect.objectContaining({ status: "unhealthy", message: why })
      ])
    const stuck = await fetch(`${url}/api/jobs/stuck?service=mixed-test`)
    expect([stuck.status, (await json(stuck)).detail]).toEqual([502, why])
    expect((await fetch(`${url}/api/jobs/stuck?service=here-test`)).status).toBe(200)
    expect(await server.stop()).toMatchObject({ code: 0 })
  })

  it("is no server either", async () => {
    const asked = await run(["services", "--url", "http://there.test:4410", "--token", "t"], { cwd: directory, env })
    expect(asked).toMatchObject({ code: 5, stdout: "" })
  })

  it("is no Redis either", async () => {
    const mail = { id: "mail", type: "bullmq", url: "redis://there.test:6379", queues: ["mail"] }
    const file = await configured("redis", mail)
    const ended = await run(["reconcile", "--config", file], { cwd: directory, env })
    expect(ended).toMatchObject({ code: 5 })
    expect(ended.stdout + ended.stderr).toContain("a link-local address or a metadata service")
  })
})
