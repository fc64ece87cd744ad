/** `mithrandir serve`: the server, and what it tells at the terminal while it runs. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import { AuditCheckpoints, Database, EventLog, Mithrandir, Token, Tokens, WriterLock } from "@mithrandir/core"
import { Limits, Server } from "@mithrandir/http"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Holder from "../access/Holder.ts"
import * as ServiceEntry from "../config/ServiceEntry.ts"
import * as Services from "../config/Services.ts"
import * as Settings from "../config/Settings.ts"
import * as Flags from "../line/Flags.ts"
import * as Program from "../line/Program.ts"
import * as ExitCode from "../output/ExitCode.ts"
import * as Narrator from "../output/Narrator.ts"
import * as Output from "../output/Output.ts"
import * as Signals from "../output/Signals.ts"
import type * as Faults from "../sandbox/Faults.ts"
import * as Playground from "../sandbox/Playground.ts"
import { version } from "../Version.ts"

const sandbox = Flags.toggle({
  name: "sandbox",
  help: "start a Palantir with living jobs, and reconcile it: nothing else is needed"
})

const { config, database } = Flags.access

export const program = Program.make({
  name: "serve",
  summary: "Poll the services, serve the API and run commands, until told to stop.",
  details: [
    "It is the one writer of its database: other commands on this machine find it there and go through it. The first Ctrl-C or SIGTERM ends it in good order, the second at once.",
    "What it tells people is text. What it logs is JSON, an object a line, between that; MITHRANDIR_DEBUG=1 logs more, with stack traces."
  ],
  inputs: { ...Flags.listen, config, database, entries: Flags.services, sandbox, fault: Playground.fault },
  examples: [
    { says: "See what it does, on make-believe jobs", line: "mithrandir serve --sandbox" },
    { says: "With the services of mithrandir.json", line: "mithrandir serve" },
    {
      says: "With another config, on another port",
      line: "mithrandir serve --config staging.json --database staging.db --port 5000"
    },
    { says: "Lose a job every 20 seconds, to see it found", line: "mithrandir serve --sandbox --fault vanish=20s" }
  ],
  exits: { ...ExitCode.wordsOf(ExitCode.failed, ExitCode.usage, ExitCode.interrupted), 0: "told to stop, by SIGTERM" },
  run: (given) => Signals.untilStopped(Effect.scoped(serve(given)))
})

interface Given extends Settings.Given {
  readonly sandbox: boolean
  readonly fault: Option.Option<Faults.Faults>
}

const serve = (flags: Given) =>
  Effect.gen(function* () {
    if (!flags.sandbox && Option.isSome(flags.fault)) return yield* refused("--fault is for the sandbox: add --sandbox")
    // A newcomer's first try must not fail over a config file that happens to lie around.
    const settings = yield* Settings.resolve(flags, { discover: !flags.sandbox })
    yield* Output.warnings(settings.warnings)
    const configured = yield* settings.services
    const playground = flags.sandbox ? yield* Playground.start(flags.fault, configured) : undefined
    const services = [...configured, ...(playground === undefined ? [] : [playground.service])]
    if (services.length === 0) {
      return yield* refused(`no services to reconcile: ${Settings.whyNone(settings)}, or try it with --sandbox`)
    }
    const isFresh = flags.sandbox && !isChosen(settings)
    const database = isFresh ? yield* freshDatabase : settings.database

    // One after the other: the lock is taken, then the port, and only who has both goes to work.
    const house = yield* Mithrandir.layer({ services: services.map(Services.define) }).pipe(
      Layer.provide(Database.layerSqlite({ filename: database, mode: "writer" })),
      Layer.build,
      Effect.catchTag("DatabaseLocked", Holder.named)
    )
    const signed = yield* AuditCheckpoints.later
    const { host, hosts, origins, port } = settings
    const listening = yield* Layer.build(Server.layer({ host, port, hosts, origins })).pipe(
      Effect.provide(
        house.pipe(
          Context.add(Limits.Limits, { ...Limits.defaults, ...settings.limits }),
          Context.add(AuditCheckpoints.AuditCheckpoints, signed.checkpoints)
        )
      )
    )
    const { url } = Context.get(listening, Server.Server)
    yield* announce(database, url)
    const tokens = Context.get(house, Tokens.Tokens)
    const facts = [
      `mithrandir ${version} listens on ${url}`,
      whoMayCome(tokens.everMade(), yield* tokens.list, yield* Clock.currentTimeMillis),
      `database: ${database}`,
      ...services.map(describe),
      ...(playground?.facts ?? []),
      "stop with Ctrl-C"
    ]
    yield* Effect.forEach(facts, (fact) => Output.note(Output.printable(fact)), { discard: true })
    const events = Context.get(house, EventLog.EventLog)
    const story = tale(events, yield* events.newest, playground === undefined ? undefined : { url })
    // Ends after whatever still writes, and before the database: what was written last is signed, too. A record that is
    // thrown away is none to sign.
    if (!isFresh) {
      const checkpoints = yield* Layer.build(AuditCheckpoints.layer(AuditCheckpoints.beside(database))).pipe(
        Effect.provide(house)
      )
      yield* signed.tell(Context.get(checkpoints, AuditCheckpoints.AuditCheckpoints))
    }
    yield* Layer.build(Mithrandir.layerDaemon).pipe(Effect.provide(house))
    yield* Effect.all([story, playground?.demonstrate(url) ?? Effect.never], { concurrency: "unbounded" }).pipe(
      Effect.provide(house)
    )
  })

const refused = (problem: string) => new ExitCode.Refused({ code: ExitCode.usage, problem })

/** Make-believe is written into a database only where somebody said so here: never into the one of the environment. */
const isChosen = ({ from }: Settings.Settings): boolean => from.database === "flag" || from.database === "file"

/** A playground begins anew with every start: yesterday's jobs are not in today's sandbox, and would all be missing. */
const freshDatabase = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  // A directory of its own: two sandboxes side by side, or of two users, must not meet. It goes when the server goes.
  const directory = yield* fs.makeTempDirectoryScoped({ prefix: "mithrandir-" })
  return path.join(directory, "mithrandir-sandbox.db")
})

/** Whom the server lets in, so that nobody finds out by surprise. */
const whoMayCome = (everMade: boolean, tokens: ReadonlyArray<Token.Token>, now: number): string => {
  if (!everMade) {
    return "no tokens: whoever is on this machine may do everything, as local; see mithrandir token create --help"
  }
  const good = tokens.filter((token) => Token.flaw(token, now) === undefined)
  return good.length === 0
    ? "every token is revoked or has expired: nobody is let in; stop the server and make one with mithrandir token create"
    : `tokens: ${good.length} good; whoever has none is not let in`
}

/** Tells one-off runs on this machine where to find us. */
const announce = (database: string, url: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    // Beside the file itself, whatever links lead there: the lock is there too.
    const file = yield* fs.realPath(database)
    yield* WriterLock.announce(file, { pid: process.pid, url })
  })

const describe = (service: ServiceEntry.ServiceConfig): string => {
  const interval = Duration.format(service.pollInterval ?? ServiceEntry.defaults.pollInterval)
  return `service ${service.id}: ${service.type} at ${Services.withoutUserinfo(service.url)}, looked at every ${interval}`
}

/** Tells what changes after a place, for as long as the server runs. */
const tale = (events: Context.Tag.Service<EventLog.EventLog>, after: number, hints: Narrator.Hints) =>
  events.tail(after, {}).pipe(
    Stream.mapAccum(Narrator.start, (before, event) => Narrator.tell(before, event, hints)),
    Stream.runForEach(Output.happening)
  )
