/** What only looks: the same alone and through a server, in every form. */
import { spawn, spawnSync } from "node:child_process"
import { lstat, readdir, readFile, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type House, make, urlOf } from "./support/house.ts"
import { run as runInside } from "./support/inside.ts"
import type { Json } from "./support/listen.ts"
import { bin, stopAll } from "./support/process.ts"

let house: House
let url: string

/** Three commands on the record, and a discrepancy that was accepted. Then a server that has all of it. */
beforeAll(async () => {
  house = await make()
  await house.here("reconcile")
  await house.here("run", "retry-job", "job-0", "-s", "palantir", "--command-id", "first", "--reason", "INC-7")
  await house.here("run", "retry-job", "job-7", "-s", "palantir", "--command-id", "second")
  await house.here("run", "delete-job", "job-5", "-s", "palantir", "--command-id", "third")
  house.palantir.jobs.delete("job-9")
  expect((await house.here("reconcile", "--exit-code")).code).toBe(3)
  expect((await house.here("reconcile", "--accept")).code).toBe(0)
})
afterAll(async () => {
  await stopAll()
  await house.leave()
})

const lines = (text: string) => text.trimEnd().split("\n")

/** A list of two services, whose entries need quotes in CSV. */
const two = async () => {
  const config = join(house.directory, "two.json")
  const service = {
    type: "palantir",
    url: house.palantir.url,
    settle: "20 millis",
    metadata: { team: 'the "jobs", all' }
  }
  await writeFile(
    config,
    JSON.stringify({
      services: [
        { ...service, id: "one" },
        { ...service, id: "two" }
      ]
    })
  )
  return (...args: ReadonlyArray<string>) =>
    runInside([...args, "--config", config, "--database", join(house.directory, "two.db")])
}

/** What differs between two looks at the same. */
const stable = ({ eventId: _, observedAt: __, latencyMs: ___, health, ...row }: Json): Json => ({
  ...row,
  ...(health === undefined ? {} : { health: health.status })
})

/** RFC 4180: the heads, and the rows under them. */
const ofCsv = (
  text: string
): { readonly heads: ReadonlyArray<string>; readonly rows: ReadonlyArray<ReadonlyArray<string>> } => {
  const [heads = [], ...rows] = Array.from(
    text.matchAll(/((?:(?:"(?:[^"]|"")*"|[^",\r\n]*),?)*)\r\n/g),
    ([, line = ""]) =>
      Array.from(line.matchAll(/(?:"((?:[^"]|"")*)"|([^",]*))(?:,|$)/g), ([, quoted, plain = ""]) =>
        quoted === undefined ? plain : quoted.replaceAll('""', '"')
      ).slice(0, -1)
  )
  return { heads, rows }
}

/** The cells of a table, by the heads that they stand under. */
const ofTable = (text: string): ReadonlyArray<Readonly<Record<string, string>>> => {
  const [head = "", ...rows] = lines(text)
  const heads = Array.from(head.matchAll(/\S+/g), ({ 0: name, index }) => ({ name, index }))
  return rows.map((row) =>
    Object.fromEntries(heads.map(({ index, name }, at) => [name, row.slice(index, heads[at + 1]?.index).trim()]))
  )
}

const second = (timestamp: string) => `${timestamp.slice(0, 19)}Z`

