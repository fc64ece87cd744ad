import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import * as SqliteNode from "../src/drivers/SqliteNode.ts"
import * as Core from "../src/index.ts"
import * as BullMq from "../src/sources/BullMq.ts"
import { exported, undocumented } from "./support/publicModules.ts"

const source = (path: string) => readFileSync(fileURLToPath(new URL(`../src/${path}`, import.meta.url)), "utf8")

/** Every namespace of the package, with the values and types in it. A change here is a change for users. */
const published: Record<string, ReadonlyArray<string>> = {
  Action: [
    "Secret",
    "make",
    "noParams",
    "sensitive",
    "unsupported",
    "type Action",
    "type Bound",
    "type Definition",
    "type Order",
    "type Proof",
    "type Touches"
  ],
  AuditCheckpoints: [
    "AuditCheckpointNotFound",
    "AuditCheckpoints",
    "AuditKeyUnusable",
    "beside",
    "isCutShort",
    "later",
    "layer",
    "notesIn",
    "type Options",
    "type Shape"
  ],
  AuditEntry: ["AuditEntry", "AuditEntryNotFound", "Row"],
  AuditLeaf: ["columns", "decode", "encode", "encodeCells", "type Row"],
  AuditLog: ["AuditLog", "layer"],
  AuditProof: ["check", "read", "text", "type AuditProof", "type Flaw", "type Proven"],
  AuditQuery: ["AuditCursorInvalid", "AuditPage", "AuditPageMeta", "AuditQuery", "AuditSort", "type AuditFilter"],
  AuditVerifier: [
    "AuditEntryNotSigned",
    "AuditNotAsSigned",
    "AuditVerifier",
    "Finding",
    "layer",
    "originOf",
    "type Progress",
    "type Verdict"
  ],
  BullMq: ["layer", "type Options"],
  Checkpoint: ["open", "peek", "read", "sign", "text", "type Checkpoint"],
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
    "invalid",
    "isEnd",
    "phaseOf",
    "predecessors",
    "reservedIds",
    "state",
    "type Command"
  ],
  CommandCatalog: ["ActionInvalid", "CommandCatalog", "layer", "standard", "type Resolved"],
  CommandDispatcher: ["CommandDispatcher", "layerInProcess"],
  Commands: ["Commands", "layer", "type Accepted", "type RequestError", "type SubmitError"],
  Database: [
    "Database",
    "DatabaseLocked",
    "DatabaseUnusable",
    "DriverUnusable",
    "SqliteDriver",
    "describe",
    "layerSqlite",
    "type DatabaseError",
    "type Mode"
  ],
  Digest: ["checksum", "fingerprint", "sha256Json"],
  DiscrepancyLog: ["Discrepancy", "DiscrepancyLog", "DiscrepancyQuery", "layer"],
  Egress: [
    "AddressRefused",
    "UrlRefused",
    "flaw",
    "hostFlaw",
    "isRefused",
    "lookup",
    "makeLookup",
    "userinfoFlaw",
    "type Resolve"
  ],
  Event: [
    "Acceptance",
    "ChangedJob",
    "CommandStatus",
    "DiscrepancyDetails",
    "EndedDispute",
    "EventName",
    "PassStatus",
    "ReconciliationUpdate",
    "ResetReason",
    "id",
    "matches",
    "maxListedIds",
    "ofStatus",
    "ofUpdate",
    "parseId",
    "statusOf",
    "type Event",
    "type EventFilter",
    "type NewEvent"
  ],
  EventLog: ["EventLog", "layer", "maxReplay", "type LogPage", "type Resumption", "type Snapshot"],
  ExpectedState: ["ExpectedState", "ExpectedUnavailable", "layer", "layerLedger", "type View"],
  HealthMonitor: ["HealthMonitor", "layer"],
  Job: ["JobDetail", "JobId", "JobState", "QueueName", "isFinished", "isJob", "jobStates", "type Job"],
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
    "maxListedJobs",
    "unsent",
    "type ActionError",
    "type Definition",
    "type RawAnswer",
    "type ReadError",
    "type Shape",
    "type SourceActions"
  ],
  JobView: ["JobCounts", "KnownCounts", "noJobs", "sameCounts", "tally", "type JobView"],
  Judgement: [
    "isVanished",
    "judge",
    "same",
    "subject",
    "type Adoption",
    "type Difference",
    "type Dispute",
    "type Evidence",
    "type Explanation",
    "type InFlight",
    "type Judgement",
    "type Reading",
    "type Side"
  ],
  Limiter: ["make", "type Limiter"],
  MemorySource: [
    "layer",
    "layerMemory",
    "make",
    "type Control",
    "type HookPoint",
    "type Initial",
    "type MemoryJob",
    "type MemorySource"
  ],
  Merkle: [
    "consistencyProof",
    "emptyEdge",
    "emptyRoot",
    "grow",
    "inclusionProof",
    "isSame",
    "leafHash",
    "nodeHash",
    "root",
    "rootOf",
    "verifyConsistency",
    "verifyInclusion",
    "type Edge",
    "type Head",
    "type Lookup",
    "type Node"
  ],
  Mithrandir: ["layer", "layerDaemon", "type Mithrandir", "type Options"],
  Page: [
    "PageLimit",
    "PageMeta",
    "PageNumber",
    "SortOrder",
    "defaultLimit",
    "maxLimit",
    "meta",
    "pageFields",
    "type Page"
  ],
  Palantir: ["layer", "maxPages", "type Options"],
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
  Reconciler: ["Reconciler", "layer", "type PassRequest"],
  SecurityEvent: ["SecurityEvent", "SecurityEventKind", "ofTokens", "type Incident"],
  SecurityLog: ["SecurityLog", "SecurityQuery", "flushInterval", "layer", "now"],
  Service: [
    "Health",
    "HealthStatus",
    "Metadata",
    "Service",
    "ServiceId",
    "ServiceNotFound",
    "unknownHealth",
    "type Registration"
  ],
  ServiceRegistry: [
    "ServiceInvalid",
    "ServiceRegistry",
    "layer",
    "minPollInterval",
    "shown",
    "type Expectation",
    "type RegisteredService",
    "type ServiceDefinition"
  ],
  SignedNote: [
    "makeSigner",
    "note",
    "open",
    "readSigner",
    "readVerifier",
    "signerText",
    "textOf",
    "verifierOf",
    "verifierText",
    "type Signer",
    "type Verifier"
  ],
  SqliteNode: ["layer"],
  Store: ["Store", "StoreUnavailable", "StoreUnreadable", "layer", "type Read"],
  Timestamp: ["Bound", "FromSql", "Timestamp", "endBound", "fromSql", "startBound", "toSql"],
  Token: [
    "Expiry",
    "Role",
    "Token",
    "TokenActor",
    "TokenId",
    "TokenNotFound",
    "conceal",
    "covers",
    "flaw",
    "isSame",
    "mint",
    "read",
    "type Credential"
  ],
  Tokens: ["Tokens", "layer", "type NewToken", "type Recognition"],
  WriterLock: ["Announcement", "announce", "readAnnouncement", "sqliteCode", "tryAcquire", "withdraw"]
}

