/** A Palantir on a real socket, over jobs in memory: what the Palantir source is tested against. */
import { createServer } from "node:http"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiError from "@effect/platform/HttpApiError"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { ActionError } from "../../src/sources/JobSource.ts"
import * as MemorySource from "../../src/sources/MemorySource.ts"
import { PalantirApi } from "../../src/sources/PalantirApi.ts"

const noAction = Effect.die("the memory source supports every action")

/** Small, so that a listing of a few jobs has several pages. */
const pageSize = 3

const refused = (error: ActionError): Effect.Effect<never, HttpApiError.NotFound | HttpApiError.Conflict> => {
  switch (error._tag) {
    case "TargetNotFound":
      return Effect.fail(new HttpApiError.NotFound())
    case "ActionRejected":
      return Effect.fail(new HttpApiError.Conflict())
    default:
      return Effect.die(error)
  }
}

const orMissing = <A>(found: Effect.Effect<Option.Option<A>, unknown>) =>
  Effect.flatMap(
    Effect.orDie(found),
    Option.match({ onNone: () => new HttpApiError.NotFound(), onSome: Effect.succeed })
  )

const layerApi = ({ control, source }: MemorySource.MemorySource) => {
  const { actions, worker = () => Effect.succeedNone, queue = () => Effect.succeedNone } = source
  const keyed = <A>(
    act: ((target: string, key: string) => Effect.Effect<A, ActionError>) | undefined,
    target: string,
    headers: { readonly "idempotency-key"?: string | undefined }
  ) => Effect.catchAll(act?.(target, headers["idempotency-key"] ?? "none") ?? noAction, refused)
  const groups = [
    HttpApiBuilder.group(PalantirApi, "health", (handlers) =>
      handlers.handle("health", () => Effect.succeed({ status: "ok" as const }))
    ),
    HttpApiBuilder.group(PalantirApi, "jobs", (handlers) =>
      handlers
        .handle("counts", () => Effect.map(Effect.orDie(source.counts), (counts) => ({ counts })))
        .handle("list", ({ urlParams: { cursor = "", limit = pageSize } }) =>
          Effect.map(control.jobs, (jobs) => {
            const rest = jobs.filter((job) => job.id > cursor).sort((a, b) => (a.id < b.id ? -1 : 1))
            const data = rest.slice(0, Math.min(limit, pageSize)).map(({ id, queue, state }) => ({ id, queue, state }))
            return { data, nextCursor: rest.length > data.length ? (data.at(-1)?.id ?? null) : null }
          })
        )
        .handle("stuck", () => Effect.succeed({ data: [] }))
        .handle("find", ({ path }) => orMissing(source.find(path.id)))
        .handle("retry", ({ headers, path }) =>
          Effect.zipRight(keyed(actions.retryJob, path.id, headers), orMissing(source.find(path.id)))
        )
        .handle("delete", ({ headers, path }) => keyed(actions.deleteJob, path.id, headers))
    ),
    HttpApiBuilder.group(PalantirApi, "queues", (handlers) =>
      handlers
        .handle("find", ({ path }) => orMissing(queue(path.name)))
        .handle("purge", ({ headers, path }) =>
          Effect.map(
            Effect.catchTag(keyed(actions.purgeQueue, path.name, headers), "Conflict", Effect.die),
            (purged) => ({ purged })
          )
        )
    ),
    HttpApiBuilder.group(PalantirApi, "services", (handlers) =>
      handlers
        .handle("find", ({ path }) => orMissing(worker(path.name)))
        .handle("restart", ({ headers, path }) =>
          Effect.zipRight(
            Effect.catchTag(keyed(actions.restartService, path.name, headers), "Conflict", Effect.die),
            orMissing(worker(path.name))
          )
        )
    )
  ] as const
  return Layer.provide(HttpApiBuilder.api(PalantirApi), groups)
}

/** Serves memory on a free loopback port while the scope lives; gives the url. */
export const serve = (memory: MemorySource.MemorySource) =>
  Layer.build(
    HttpApiBuilder.serve().pipe(
      Layer.provide(layerApi(memory)),
      // The default of 100 characters would answer 404 to a longer id.
      Layer.provide(HttpRouter.setRouterConfig({ maxParamLength: 8192 })),
      Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
    )
  ).pipe(
    Effect.map((context) => {
      const { address } = Context.get(context, HttpServer.HttpServer)
      if (address._tag !== "TcpAddress") throw new TypeError("not a TCP server")
      return `http://127.0.0.1:${address.port}`
    })
  )
