/** The whole library over a real SQLite file and a job system in memory. */

import * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import Sqlite from "better-sqlite3"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqliteNode from "../../src/drivers/SqliteNode.ts"
import * as Mithrandir from "../../src/Mithrandir.ts"
import type { ServiceDefinition } from "../../src/services/ServiceRegistry.ts"
import { JobSource } from "../../src/sources/JobSource.ts"
import * as MemorySource from "../../src/sources/MemorySource.ts"
import * as Database from "../../src/storage/Database.ts"

export const layerPlatform = Layer.mergeAll(SqliteNode.layer, NodeContext.layer, NodeHttpClient.layer)

/** A database file of its own, gone with the scope. */
export const makeFile = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  return `${yield* fs.makeTempDirectoryScoped({ prefix: "mithrandir-" })}/test.db`
}).pipe(Effect.provide(NodeContext.layer))

export const layerDatabase = (filename: string, mode: Database.Mode = "writer") =>
  Layer.provide(Database.layerSqlite({ filename, mode }), layerPlatform)

/** A service over a job system in memory. Settles at once, so that no test has to move the clock for it. */
export const service = (
  memory: Pick<MemorySource.MemorySource, "source">,
  definition: Partial<Omit<ServiceDefinition, "source">> = {}
): ServiceDefinition => ({
  id: "mail",
  type: "memory",
  url: "memory:",
  settle: 0,
  ...definition,
  source: Layer.succeed(JobSource, memory.source)
})

/** What a house has beside its services. */
export type HouseOptions<E2 = never, R2 = never> = {
  readonly mode?: Database.Mode
  /** What it asks with: Node's client unless told otherwise. */
  readonly http?: Layer.Layer<HttpClient.HttpClient>
} & Omit<Mithrandir.Options<never, never, E2, R2>, "services">

export const layerHouse = <E2 = never, R2 = never>(
  filename: string,
  services: ReadonlyArray<ServiceDefinition>,
  options: HouseOptions<E2, R2> = {}
) =>
  Mithrandir.layer({ ...options, services }).pipe(
    Layer.provide(layerDatabase(filename, options.mode)),
    Layer.provide(options.http ?? NodeHttpClient.layer),
    Layer.provide(layerPlatform)
  )

/** Looks into the file as anybody could: with another client. */
export const query = <A = Record<string, unknown>>(filename: string, sql: string): ReadonlyArray<A> => {
  const db = new Sqlite(filename)
  try {
    return db.prepare<[], A>(sql).all()
  } finally {
    db.close()
  }
}