describe("a list says the same in every form", () => {
  it.each<{
    readonly args: ReadonlyArray<string>
    readonly ids: (row: Json) => unknown
    readonly found: ReadonlyArray<unknown>
    readonly fields: string
    readonly cells: (row: Json) => Readonly<Record<string, unknown>>
    readonly remark: string
  }>([
    {
      args: ["audit", "list", "--sort-order", "asc"],
      ids: ({ id }) => id,
      found: ["first", "second", "third"],
      fields: "id,timestamp,actor,actionType,target,outcome,beforeState,afterState,commandParams,logs",
      cells: ({ actionType, actor, id, outcome, target, timestamp }) => ({
        TIME: second(timestamp),
        ACTOR: actor,
        ACTION: actionType,
        TARGET: target,
        OUTCOME: outcome,
        ID: id
      }),
      remark: "page 1 of 1; 3 entries in all\n"
    },
    {
      args: ["discrepancies", "--sort-order", "asc"],
      ids: ({ status }) => status,
      found: ["discrepancy", "verified"],
      fields: "id,timestamp,service,status,counts,checksum,latencyMs,discrepancyDetails",
      cells: ({ discrepancyDetails: { accepted, since }, service, status, timestamp }) => ({
        TIME: second(timestamp),
        SERVICE: service,
        STATUS: status,
        SINCE: status === "discrepancy" ? second(since) : "",
        WHAT: `${accepted === undefined ? "" : `accepted by ${accepted.actor}; `}missing: job-9`
      }),
      remark: "page 1 of 1; 2 entries in all\n"
    },
    {
      args: ["services"],
      ids: ({ health, id }) => [id, health.status],
      found: [
        ["one", "healthy"],
        ["two", "healthy"]
      ],
      fields: "id,name,type,healthEndpoint,registeredAt,metadata,health,retired",
      cells: ({ health, healthEndpoint, id, type }) => ({
        ID: id,
        TYPE: type,
        HEALTH: health.status,
        TOOK: expect.stringMatching(/^\d+ ms$/),
        ENDPOINT: healthEndpoint,
        REMARKS: ""
      }),
      remark: ""
    },
    {
      args: ["reconcile"],
      ids: ({ service, status }) => [service, status],
      found: [
        ["one", "verified"],
        ["two", "verified"]
      ],
      fields:
        "eventId,service,status,counts,checksum,latencyMs,observedAt,basis,rebaselined,ledgerAgeMs,message,discrepancyDetails",
      cells: ({ counts, service, status }) => ({
        SERVICE: service,
        STATUS: status,
        COUNTS: Object.entries(counts)
          .map(([state, count]) => `${count} ${state}`)
          .join(", "),
        SINCE: "",
        REMARKS: ""
      }),
      remark: ""
    }
  ])("$args", async ({ args, cells, fields, found, ids, remark }) => {
    const run = args[0] === "services" || args[0] === "reconcile" ? await two() : house.here
    // What is taken as found says so once.
    if (args[0] === "reconcile") await run("reconcile")
    const [json, ndjson, csv, table] = [
      await run(...args, "-o", "json"),
      await run(...args, "-o", "ndjson"),
      await run(...args, "-o", "csv"),
      await run(...args, "-o", "table")
    ]
    for (const ended of [ndjson, csv, table]) expect(ended).toMatchObject({ code: 0, stderr: remark })
    expect(json).toMatchObject({ code: 0, stderr: "" })
    const { data, meta } = JSON.parse(json.stdout)
    expect(data.map(ids)).toEqual(found)
    expect(meta?.total).toBe(remark === "" ? undefined : data.length)

    const rows = data.map(stable)
    expect(lines(ndjson.stdout).map((line) => stable(JSON.parse(line)))).toEqual(rows)

    const sheet = ofCsv(csv.stdout)
    expect(sheet.heads.join(",")).toBe(fields)
    const read = (row: Json, head: string, cell = "") => {
      // What is absent or null is empty; text is itself, and all else is JSON.
      if (cell === "") return row[head] ?? undefined
      return typeof row[head] === "string" ? cell : JSON.parse(cell)
    }
    expect(
      sheet.rows.map((row, at) =>
        stable(Object.fromEntries(sheet.heads.map((head, column) => [head, read(data[at], head, row[column])])))
      )
    ).toEqual(rows.map((row: Json) => Object.fromEntries(Object.entries(row).map(([k, v]) => [k, v ?? undefined]))))

    expect(ofTable(table.stdout)).toEqual(data.map(cells))
  })
})

