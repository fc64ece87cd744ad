import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as AST from "effect/SchemaAST"
import { describe, expect, it } from "vitest"
import { root as commandLine } from "../../packages/cli/src/Cli.ts"
import * as Config from "../../packages/cli/src/config/Config.ts"
import * as Environment from "../../packages/cli/src/config/Environment.ts"
import * as ServiceEntry from "../../packages/cli/src/config/ServiceEntry.ts"
import type { Program } from "../../packages/cli/src/line/Program.ts"
import { domain, general } from "../../packages/http/src/ProblemApi.ts"
import { root } from "./support/Page.ts"

interface Reference {
  readonly pages: () => Readonly<Record<string, string>>
}

describe("the reference", async () => {
  const { pages }: Reference = await import(join(root, "scripts/reference.mjs"))
  for (const [page, text] of Object.entries(pages())) {
    it(`${page} is as the code is (else: npm run generate)`, () => {
      expect(readFileSync(join(root, page), "utf8")).toBe(text)
    })
  }

  const {
    "docs/reference/cli.md": cli = "",
    "docs/reference/config.md": config = "",
    "docs/reference/http.md": http = ""
  } = pages()

  /** What is not there of what should be. */
  const missing = (page: string, wanted: ReadonlyArray<string>) => wanted.filter((text) => !page.includes(text))

  it("names every route, every schema, every code of a problem", () => {
    const { components, paths } = JSON.parse(readFileSync(join(root, "packages/http/openapi.json"), "utf8"))
    const routes = Object.entries<object>(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `### ${method.toUpperCase()} ${path}\n`)
    )
    expect(routes).toContain("### GET /reconciliation/audit/{id}\n")
    const schemas = Object.keys(components.schemas).map((name) => `### ${name}\n`)
    expect(missing(http, [...routes, ...schemas])).toEqual([])
    expect(
      missing(
        http,
        Object.keys({ ...general, ...domain }).map((code) => `\`${code}\``)
      )
    ).toEqual([])
  })

  it("names every command, every flag and argument of it, and every code that it can end with", () => {
    const programs = commandLine.sections.flatMap(({ members }) =>
      members.flatMap(
        (member): ReadonlyArray<readonly [string, Program]> =>
          member._tag === "program"
            ? [[member.name, member]]
            : member.members.map((one) => [`${member.name} ${one.name}`, one])
      )
    )
    expect(programs.map(([name]) => name)).toContain("audit list")
    for (const [name, { exits, inputs, summary }] of programs) {
      const [, section = ""] = cli.split(`\n## mithrandir ${name}\n`)
      const own = section.split("\n## ", 1)[0] ?? ""
      const flags = inputs.map((input) => (input._tag === "flag" ? `--${input.name}` : `  ${input.name} `))
      const codes = Object.keys(exits).map((code) => `\n  ${code} `)
      // Help is wrapped.
      expect([name, missing(own, [...flags, ...codes, summary.split(" ").slice(0, 4).join(" ")])]).toEqual([name, []])
    }
  })

  it("names every key of the config and of each kind of service, and every variable", () => {
    const serve = commandLine.sections.flatMap(({ members }) => members).find(({ name }) => name === "serve")
    expect(serve?._tag === "program" ? serve.inputs.map(({ name }) => name) : []).toEqual(
      expect.arrayContaining([...Config.keys])
    )
    const keys = Config.keys.map((key) => `| \`${key}\` | \`--${key}\` |`)
    expect(missing(config, [...keys, ...Environment.known.map((name) => `\`${name}\``)])).toEqual([])
    const kinds = AST.isUnion(ServiceEntry.ServiceEntry.ast) ? ServiceEntry.ServiceEntry.ast.types : []
    expect(kinds).toHaveLength(2)
    for (const kind of kinds) {
      const fields = AST.getPropertySignatures(AST.encodedAST(kind))
      const type = fields.find(({ name }) => name === "type")?.type
      const [, section = ""] = config.split(
        `\n## A service of type \`${type?._tag === "Literal" ? type.literal : ""}\`\n`
      )
      const own = section.split("\n## ", 1)[0] ?? ""
      expect(
        missing(
          own,
          fields.map(({ name }) => `| \`${String(name)}\` |`)
        )
      ).toEqual([])
    }
  })

  it("says of what is no plain text what it may be", () => {
    expect(config).toContain("[duration](#durations), 100 millis to 24 days")
    expect(config).toContain("a number, a space and a unit")
    expect(config).toContain("text: 1 to 64 of a-z 0-9 . _ -, starting with a letter or digit")
  })
})
