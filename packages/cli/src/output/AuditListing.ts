/** Entries of the record, as they are listed and exported. */
import { AuditEntry } from "@mithrandir/core"
import * as Listing from "./Listing.ts"
import * as Wording from "./Wording.ts"

export const listing = Listing.make(AuditEntry.AuditEntry, [
  { head: "time", cell: (entry) => Wording.moment(entry.timestamp) },
  { head: "actor", cell: (entry) => entry.actor },
  { head: "action", cell: (entry) => entry.actionType },
  { head: "target", cell: (entry) => entry.target },
  { head: "outcome", cell: (entry) => entry.outcome },
  { head: "id", cell: (entry) => entry.id }
])