describe("alone with the database", () => {
  it("audit show tells everything of one command, with its reason", async () => {
    const shown = await house.here("audit", "show", "first")
    expect(shown).toMatchObject({ code: 0, stderr: "" })
    expect(shown.stdout).toMatch(/^command +first$/m)
    expect(shown.stdout).toMatch(/^outcome +success$/m)
    expect(shown.stdout).toMatch(/^reason +INC-7$/m)
    expect(shown.stdout).toMatch(/^before +\{.*"state":"failed"/m)
    expect(shown.stdout).toMatch(/^after +\{.*"state":"waiting"/m)
    expect(shown.stdout).toMatch(/^logs +retry-job of "job-0" on palantir accepted from cli:/m)
    expect(JSON.parse((await house.here("audit", "show", "third", "-o", "json")).stdout)).toMatchObject({ id: "third" })
    expect((await house.here("audit", "show", "third")).stdout).not.toMatch(/^reason/m)
  })

  it("audit show of what is not on the record is a line, and exit code 1", async () => {
    expect(await house.here("audit", "show", "nope")).toEqual({
      code: 1,
      stdout: "",
      stderr:
        'mithrandir: nothing is on the record under "nope"; ' +
        "a command is there once it has ended, and mithrandir audit list shows what is\n"
    })
  })

  it("discrepancies are filtered", async () => {
    const one = await house.here("discrepancies", "-s", "palantir", "--status", "discrepancy", "-o", "json")
    expect(JSON.parse(one.stdout)).toMatchObject({
      data: [{ status: "discrepancy", discrepancyDetails: { missingJobIds: ["job-9"] } }],
      meta: { total: 1 }
    })
    const none = await house.here("discrepancies", "--end-date", "2020-01-01")
    expect(none).toEqual({ code: 0, stdout: "", stderr: "no entries\n" })
  })

  it("services probes them now, once, with a database and without", async () => {
    expect(JSON.parse((await house.here("services", "-o", "json")).stdout)).toMatchObject({
      data: [{ id: "palantir", health: { status: "healthy" } }]
    })
    const elsewhere = join(house.directory, "none.db")
    const config = join(house.directory, "mithrandir.json")
    const alone = await runInside(["services", "--config", config, "--database", elsewhere, "-o", "json"])
    expect(JSON.parse(alone.stdout)).toMatchObject({
      data: [{ id: "palantir", registeredAt: null, health: { status: "healthy" } }]
    })
    expect(await readdir(house.directory)).not.toContain("none.db")
  })

  it("services tells why one is not healthy", async () => {
    const config = join(house.directory, "down.json")
    await writeFile(config, JSON.stringify({ services: [{ id: "down", type: "palantir", url: "http://127.0.0.1:1" }] }))
    const services = await runInside(["services", "--config", config, "--database", join(house.directory, "none.db")])
    expect(services.code).toBe(0)
    expect(services.stdout).toMatch(/^down +palantir +unhealthy .* no connection could be made$/m)
  })

  it("without services anywhere says what to do", async () => {
    const config = join(house.directory, "empty.json")
    await writeFile(config, "{}")
    const args = ["--config", config, "--database", join(house.directory, "none.db")]
    const services = await runInside(["services", ...args])
    expect(services).toMatchObject({ code: 2, stdout: "" })
    expect(services.stderr).toContain("has none; add one")
    const watched = await runInside(["watch", ...args])
    expect(watched).toMatchObject({ code: 5, stdout: "" })
    expect(watched.stderr).toMatch(/^mithrandir: no server has .*none\.db: start one with mithrandir serve, or/)
  })
})

describe("audit list", () => {
  it("goes on after a page by its cursor", async () => {
    const list = (...args: ReadonlyArray<string>) => house.here("audit", "list", "--limit", "2", ...args)
    const { data, meta } = JSON.parse((await list("-o", "json")).stdout)
    const next = JSON.parse((await list("--cursor", meta.nextCursor, "-o", "json")).stdout)
    expect([...data, ...next.data].map(({ id }) => id)).toEqual(["third", "second", "first"])
    expect(next.meta).toMatchObject({ page: 2, nextCursor: null })
    const wrong = await list("--cursor", meta.nextCursor, "--sort-by", "actor")
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringMatching(/begin with the first page/) })
  })
})

