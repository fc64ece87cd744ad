import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Http from "../src/index.ts"

/** Everything that is public. Whoever changes this changes what embedders may rely on. */
const values: Readonly<Record<string, ReadonlyArray<string>>> = {
  Admission: ["Admission", "CurrentPrincipal"],
  Api: [
    ...["Api", "AuditApi", "CommandsApi", "DiscrepanciesApi", "DocumentApi", "HealthApi", "JobsApi"],
    ...["ReconciliationApi", "SecurityApi", "ServicesApi", "StreamApi"]
  ],
  Client: ["AnswerInvalid", "AnswerLost", "ServerUnreachable", "make", "patience"],
  Document: ["make", "render"],
  EventHub: ["EventHub", "heartbeatInterval", "layer"],
  Gate: ["Gate", "admit", "isLoopback", "isUnsafe", "localActor", "loopback", "rejected", "stranger"],
  Http: ["layer", "layerFor"],
  Limits: ["Limits", "defaults"],
  Permission: ["Needed", "covers", "of"],
  Problem: ["Any", "FieldProblem", "Problem", "contentType", "invalid", "make", "of", "toJson"],
  ProblemApi: ["domain", "general", "retryAfterSeconds", "typeOf"],
  Readiness: ["Readiness"],
  Server: [
    ...["AddressInUse", "CannotListen", "HostNotLoopback", "HostsMissing", "Server", "defaultHost", "defaultPort"],
    "layer"
  ],
  TokenGate: ["judge", "layer"]
}

const source = (module: string) => readFileSync(new URL(`../src/${module}.ts`, import.meta.url), "utf8")

/** The exports of a module without a docstring right before them. A type that goes with a value needs none. */
const undocumented = (text: string): ReadonlyArray<string> => {
  const lines = text.split("\n")
  const names = new Set<string>()
  return lines.flatMap((line, index) => {
    const match =
      /^export (?:declare )?(?:abstract )?(const|class|interface|type|function|\{|\*)(?: type)? ?(\w*)/.exec(line)
    if (match === null) return []
    const [, kind, name = ""] = match
    const goesWithValue = kind === "type" && names.has(name)
    names.add(name)
    return goesWithValue || lines[index - 1]?.endsWith("*/") === true ? [] : [line]
  })
}

describe("the public modules", () => {
  it("are these, with these values", () => {
    const found = Object.fromEntries(Object.entries(Http).map(([name, module]) => [name, Object.keys(module).sort()]))
    assert.deepStrictEqual(
      found,
      Object.fromEntries(Object.entries(values).map(([name, all]) => [name, [...all].sort()]))
    )
  })

  it.each(Object.keys(values))("%s says of everything what it is", (module) => {
    assert.deepStrictEqual(undocumented(source(module)), [])
  })

  it("what is not documented is found", () => {
    const text =
      "/** A. */\nexport const a = 1\nexport type a = 1\n\nexport const b = 2\nexport type c = 3\nexport { d }\n"
    assert.deepStrictEqual(undocumented(text), ["export const b = 2", "export type c = 3", "export { d }"])
  })
})
