/** Answers the routes of tokens, tickets and security events. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import { SecurityLog, Tokens } from "@mithrandir/core"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { CurrentPrincipal } from "./Admission.ts"
import * as Arrival from "./Arrival.ts"
import { Gatekeeper } from "./Gatekeeper.ts"
import type { Mounted } from "./Mount.ts"
import * as Problem from "./Problem.ts"
import { lifetime, Tickets } from "./Tickets.ts"

/** Fills in what the request leaves out. What it says was checked already. */
const withDefaults = Schema.decodeSync(SecurityLog.SecurityQuery)

/** The handlers of its group, within the API called `Id`. */
export const layer = <Id extends string>(api: Mounted<Id>) =>
  HttpApiBuilder.group(api, "mithrandirSecurity", (handlers) =>
    Effect.gen(function* () {
      const log = yield* SecurityLog.SecurityLog
      const gatekeeper = yield* Gatekeeper
      const tickets = yield* Tickets
      const tokens = yield* Tokens.Tokens
      return handlers
        .handle("events", ({ urlParams }) => log.page(withDefaults(urlParams)))
        .handle("tokens", () => Effect.map(tokens.list, (data) => ({ data })))
        .handle("createToken", ({ payload }) =>
          Effect.gen(function* () {
            const { actor } = yield* CurrentPrincipal
            const { text, token } = yield* tokens.create(payload, actor)
            return { ...token, token: Redacted.value(text) }
          })
        )
        .handle("revokeToken", ({ path: { id } }) =>
          Effect.flatMap(CurrentPrincipal, ({ actor }) => tokens.revoke(id, actor))
        )
        .handle("ticket", () =>
          Effect.gen(function* () {
            const principal = yield* CurrentPrincipal
            const issued = tickets.issue(principal, yield* Clock.currentTimeMillis)
            if (issued === undefined) {
              const detail = "too many tickets wait to be used; they last for half a minute"
              const problem = Problem.make("too-many-tickets", { detail, retryAfter: retryAfterSeconds })
              yield* Arrival.noted(gatekeeper, principal)(problem)
              return yield* problem
            }
            return { ticket: issued.ticket, expiresAt: DateTime.unsafeMake(issued.expiresAt) }
          })
        )
    })
  )

/** By then every ticket that waits now is spent or over. */
const retryAfterSeconds = Duration.toSeconds(lifetime)
