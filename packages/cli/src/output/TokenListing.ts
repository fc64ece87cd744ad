/** Tokens, as they are listed: everything but themselves. */
import { Token } from "@mithrandir/core"
import type * as DateTime from "effect/DateTime"
import * as Listing from "./Listing.ts"
import * as Wording from "./Wording.ts"

const orNever = (moment: DateTime.Utc | null): string => (moment === null ? "" : Wording.moment(moment))

export const listing = Listing.make(Token.Token, [
  { head: "id", cell: ({ id }) => id },
  { head: "actor", cell: ({ actor }) => actor },
  { head: "role", cell: ({ role }) => role },
  { head: "created", cell: ({ createdAt }) => Wording.moment(createdAt) },
  { head: "by", cell: ({ createdBy }) => createdBy },
  { head: "expires", cell: ({ expiresAt }) => orNever(expiresAt) },
  { head: "revoked", cell: ({ revokedAt }) => orNever(revokedAt) }
])