describe("audit export", () => {
  it("has all of it, the oldest first, in three forms", async () => {
    const list = JSON.parse((await house.here("audit", "list", "--sort-order", "asc", "-o", "json")).stdout).data
    const ndjson = await house.here("audit", "export")
    expect(lines(ndjson.stdout).map((line) => JSON.parse(line))).toEqual(list)
    expect(JSON.parse((await house.here("audit", "export", "-o", "json")).stdout)).toEqual({ data: list })
    const csv = await house.here("audit", "export", "-o", "csv")
    expect(csv.stdout).toBe((await house.here("audit", "list", "--sort-order", "asc", "-o", "csv")).stdout)
  })

  it("of nothing is nothing, in a form that can be read", async () => {
    const none = (format: string) => house.here("audit", "export", "--actor", "nobody", "-o", format)
    expect((await none("ndjson")).stdout).toBe("")
    expect(JSON.parse((await none("json")).stdout)).toEqual({ data: [] })
    expect((await none("csv")).stdout).toMatch(/^id,timestamp,[^\n]*,logs\r\n$/)
  })

  it("to a file leaves it there whole, in place of what was there, and nothing else", async () => {
    const file = join(house.directory, "audit.csv")
    await writeFile(file, "what was there before")
    const ended = await house.here("audit", "export", "-o", "csv", "--file", file)
    expect(ended).toEqual({ code: 0, stdout: "", stderr: `written: ${file}\n` })
    expect(await readFile(file, "utf8")).toBe((await house.here("audit", "export", "-o", "csv")).stdout)
    expect((await readdir(house.directory)).filter((name) => name.includes(".part"))).toEqual([])
  })

  it("to a file that cannot be written is a line that says why", async () => {
    const to = async (file: string) => (await house.here("audit", "export", "--file", file)).stderr
    expect(await to(join(house.directory, "none", "x"))).toMatch(/none\/x: its directory does not exist; create it/)
    expect(await to(house.directory)).toContain("it is a directory; name a file")
    expect(await to(`${join(house.directory, "none")}/`)).toContain("it is a directory; name a file")
    expect(await to(join(house.directory, "x".repeat(256)))).toContain("its name is too long")
    expect(await to(join(house.directory, "mithrandir.json", "x"))).toContain("what should be its directory is a file")
  })

  it.skipIf(process.platform === "win32")("leaves links, pipes and devices what they are", async () => {
    const [link, pipe] = ["link.ndjson", "pipe"].map((name) => join(house.directory, name)) as [string, string]
    const whole = (await house.here("audit", "export")).stdout
    const long = join(house.directory, "x".repeat(255))
    await symlink(long, link)
    for (const _ of ["a link that leads nowhere yet", "a link to a file"]) {
      expect(await house.here("audit", "export", "--file", link)).toMatchObject({ code: 0 })
      expect((await lstat(link)).isSymbolicLink()).toBe(true)
      expect(await readFile(long, "utf8")).toBe(whole)
    }
    spawnSync("mkfifo", [pipe])
    const exporting = house.here("audit", "export", "--file", pipe)
    // Nobody reads it yet; of a program that waits for a reader there is nothing to be seen but that time goes by.
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(await readFile(pipe, "utf8")).toBe(whole)
    expect(await exporting).toMatchObject({ code: 0 })
    expect((await lstat(pipe)).isFIFO()).toBe(true)
    expect(await house.here("audit", "export", "--file", "/dev/null")).toMatchObject({ code: 0 })
    expect((await lstat("/dev/null")).isCharacterDevice()).toBe(true)
  })

  it("that fails leaves the file as it was, and no half one", async () => {
    const file = join(house.directory, "kept.ndjson")
    await writeFile(file, "kept")
    const ended = await house.here("audit", "export", "--file", file, "--url", "http://127.0.0.1:1")
    expect(ended).toMatchObject({ code: 5, stdout: "" })
    expect(await readFile(file, "utf8")).toBe("kept")
    expect((await readdir(house.directory)).filter((name) => name.includes(".part"))).toEqual([])
  })

  it.skipIf(spawnSync("script", ["-qfec", "true", "/dev/null"]).status !== 0)(
    "shows how far it is to whoever sits at a terminal",
    () => {
      const typed = (line: string) => {
        const command = `stty cols 120 && exec ${process.execPath} ${bin} ${line}`
        const env = { PATH: process.env["PATH"], TERM: "xterm", SHELL: "/bin/sh" }
        return spawnSync("script", ["-qfec", command, "/dev/null"], { cwd: house.directory, env, encoding: "utf8" })
          .stdout
      }
      expect(typed("audit export > out.ndjson")).toMatch(/exporting █+ 100 % \((\d+) of \1\)/)
      // What is printed is not drawn over.
      expect(typed("audit export")).not.toContain("exporting")
    }
  )

  it("is no failure where nobody reads on", async () => {
    const child = spawn(
      "sh",
      ["-c", `{ "$0" "$1" audit export -o json; echo "$?" >&2; } | true`, process.execPath, bin],
      {
        cwd: house.directory
      }
    )
    let stderr = ""
    child.stderr.on("data", (text) => {
      stderr += text
    })
    await new Promise((resolve) => child.once("close", resolve))
    expect(stderr).toBe("0\n")
  })
})

