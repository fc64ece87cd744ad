/** `mithrandir sandbox`: a Palantir to try things on, and nothing else. */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Flags from "../Flags.ts"
import * as Output from "../Output.ts"
import * as Playground from "../Playground.ts"
import type { Program } from "../Program.ts"
import * as Signals from "../Signals.ts"

const port = Flags.optional(
  "port",
  Flags.PortText,
  `where to listen, on 127.0.0.1; 0 takes any free port (default: ${Playground.defaultPort}, or any)`,
  "PORT"
)

const flags = { port, fault: Playground.fault }

export const command: Program<"sandbox", typeof flags> = Command.make("sandbox", flags, (flags) =>
  Effect.gen(function* () {
    const { url } = yield* Playground.run(flags.fault, flags.port)
    yield* Output.note(`sandbox: a Palantir listens on ${url}`)
    yield* Output.note(`  curl -s ${url}/api/v1/jobs/counts`)
    yield* Output.note("stop with Ctrl-C")
    yield* Effect.never
  }).pipe(Effect.scoped, Signals.untilStopped)
).pipe(Command.withDescription("Run a Palantir with living jobs to try things on."))
