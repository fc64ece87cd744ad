/** The whole house on a free port: a database file, job systems in memory, a server. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import {
  type Action,
  CommandCatalog,
  Database,
  JobSource,
  MemorySource,
  Mithrandir,
  ServiceRegistry,
  Store,
  type Token,
  Tokens
} from "@mithrandir/core"
import * as SqliteNode from "@mithrandir/core/SqliteNode"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { EventHub, type Gate, Limits, type Readiness, Server } from "../../src/index.ts"
import { Readiness as ReadinessTag } from "../../src/Readiness.ts"

export interface House {
  readonly url: string
  readonly port: number
  readonly control: MemorySource.Control
  /** Of the second service, `beta`. */
  readonly beta: MemorySource.Control
  readonly context: Context.Context<
    Mithrandir.Mithrandir | EventHub.EventHub | Server.Server | ServiceRegistry.ServiceRegistry | Store.Store
  >
  /** As at SIGTERM. */
  readonly stop: Effect.Effect<void>
}

export interface Options extends Gate.Names {
  readonly filename: string
  readonly limits?: Partial<Limits.Shape>
  readonly host?: string
  readonly port?: number
  readonly heartbeat?: string
  readonly judge?: Gate.Judge
  readonly mode?: Database.Mode
  /** How `alpha` lists its stuck jobs. */
  readonly stuck?: JobSource.Shape["stuck"]
  /** `beta` lists stuck jobs, too. */
  readonly bothStuck?: boolean
  readonly checks?: ReadonlyArray<Readiness.Check>
  /** Actions of an embedder's own, beside the standard ones. */
  readonly actions?: ReadonlyArray<Action.Action>
  /** Jobs and how they are, kept over a restart. */
  readonly memory?: readonly [MemorySource.MemorySource, MemorySource.MemorySource]
}

/** A file in a directory of its own, gone when the test ends. */
export const database = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  return `${yield* fs.makeTempDirectoryScoped({ prefix: "mithrandir-http-" })}/test.db`
}).pipe(Effect.provide(NodeFileSystem.layer))

export const memory = Effect.all([MemorySource.make, MemorySource.make] as const)

/** Serves two services, `alpha` and `beta`, which can do less. Nothing polls: tests ask for passes. */
export const start = (options: Options) =>
  Effect.gen(function* () {
    const [alpha, beta] = options.memory ?? (yield* memory)
    const services = [
      { ...described("alpha"), source: given(options.stuck ? withStuck(alpha.source, options.stuck) : alpha.source) },
      { ...described("beta"), source: given(options.bothStuck === true ? beta.source : lesser(beta.source)) }
    ]
    const actions = [...CommandCatalog.standard, ...(options.actions ?? [])]
    const core = Mithrandir.layer({ services, actions }).pipe(
      Layer.provide(Database.layerSqlite({ filename: options.filename, mode: options.mode ?? "writer" })),
      Layer.provide([SqliteNode.layer, NodeFileSystem.layer, NodeHttpClient.layer])
    )
    const server = Server.layer({
      port: options.port ?? 0,
      ...(options.host === undefined ? {} : { host: options.host }),
      ...(options.hosts === undefined ? {} : { hosts: options.hosts }),
      ...(options.origins === undefined ? {} : { origins: options.origins }),
      ...(options.judge === undefined ? {} : { judge: options.judge }),
      ...(options.heartbeat === undefined ? {} : { heartbeat: "100 millis" })
    }).pipe(
      Layer.provide(Layer.succeed(ReadinessTag, options.checks ?? [])),
      Layer.provide(Layer.succeed(Limits.Limits, { ...Limits.defaults, ...options.limits }))
    )
    const scope = yield* Scope.fork(yield* Effect.scope, ExecutionStrategy.sequential)
    const context = yield* Layer.buildWithScope(Layer.provideMerge(server, core), scope)
    if (options.mode === undefined) yield* Effect.orDie(Context.get(context, ServiceRegistry.ServiceRegistry).register)
    const { port, url } = Context.get(context, Server.Server)
    const house: House = {
      url,
      port,
      control: alpha.control,
      beta: beta.control,
      context,
      stop: Scope.close(scope, Exit.void)
    }
    return house
  }).pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))