describe("audit export of more than fits a page", () => {
  it("has every entry once, in order, alone and and through a server page after page", async () => {
    const large = await make()
    await large.here("reconcile")
    const count = 1_050
    fill(large.database, count)
    const alone = await large.here("audit", "export", "-o", "csv")
    const url = await urlOf(large.start("serve"))
    const remote = await runInside(["audit", "export", "-o", "csv", "--url", url])
    expect(remote).toEqual(alone)
    const ids = alone.stdout.split("\r\n").map((row) => row.split(",")[0])
    expect(ids).toEqual(["id", ...Array.from({ length: count }, (_, index) => `c-${index}`), ""])
    await stopAll()
    await large.leave()
  })
})

/** Appends entries, one a second, as if commands had run. */
const fill = (database: string, count: number) => {
  const sql = new Sqlite(database)
  const entry = sql.prepare(
    "INSERT INTO command_audit VALUES (?, datetime('2026-01-01', ? || ' seconds'), 'a', 'retry-job', 'x', 'success', ?, ?, ?, ?)"
  )
  const position = sql.prepare("INSERT INTO audit_position (id) VALUES (?)")
  sql.transaction(() => {
    for (let n = 0; n < count; n++) {
      entry.run(`c-${n}`, n, '{"a":1}', null, "{}", '["x"]')
      position.run(`c-${n}`)
    }
  })()
  sql.close()
}

describe("through a server", () => {
  const both = async (...args: ReadonlyArray<string>) => {
    const alone = await house.here(...args)
    const remote = await runInside([...args, "--url", url])
    return { alone, remote }
  }

  beforeAll(async () => {
    url = await urlOf(house.start("serve"))
  })

  it.each([
    [["audit", "list", "-o", "json"]],
    [["audit", "list", "-o", "csv", "--target", "job-5"]],
    [["audit", "list"]],
    [["audit", "show", "first"]],
    [["audit", "show", "first", "-o", "json"]],
    [["audit", "show", "nope"]],
    [["audit", "export"]],
    [["audit", "export", "-o", "csv", "--outcome", "success"]],
    [["discrepancies", "--status", "discrepancy", "-o", "ndjson"]],
    [["discrepancies", "--end-date", "2020-01-01"]]
  ])("%j prints what it prints beside it", async (args) => {
    const { alone, remote } = await both(...args)
    expect(remote).toEqual(alone)
    expect(remote.stdout + remote.stderr).not.toBe("")
  })

  it("services are those that it found healthy", async () => {
    const { alone, remote } = await both("services", "-o", "json")
    // Beside a server the same server is asked.
    const [service] = JSON.parse(remote.stdout).data
    expect(service).toMatchObject({ id: "palantir", registeredAt: expect.stringMatching(/Z$/) })
    expect(JSON.parse(alone.stdout).data[0]).toMatchObject({ id: "palantir", registeredAt: service.registeredAt })
  })

  it("watch tells what changes, and ends with 130", async () => {
    const watching = house.start("watch")
    await watching.line(/Z palantir: verified/)
    await house.here("run", "delete-job", "job-2", "-s", "palantir", "--command-id", "seen")
    await watching.line(/Z palantir: command seen: success, verified$/)
    const ended = await watching.stop("SIGINT")
    expect(ended).toMatchObject({ code: 130, stderr: "" })
  })

  it("watch -o ndjson has each event as JSON, filtered, and goes on after an id", async () => {
    const filter = ["--service", "palantir", "--event", "command.status", "-o", "ndjson", "--url", url]
    const watching = house.start("watch", "--last-event-id", "0", ...filter)
    await watching.line(/"commandId":"seen".*"phase":"success"/)
    const all = lines((await watching.stop("SIGINT")).stdout).map((line) => JSON.parse(line))
    expect(new Set(all.map(({ event }) => event))).toEqual(new Set(["command.status"]))
    const phases = all.filter(({ data }) => data.commandId === "seen").map(({ data }) => data.phase)
    expect(phases).toEqual(["queued", "running", "success"])
    const queued = all.find(({ data }) => data.commandId === "seen" && data.phase === "queued")
    const later = house.start("watch", "--last-event-id", queued.id, ...filter)
    await later.line(/"phase":"success"/)
    expect(
      lines((await later.stop("SIGINT")).stdout)
        .map((line) => JSON.parse(line).data.phase)
        .slice(0, 2)
    ).toEqual(["running", "success"])
  })

  it("watch refuses what the server does not know", async () => {
    const ended = await runInside(["watch", "--service", "nope", "--url", url])
    expect(ended).toMatchObject({ code: 2, stdout: "" })
    expect(ended.stderr).toContain('no service "nope"')
  })
})