/** The namespaces that `index.ts` exports, and those with a path of their own; their files. */
const files = new Map([
  ...Array.from(
    source("index.ts").matchAll(/^export \* as (\w+) from "\.\/(.+)"$/gm),
    ([, name = "", path = ""]) => [name, path] as const
  ),
  ["BullMq", "sources/BullMq.ts"] as const,
  ["SqliteNode", "drivers/SqliteNode.ts"] as const
])

describe("the package", () => {
  it("exports these namespaces, with these values and types, and no others", () => {
    const actual = Object.entries({ ...Core, BullMq, SqliteNode }).map(([name, module]) => [
      name,
      exported(module, source(files.get(name) ?? ""))
    ])
    assert.deepStrictEqual(Object.fromEntries(actual), published)
  })

  it("would be told of what has no docstring", () => {
    const text = `/** A thing. */
export const A = Schema.String
export type A = typeof A.Type
export interface B {
  readonly c: string
  /** Documented. */
  readonly d: string
  /** What is nested is explained by its parent. */
  readonly e: {
    readonly f: string
  }
}
/** A service. */
export class G extends Context.Tag("G")<G, {
    readonly h: string
}>() {}
/** One that leaves no room. */
export class I extends Context.Tag("I")<I, { readonly j: string }>() {}
/** A Schema, whose \`known\` is explained here. */
export const K = Schema.Struct({
  known: Schema.String,
  named: A,
  list: Schema.Array(A),
  bare: Schema.Array(Schema.String),
  /** Documented. */
  told: Schema.optionalWith(Schema.Int, { exact: true })
})
/** An error. */
export class L extends Schema.TaggedError<L>()("L", { why: Schema.String }) {}
export const m = 1
export type N = 1
export { o } from "./O.ts"
/** Private. */
const p = {
  q: Schema.String
}
`
    assert.deepStrictEqual(
      undocumented(text).map((line) => line.trim()),
      [
        "export interface B {",
        "readonly c: string",
        "readonly h: string",
        'export class I extends Context.Tag("I")<I, { readonly j: string }>() {}',
        "bare: Schema.Array(Schema.String),",
        'export class L extends Schema.TaggedError<L>()("L", { why: Schema.String }) {}',
        "export const m = 1",
        "export type N = 1",
        'export { o } from "./O.ts"'
      ]
    )
    const others = 'export {\n  A,\n  type C,\n  type D as E\n} from "./A.ts"\nexport type { F } from "./F.ts"\n'
    assert.deepStrictEqual(exported({ z: 1, a: 2 }, text + others), [
      ...["a", "z", "type B", "type C", "type E", "type F", "type N"]
    ])
  })

  for (const [name, path] of files) {
    it(`documents everything that ${name} exports`, () => {
      assert.deepStrictEqual(undocumented(source(path)), [])
    })
  }
})