/** A house on a fresh database. */
export const fresh = (options: Omit<Options, "filename"> = {}) =>
  Effect.flatMap(database, (filename) => start({ ...options, filename }))

/** Makes a token, and gives its text. */
export const token = (
  house: House,
  role: Token.Role,
  more: { readonly actor?: string; readonly expiresAt?: DateTime.Utc } = {}
) =>
  Effect.gen(function* () {
    const tokens = Context.get(house.context, Tokens.Tokens)
    const { text, token } = yield* tokens.create({ actor: role, role, ...more }, "test")
    return { text: Redacted.value(text), id: token.id }
  }).pipe(Effect.orDie)

/** One token of each role, one that was revoked, and one whose time is over; as headers. */
export const credentials = (house: House) =>
  Effect.gen(function* () {
    const tokens = Context.get(house.context, Tokens.Tokens)
    const good = yield* Effect.all([token(house, "viewer"), token(house, "operator"), token(house, "admin")])
    const revoked = yield* token(house, "admin", { actor: "gone" })
    yield* Effect.orDie(tokens.revoke(revoked.id, "test"))
    const expired = yield* token(house, "admin", { actor: "late", expiresAt: DateTime.unsafeMake(Date.now() - 1) })
    const [viewer, operator, admin] = good.map(({ text }) => bearer(text))
    return {
      none: {},
      viewer: viewer ?? {},
      operator: operator ?? {},
      admin: admin ?? {},
      revoked: bearer(revoked.text),
      expired: bearer(expired.text)
    }
  })

export const bearer = (text: string): Record<string, string> => ({ authorization: `Bearer ${text}` })

const given = (source: JobSource.Shape) => Layer.succeed(JobSource.JobSource, source)

/** Through the prototype, since some of what a memory source has are getters. */
const withStuck = (source: JobSource.Shape, stuck: JobSource.Shape["stuck"]): JobSource.Shape =>
  Object.create(source, { stuck: { value: stuck } })

/** A system that can do less: it lists no stuck jobs, and restarts nothing. */
const lesser = (source: JobSource.Shape): JobSource.Shape => {
  const { restartService: _, ...actions } = source.actions
  return Object.create(source, { stuck: { value: undefined }, actions: { value: actions } })
}

const described = (id: string) => ({
  id,
  type: "memory",
  ...(id === "alpha" ? { url: "memory://alpha" } : {}),
  settle: "1 millis" as const,
  commandTimeout: "10 seconds" as const
})

/** Commits events as if passes had made them; `size` is about the bytes of each. */
export const tell = (house: House, count: number, more: { readonly service?: string; readonly size?: number } = {}) =>
  Effect.gen(function* () {
    const store = Context.get(house.context, Store.Store)
    const { service = "alpha", size = 10 } = more
    const events = Array.from({ length: count }, (_, index) => ({
      name: "reconciliation.update" as const,
      service,
      subject: service,
      data: JSON.stringify({
        ...{ eventId: `e${index}`, service, status: "verified", counts: {}, checksum: "v1:", latencyMs: index },
        ...{ observedAt: "2026-01-31T12:00:00.000Z", message: "x".repeat(size) }
      })
    }))
    return yield* Effect.orDie(store.commit({ writes: [], events }))
  })

/** Forgets events, as after a day. */
export const forget = (house: House, upTo: number) =>
  Effect.orDie(Context.get(house.context, Store.Store).commit({ writes: [{ _tag: "EventsPruned", upTo }], events: [] }))

export const listeners = (house: House) => Context.get(house.context, EventHub.EventHub).listeners

/** Succeeds when nobody listens any more. */
export const abandoned = (house: House) =>
  Effect.repeat(Effect.delay(listeners(house), "2 millis"), { until: (open) => open === 0 })
