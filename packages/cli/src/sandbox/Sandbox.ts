/** A Palantir to try things on: jobs that really live, and whatever can go wrong with them and with it. */
import type { Server } from "node:http"
import { ServeError } from "@effect/platform/HttpServerError"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Door from "./Door.ts"
import { type Faults, inventedFailures } from "./Faults.ts"
import * as SandboxJobs from "./SandboxJobs.ts"
import * as SandboxServer from "./SandboxServer.ts"
import * as Switch from "./Switch.ts"
import * as Trouble from "./Trouble.ts"

export interface Options {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  /** The same seed lives the same lives. By default every start differs. */
  readonly seed?: string | number
  readonly faults: Faults
  /** Told what happens, in plain language, a line at a time. */
  readonly say?: Trouble.Say
}

/** A sandbox that runs. */
export class Sandbox extends Context.Tag("@mithrandir/cli/Sandbox")<
  Sandbox,
  {
    /** Where it is, as a source wants it; `/faults` under it is the switch. */
    readonly url: string
    readonly jobs: SandboxJobs.SandboxJobs
  }
>() {}

/** Runs a sandbox while the scope lives. Fails where it can't listen. */
export const layer = (options: Options): Layer.Layer<Sandbox, ServeError> => Layer.scoped(Sandbox, make(options))

/** The rhythm of its life. What happens in between happens at the next beat. */
const beat = Duration.millis(200)

const make = (options: Options): Effect.Effect<Context.Tag.Service<Sandbox>, ServeError, Scope.Scope> =>
  Effect.gen(function* () {
    const say = options.say ?? (() => Effect.void)
    const jobs = yield* SandboxJobs.make({
      seed: options.seed ?? `${yield* Effect.clockWith((c) => c.currentTimeMillis)}`
    })
    const trouble = yield* Trouble.make({ jobs, faults: options.faults, say })
    const claims = Effect.map(jobs.counts, (counts) =>
      trouble.isHappening("lie") ? { ...counts, failed: counts.failed + inventedFailures } : counts
    )
    const server = yield* Door.make({
      trouble,
      faultSwitch: yield* Switch.make({ trouble, say }),
      palantir: yield* SandboxServer.make({ jobs, claims, say })
    })
    const port = yield* listen(server, options)
    yield* Effect.forever(Effect.delay(jobs.tick, beat)).pipe(
      // A fiber that dies alone would die without a word.
      Effect.tapErrorCause((cause) => Effect.logError("the sandbox stands still", cause)),
      Effect.forkScoped
    )
    return { url: `http://${options.host.includes(":") ? `[${options.host}]` : options.host}:${port}`, jobs }
  })

/** Listens for the scope, and gives the port. */
const listen = (server: Server, { host, port }: Options): Effect.Effect<number, ServeError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<number, ServeError>((resume) => {
      const onError = (cause: Error) => resume(new ServeError({ cause }))
      server.once("error", onError)
      server.listen({ host, port }, () => {
        server.off("error", onError)
        const address = server.address()
        resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : port))
      })
    }),
    () =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  )
