/** `mithrandir sandbox`: a Palantir to try things on, and nothing else. */
import * as Effect from "effect/Effect"
import * as Flags from "../line/Flags.ts"
import * as Program from "../line/Program.ts"
import * as ExitCode from "../output/ExitCode.ts"
import * as Output from "../output/Output.ts"
import * as Signals from "../output/Signals.ts"
import * as Playground from "../sandbox/Playground.ts"

const port = Flags.optional({
  name: "port",
  placeholder: "PORT",
  help: "where to listen, on 127.0.0.1; 0 takes any free port",
  default: `${Playground.defaultPort}, or any`,
  schema: Flags.PortText
})

export const program = Program.make({
  name: "sandbox",
  summary: "Run a Palantir with living jobs to try things on, and nothing else.",
  details: [
    "Jobs wait, run, fail and finish; now and then one is lost, and now and then all of it goes down. It serves the API that a service of type palantir speaks, and forgets everything when it stops."
  ],
  inputs: { port, fault: Playground.fault },
  examples: [
    { says: "Where it usually is", line: "mithrandir sandbox" },
    { says: "Elsewhere, and nothing ever goes wrong", line: "mithrandir sandbox --port 5020 --fault none" },
    { says: "Lose a job every 20 seconds", line: "mithrandir sandbox --fault vanish=20s" }
  ],
  exits: { ...ExitCode.wordsOf(ExitCode.failed, ExitCode.usage, ExitCode.interrupted), 0: "told to stop, by SIGTERM" },
  run: (given) =>
    Effect.gen(function* () {
      const { url } = yield* Playground.run(given.fault, given.port)
      yield* Output.note(`sandbox: a Palantir listens on ${url}`)
      yield* Output.note(Playground.whatGoesWrong(given.fault))
      yield* Output.note(`  curl -s ${url}/api/v1/jobs/counts`)
      yield* Output.note("stop with Ctrl-C")
      yield* Effect.never
    }).pipe(Effect.scoped, Signals.untilStopped)
})
