/** Variables, and the file of them: real files, in a directory of their own. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { mkdir } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import * as Environment from "../../src/config/Environment.ts"

const home = process.cwd()
let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "mithrandir-environment-"))
  process.chdir(directory)
})
afterEach(() => {
  process.chdir(home)
  rmSync(directory, { recursive: true })
})

const read = () => Effect.runPromise(Effect.provide(Environment.read, NodeContext.layer))

const write = (text: string | Uint8Array) => writeFileSync(".env", text)

const of = (environment: Environment.Variables, file: Environment.Variables = {}): Environment.Environment => ({
  environment,
  ".env": file,
  mistakes: []
})

describe(".env", () => {
  it("may be absent, and then says nothing", async () => {
    expect(await read()).toMatchObject({ ".env": {}, mistakes: [] })
  })

  it("is read as Node reads such files: comments, quotes, several lines, export", async () => {
    write(`\uFEFF# a comment\nA=1\nexport B="two words" # more\nC='{"a": "b"}'\nD="x\ny"\nE=\nF= a b \n`)
    expect((await read())[".env"]).toEqual({
      A: "1",
      B: "two words",
      C: '{"a": "b"}',
      D: "x\ny",
      E: "",
      F: "a b"
    })
  })

  it("may have the line ends of Windows", async () => {
    write("A=1\r\nB=2\r\n")
    expect((await read())[".env"]).toEqual({ A: "1", B: "2" })
  })

  it("stays with us: the process, and what it starts, do not get it", async () => {
    write("MITHRANDIR_TEST_ENVIRONMENT=1")
    const before = { ...process.env }
    await read()
    expect(process.env).toEqual(before)
  })

  it("may be a link", async () => {
    writeFileSync("real", "A=1")
    symlinkSync("real", ".env")
    expect((await read())[".env"]).toEqual({ A: "1" })
  })

  it.each<readonly [string, () => unknown, Partial<Environment.Environment["mistakes"][number]>]>([
    ["a directory", () => mkdir(".env"), { path: "", problem: "expected a file" }],
    ["a device", () => symlinkSync("/dev/zero", ".env"), { path: "", problem: "expected a file" }],
    ["a link to itself", () => symlinkSync(".env", ".env"), { path: "", problem: "it could not be read" }],
    ["too big", () => write("#".repeat(1024 * 1024 + 1)), { problem: "expected a file of at most 1 MiB" }],
    ["in another encoding", () => write(Buffer.from("A=\u00e4", "latin1")), { problem: "expected text in UTF-8" }],
    ["of two bytes a letter", () => write(Buffer.from("A=1", "utf16le")), { problem: "expected text in UTF-8" }],
    ["with a line that is none", () => write("A=1\nB 2\nC=3\n"), { path: "line 2", problem: "expected NAME=value" }],
    ["with such a line at its end", () => write("A=1\nB"), { path: "line 2", problem: "expected NAME=value" }],
    ["with one a comment names", () => write("# B 2\n\nB 2\nC=3"), { path: "line 3", problem: "expected NAME=value" }],
    [
      "with one after a long value",
      () => write('A="x\ny z\n"\nB\n'),
      { path: "line 4", problem: "expected NAME=value" }
    ]
  ])("that is %s is a mistake, told without what is in it", async (_, make, mistake) => {
    await make()
    const { mistakes } = await read()
    expect(mistakes).toEqual([{ source: ".env", path: "", ...mistake }])
  })
})

describe("a variable", () => {
  it("of the process comes before the same of the file", () => {
    expect(Environment.lookup(of({ A: "1" }, { A: "2" }))("A")).toBe("1")
    expect(Environment.lookup(of({}, { A: "2" }))("A")).toBe("2")
    expect(Environment.lookup(of({}, {}))("A")).toBeUndefined()
  })

  it("that is empty counts as not given, wherever it is", () => {
    expect(Environment.lookup(of({ A: "" }, { A: "2" }))("A")).toBe("2")
    expect(Environment.lookup(of({ A: "" }, { A: "" }))("A")).toBeUndefined()
  })

  it("is not what every object has", () => {
    for (const name of ["toString", "__proto__", "constructor"]) {
      expect(Environment.lookup(of({}, {}))(name)).toBeUndefined()
    }
  })
})

describe("what the environment says of the config", () => {
  it("has every key under its own name: text as it is, a number as digits, lists as JSON", () => {
    const services = [{ id: "mail", type: "bullmq", url: "redis://h", queues: ["mail"] }]
    const variables = {
      MITHRANDIR_HOST: "::1",
      MITHRANDIR_PORT: "0",
      MITHRANDIR_DATABASE: "/tmp/a b.db",
      MITHRANDIR_SERVICES: JSON.stringify(services)
    }
    const values = { host: "::1", port: 0, database: "/tmp/a b.db", services }
    expect(Environment.said(of(variables), "environment")).toEqual({ values, mistakes: [] })
    expect(Environment.said(of({}, variables), ".env")).toEqual({ values, mistakes: [] })
    expect(Environment.said(of({}, variables), "environment")).toEqual({ values: {}, mistakes: [] })
  })

  it("is told by the variable and the path in it where it does not fit, everything at once", () => {
    const variables = {
      MITHRANDIR_PORT: "1e3",
      MITHRANDIR_DATABASE: "postgres://u:5318008@h/d",
      MITHRANDIR_SERVICES: '[{"id": "a", "type": "bullmq", "url": "redis://:5318008@h"}]'
    }
    expect(Environment.said(of({}, variables), ".env").mistakes).toEqual([
      { source: ".env", path: "MITHRANDIR_PORT", problem: "expected a port, 0 to 65535" },
      { source: ".env", path: "MITHRANDIR_DATABASE", problem: "expected the path of a SQLite file" },
      {
        source: ".env",
        path: "MITHRANDIR_SERVICES[0].queues",
        problem: "is missing; expected 1 to 1000 queue names, each once and without a colon"
      }
    ])
  })

  it.each(["0x10", "1e3", " 1", "+1", "1.0", "tcp://10.0.0.1:4410", "9".repeat(400)])("%j is no port", (port) => {
    expect(Environment.said(of({ MITHRANDIR_PORT: port }), "environment").mistakes).toHaveLength(1)
  })

  it("that is not JSON where it should be says where, and quotes nothing", () => {
    const { mistakes } = Environment.said(of({ MITHRANDIR_SERVICES: '[{"token": "5318008" x}]' }), "environment")
    expect(mistakes).toEqual([
      { source: "environment", path: "MITHRANDIR_SERVICES", problem: "expected JSON; line 1, column 22 does not fit" }
    ])
  })
})

describe("the server of a one-off run", () => {
  it("is a url, from the process before the file", () => {
    const environment = of({ MITHRANDIR_URL: "http://h" }, { MITHRANDIR_URL: "http://other" })
    expect(Environment.url(environment)).toEqual(Either.right(Option.some("http://h")))
    expect(Environment.url(of({}))).toEqual(Either.right(Option.none()))
  })

  it("that is no url is a mistake of its variable, and is not quoted", () => {
    const refused = Environment.url(of({}, { MITHRANDIR_URL: "http://u:5318008@h" }))
    expect(Either.isLeft(refused) && refused.left.message).toBe(
      ".env: MITHRANDIR_URL: expected an http:// or https:// url without user, password, query or fragment"
    )
  })

  it("has a token that a header can carry, and that is not shown", () => {
    const token = Either.getOrThrow(Environment.token(of({ MITHRANDIR_TOKEN: "5318008" })))
    expect(Option.map(token, Redacted.value)).toEqual(Option.some("5318008"))
    expect(JSON.stringify(token)).not.toContain("5318008")
    const refused = Environment.token(of({ MITHRANDIR_TOKEN: "5318008 " }))
    expect(Either.isLeft(refused) && refused.left.message).toBe(
      "environment: MITHRANDIR_TOKEN: expected visible ASCII characters alone, without spaces"
    )
  })
})

describe("a variable that nobody reads", () => {
  it.each([
    ["MITHRANDIR_DATABSE", "MITHRANDIR_DATABASE"],
    ["MITHRANDIR_DATABASES", "MITHRANDIR_DATABASE"],
    ["MITHRANDIR_PROT", "MITHRANDIR_PORT"],
    ["MITHRANDIR_SERVICE", "MITHRANDIR_SERVICES"],
    ["MITHRANDR_HOST", "MITHRANDIR_HOST"],
    ["MITHRANDIR_CONFG", "MITHRANDIR_CONFIG"],
    ["MITHRANDIR_TOKN", "MITHRANDIR_TOKEN"],
    ["mithrandir_port", "MITHRANDIR_PORT"],
    ["MITHRANDIR-PORT", "MITHRANDIR_PORT"]
  ])("%s is suspected to mean %s", (name, meant) => {
    expect(Environment.suspicions(of({ [name]: "5318008" }))).toEqual([
      `environment: ${name} is not known; did you mean ${meant}?`
    ])
    expect(Environment.suspicions(of({}, { [name]: "5318008" }))[0]).toMatch(/^\.env: /)
    expect(Environment.suspicions(of({ [name]: "" }))).toEqual([])
  })

  it.each([
    "MITHRANDIR_HOST",
    "MITHRANDIR_URL",
    "MITHRANDIR_DEBUG",
    "MITHRANDIR_TEST_LONG",
    "MITHRANDIR_HOME",
    "MITHRANDIR_VERSION",
    "MITHRANDIR_SERVICE_HOST",
    "MITHRANDIR_PORT_4410_TCP",
    "PORT",
    "HOST",
    "DATABASE"
  ])("%s is left alone", (name) => {
    expect(Environment.suspicions(of({ [name]: "1" }))).toEqual([])
  })

  it("is named as a terminal may show it, and not without end", () => {
    const many = Object.fromEntries(
      Array.from({ length: 99 }, (_, index) => [`MITHRANDIR_PORT\u001b${index % 10}`, "1"])
    )
    expect(Environment.suspicions(of(many, many)).join("")).not.toMatch(/\p{Cc}/u)
    const slips = [..."abcdefghijklmnopqrstuvwxyz"].map((letter) => [`MITHRANDIR_PORT${letter}`, "1"])
    expect(Environment.suspicions(of(Object.fromEntries(slips)))).toHaveLength(10)
  })
})
