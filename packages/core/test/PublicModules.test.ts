import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import * as Core from "../src/index.ts"
import * as BullMq from "../src/sources/BullMq.ts"

const source = (path: string) => readFileSync(fileURLToPath(new URL(`../src/${path}`, import.meta.url)), "utf8")

/** Every namespace of the package, with the file it is, and the values in it. A change here is a change for users. */
const published: Record<string, ReadonlyArray<string>> = {
  Action: ["Secret", "make", "noParams", "sensitive", "unsupported"],
  AuditEntry: ["AuditEntry", "AuditEntryNotFound"],
  AuditLog: ["AuditLog", "AuditQuery", "AuditSort", "layer"],
  BullMq: ["layer"],
  Command: [
    "ActionNotFound",
    "ActionNotSupported",
    "ActionType",
    "CommandId",
    "CommandIdTaken",
    "CommandInvalid",
    "CommandNotFound",
    "CommandRequest",
    "CommandState",
    "Outcome",
    "Params",
    "Phase",
    "Preview",
    "Target",
    "canFollow",
    "fingerprint",
    "invalid",
    "isEnd",
    "phaseOf",
    "predecessors",
    "state"
  ],
  CommandCatalog: ["ActionInvalid", "CommandCatalog", "layer", "standard"],
  CommandDispatcher: ["CommandDispatcher", "layerInProcess"],
  Commands: ["Commands", "layer"],
  Database: [
    "Database",
    "DatabaseLocked",
    "DatabaseUnusable",
    "DriverUnusable",
    "SqliteDriver",
    "describe",
    "layerSqlite"
  ],
  Digest: ["sha256Json"],
  DiscrepancyLog: ["Discrepancy", "DiscrepancyLog", "DiscrepancyQuery", "layer"],
  Event: [
    "Acceptance",
    "ChangedJob",
    "CommandStatus",
    "DiscrepancyDetails",
    "EndedDispute",
    "EventName",
    "PassStatus",
    "ReconciliationUpdate",
    "id",
    "matches",
    "maxListedIds",
    "ofStatus",
    "ofUpdate",
    "parseId",
    "statusOf"
  ],
  EventLog: ["EventLog", "ResetReason", "layer", "maxReplay"],
  ExpectedState: ["ExpectedState", "ExpectedUnavailable", "layer", "layerLedger"],
  HealthMonitor: ["HealthMonitor", "layer"],
  Job: ["JobDetail", "JobId", "JobState", "QueueName", "isFinished", "isJob", "jobStates"],
  JobSource: [
    "ActionRejected",
    "JobSource",
    "Queue",
    "SourceInvalid",
    "SourceUnavailable",
    "TargetNotFound",
    "UnavailableReason",
    "Worker",
    "make",
    "maxAnswerBytes",
    "maxListedJobs"
  ],
  JobView: ["JobCounts", "KnownCounts", "checksum", "noJobs", "sameCounts", "tally"],
  Judgement: ["isVanished", "judge", "same", "subject"],
  Limiter: ["make"],
  MemorySource: ["layer", "layerMemory", "make"],
  Mithrandir: ["layer", "layerDaemon"],
  Page: ["PageLimit", "PageMeta", "PageNumber", "SortOrder", "defaultLimit", "maxLimit", "meta", "pageFields"],
  Palantir: ["layer", "maxPages"],
  PalantirApi: [
    "JobPage",
    "ListedJob",
    "PalantirApi",
    "PalantirJob",
    "PalantirQueue",
    "PalantirService",
    "Purged",
    "Restarting",
    "maxPageSize",
    "reservedIds",
    "segment"
  ],
  Reconciler: ["Reconciler", "layer"],
  SecurityEvent: ["SecurityEvent", "SecurityEventKind"],
  SecurityLog: ["SecurityLog", "SecurityQuery", "flushInterval", "layer", "now"],
  Service: ["Health", "HealthStatus", "Metadata", "Service", "ServiceId", "ServiceNotFound", "unknownHealth"],
  ServiceRegistry: ["ServiceInvalid", "ServiceRegistry", "layer", "minPollInterval"],
  Store: ["Store", "StoreUnavailable", "StoreUnreadable", "layer"],
  Timestamp: ["Bound", "FromSql", "Timestamp", "endBound", "fromSql", "startBound", "toSql"],
  Token: ["Role", "Token", "TokenActor", "TokenId", "TokenNotFound", "covers", "flaw", "isSame", "mint", "read"],
  Tokens: ["Tokens", "layer"],
  WriterLock: ["Announcement", "announce", "readAnnouncement", "sqliteCode", "tryAcquire", "withdraw"]
}

/** The namespaces that `index.ts` exports, and their files. */
const files = new Map(
  Array.from(source("index.ts").matchAll(/^export \* as (\w+) from "\.\/(.+)"$/gm), ([, name = "", path = ""]) => [
    name,
    path
  ])
)

/** Lines that begin an export, or a member of an exported interface or service, and have no docstring right before. */
const undocumented = (text: string): ReadonlyArray<string> => {
  const lines = text.split("\n")
  const isDocumented = (index: number) => lines[index - 1]?.trim().endsWith("*/") === true
  const missing: Array<string> = []
  let isPublic = false
  for (const [index, line] of lines.entries()) {
    const declared = /^export (?:declare )?(?:const|class|interface|type|function|enum) (\w+)/.exec(line)
    if (declared !== null) {
      // A type that only repeats the name of the Schema before it needs no docstring of its own.
      const isPaired = line.startsWith("export type ") && new RegExp(`^export const ${declared[1]}\\b`, "m").test(text)
      if (!isPaired && !isDocumented(index)) missing.push(line)
      isPublic = /^export interface /.test(line) || /Context\.Tag\(/.test(line)
    } else if (/^[^\s/})\]]/.test(line)) isPublic = false
    if (isPublic && /^ {2,4}(?:readonly )?\w+\??:/.test(line) && !isDocumented(index)) missing.push(line)
  }
  return missing
}

describe("the package", () => {
  it("exports these namespaces, with these values, and no others", () => {
    const actual = Object.fromEntries(
      Object.entries({ ...Core, BullMq }).map(([name, module]) => [name, Object.keys(module).sort()])
    )
    assert.deepStrictEqual(actual, published)
  })

  it("would be told of what has no docstring", () => {
    const text = [
      "/** A thing. */",
      "export const A = Schema.String",
      "export type A = typeof A.Type",
      "export interface B {",
      "  readonly c: string",
      "  /** Documented. */",
      "  readonly d: string",
      "}",
      "/** A service. */",
      'export class E extends Context.Tag("E")<E, {',
      "    readonly f: string",
      "}>() {}"
    ]
    assert.deepStrictEqual(
      undocumented(text.join("\n")),
      [3, 4, 10].map((line) => text[line] ?? "")
    )
  })

  for (const [name, path] of [...files, ["BullMq", "sources/BullMq.ts"] as const]) {
    it(`documents everything that ${name} exports`, () => {
      assert.deepStrictEqual(undocumented(source(path)), [])
    })
  }
})
