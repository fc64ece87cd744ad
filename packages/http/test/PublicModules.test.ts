import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { exported, undocumented } from "../../core/test/support/publicModules.ts"
import * as Http from "../src/index.ts"

/** Everything that is public. Whoever changes this changes what embedders may rely on. */
const published: Readonly<Record<string, ReadonlyArray<string>>> = {
  Admission: ["Admission", "CurrentPrincipal"],
  Api: [
    ...["Api", "AuditApi", "CommandsApi", "DiscrepanciesApi", "DocumentApi", "HealthApi", "JobsApi"],
    ...["ReconciliationApi", "SecurityApi", "ServicesApi", "StreamApi"]
  ],
  Client: [
    "AnswerInvalid",
    "AnswerLost",
    "ServerUnreachable",
    "make",
    "patience",
    "type Access",
    "type Client",
    "type ConnectionError",
    "type StreamEvent",
    "type SubmitError",
    "type SubmitOptions",
    "type SubscribeError",
    "type Subscription"
  ],
  Csv: ["head", "row", "type Row"],
  Document: ["make", "render"],
  EventHub: ["EventHub", "heartbeatInterval", "layer", "type Listener", "type Opened", "type Options"],
  Gate: [
    "Gate",
    "admit",
    "isLoopback",
    "isStillGood",
    "isUnsafe",
    "localActor",
    "loopback",
    "rejected",
    "stranger",
    "type Judge",
    "type Knock",
    "type Names",
    "type Principal",
    "type Rejected",
    "type Verdict"
  ],
  Http: ["layer", "layerFor", "type Core"],
  Limits: ["Limits", "defaults", "type Shape"],
  Permission: ["Needed", "covers", "of", "type Permission"],
  Printable: ["compactJson", "json", "printable"],
  Problem: ["Any", "FieldProblem", "Problem", "about", "contentType", "invalid", "make", "of", "toJson"],
  ProblemApi: ["domain", "general", "retryAfterSeconds", "typeOf", "type Code", "type DomainCode", "type GeneralCode"],
  Readiness: ["Readiness", "type Check"],
  Server: [
    ...["AddressInUse", "CannotListen", "HostNotLoopback", "HostsMissing", "Server", "defaultHost", "defaultPort"],
    "layer",
    "needsOf",
    "type ListenError",
    "type Options"
  ],
  Subscribe: [
    "make",
    "reach",
    "subscribe",
    "type Access",
    "type StreamEvent",
    "type SubscribeError",
    "type Subscription"
  ],
  TokenGate: ["judge", "layer"]
}

const source = (module: string) => readFileSync(new URL(`../src/${module}.ts`, import.meta.url), "utf8")

describe("the public modules", () => {
  it("are these, with these values and types", () => {
    const found = Object.entries(Http).map(([name, module]) => [name, exported(module, source(name))])
    assert.deepStrictEqual(Object.fromEntries(found), published)
  })

  it.each(Object.keys(published))("%s says of everything what it is", (module) => {
    assert.deepStrictEqual(undocumented(source(module)), [])
  })
})
