/** `npm run bench -- stream|audit`: what the stream and the record cost, beside what others cost in the same run. */
import { parseArgs } from "node:util"
import * as Audit from "./audit/Report.ts"
import * as Stream from "./stream/Report.ts"

const usage = `npm run bench -- stream [--rounds N] [--seconds S] [--listeners N] [--crowd N] [--peers A,B] [--json FILE]

Measures the event stream beside better-sse, @fastify/sse, and nginx with nchan where that is there.
  --rounds     how often each is measured, in turn; medians are told (3)
  --seconds    how long at each rate (5)
  --listeners  how many (1000)
  --crowd      how many who hear heartbeats alone (10000)
  --peers      beside whom, with commas between them (all that are there)
  --json       where to write every figure

npm run bench -- audit [--rounds N] [--seconds S] [--rows N] [--json FILE]

Measures the record of commands beside Fastify with better-sqlite3.
  --rounds     how often each is measured, in turn; medians are told (3)
  --seconds    how long each question is asked (5)
  --rows       how long the record is (1000000); beside it one of 10000
  --json       where to write every figure`

const leave = (code: number, text: string): never => {
  console.error(text)
  process.exit(code)
}

const parse = () => {
  const text = { type: "string" } as const
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        rounds: text,
        seconds: text,
        listeners: text,
        crowd: text,
        peers: text,
        rows: text,
        json: text,
        help: { type: "boolean", short: "h" }
      }
    })
  } catch (error) {
    return leave(2, `${error instanceof Error ? error.message : error}\n\n${usage}`)
  }
}

const { positionals, values } = parse()
if (values.help) {
  console.log(usage)
  process.exit(0)
}

const number = (name: "rounds" | "seconds" | "listeners" | "crowd" | "rows", otherwise: number): number => {
  const value = Number(values[name] ?? otherwise)
  return Number.isInteger(value) && value > 0 ? value : leave(2, `--${name}: expected a whole number\n\n${usage}`)
}

const rounds = number("rounds", 3)
const seconds = number("seconds", 5)
const [subject, ...more] = positionals
if (more.length === 0 && subject === "stream") {
  await Stream.report({
    rounds,
    load: { listeners: number("listeners", 1_000), seconds },
    crowd: number("crowd", 10_000),
    wanted: values.peers?.split(","),
    json: values.json
  })
} else if (more.length === 0 && subject === "audit") {
  await Audit.report({ rounds, load: { rows: number("rows", 1_000_000), seconds }, json: values.json })
} else leave(2, usage)
