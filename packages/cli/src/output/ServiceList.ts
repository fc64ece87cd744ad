/** The services and their health, as `mithrandir services` lists them. */
import { Service, Timestamp } from "@mithrandir/core"
import * as Schema from "effect/Schema"
import * as Listing from "./Listing.ts"

/** As a server has it; `null` for one that no server has registered yet. */
export const ListedService = Schema.Struct({
  ...Service.Service.fields,
  registeredAt: Schema.NullOr(Timestamp.Timestamp)
})
export type ListedService = typeof ListedService.Type

export const listing = Listing.make(ListedService, [
  { head: "id", cell: ({ id }) => id },
  { head: "type", cell: ({ type }) => type },
  { head: "health", cell: ({ health, retired }) => (retired ? "retired" : health.status) },
  {
    head: "took",
    cell: ({ health, retired }) => (retired || health.latencyMs === null ? "" : `${health.latencyMs} ms`)
  },
  { head: "endpoint", cell: ({ healthEndpoint }) => healthEndpoint ?? "" },
  { head: "remarks", cell: ({ health, retired }) => (retired ? "no longer in the config" : (health.message ?? "")) }
])
