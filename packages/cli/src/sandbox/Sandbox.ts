/** A Palantir to try things on: jobs that really live, lost now and then, and an upstream that goes down. */
import { createServer } from "node:http"
import * as HttpServer from "@effect/platform/HttpServer"
import type * as HttpServerError from "@effect/platform/HttpServerError"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { type Faults, standardDownFor } from "./Faults.ts"
import * as SandboxJobs from "./SandboxJobs.ts"
import * as SandboxServer from "./SandboxServer.ts"

export interface Options {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  /** The same seed lives the same lives. By default every start differs. */
  readonly seed?: string | number
  readonly faults: Faults
  /** Told what happens, in plain language, a line at a time. */
  readonly say?: SandboxServer.Say
}

/** A sandbox that runs. */
export class Sandbox extends Context.Tag("@mithrandir/cli/Sandbox")<
  Sandbox,
  {
    /** Where it is, as a source wants it. */
    readonly url: string
    readonly jobs: SandboxJobs.SandboxJobs
  }
>() {}

/** Runs a sandbox while the scope lives. Fails where it can't listen. */
export const layer = (options: Options): Layer.Layer<Sandbox, HttpServerError.ServeError> =>
  Layer.scoped(Sandbox, make(options))

/** The rhythm of its life. What happens in between happens at the next beat. */
const beat = Duration.millis(200)

/** The first job is lost not later than this: soon enough to be waited for, late enough to have been seen. */
const firstVanish = Duration.seconds(12)

/** The first outage begins not later than this. */
const firstDown = Duration.seconds(36)

/** How soon it is tried again where there was no job to lose. */
const nothingToLose = Duration.seconds(1)

const make = (options: Options): Effect.Effect<Context.Tag.Service<Sandbox>, HttpServerError.ServeError, Scope.Scope> =>
  Effect.gen(function* () {
    const say = options.say ?? (() => Effect.void)
    const jobs = yield* SandboxJobs.make({
      seed: options.seed ?? `${yield* Effect.clockWith((c) => c.currentTimeMillis)}`
    })

    const server = createServer()
    let down = false
    server.on("connection", (socket) => {
      if (down) socket.destroy()
    })
    const context = yield* Layer.build(
      Layer.provideMerge(
        SandboxServer.layer(jobs, say),
        NodeHttpServer.layer(() => server, { host: options.host, port: options.port })
      )
    )
    const { address } = Context.get(context, HttpServer.HttpServer)
    const port = address._tag === "TcpAddress" ? address.port : options.port

    const lose: Effect.Effect<void> = Effect.flatMap(jobs.lose, (lost) =>
      lost === undefined
        ? Effect.delay(
            Effect.suspend(() => lose),
            nothingToLose
          )
        : say(`sandbox: lost job ${lost.id} (${lost.state} in ${lost.queue}) without a trace`)
    )
    const downFor = options.faults.downFor ?? standardDownFor
    // Connections are taken and broken at once: nothing has to listen anew, on a port somebody may have taken.
    const outage = Effect.gen(function* () {
      down = true
      server.closeAllConnections()
      yield* say(`sandbox: down for ${Duration.format(downFor)}, every connection breaks`)
      yield* Effect.sleep(downFor)
      down = false
      yield* say("sandbox: up again")
    })

    yield* forever(Effect.delay(jobs.tick, beat))
    yield* recurring(lose, firstVanish, options.faults.vanish)
    yield* recurring(outage, firstDown, options.faults.down)

    return { url: `http://${options.host.includes(":") ? `[${options.host}]` : options.host}:${port}`, jobs }
  })

const recurring = (fault: Effect.Effect<void>, first: Duration.Duration, every: Duration.Duration | undefined) =>
  every === undefined
    ? Effect.void
    : Effect.zipRight(Effect.sleep(Duration.min(first, every)), Effect.repeat(fault, Schedule.spaced(every))).pipe(
        logged,
        Effect.forkScoped
      )

const forever = (step: Effect.Effect<void>) => Effect.forkScoped(logged(Effect.forever(step)))

/** A fiber that dies alone would die without a word. */
const logged = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.tapErrorCause(effect, (cause) => Effect.logError("the sandbox stands still", cause))
