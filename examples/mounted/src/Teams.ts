/** What this API had before Mithrandir came: who owns which service. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** Nobody owns the service. */
export class NoTeam extends Schema.TaggedError<NoTeam>()("NoTeam", { service: Schema.String }) {}

/** The routes, as data. */
export class TeamsApi extends HttpApiGroup.make("teams").add(
  HttpApiEndpoint.get("owner", "/teams/:service")
    .setPath(Schema.Struct({ service: Schema.String }))
    .addSuccess(Schema.Struct({ team: Schema.String }))
    .addError(NoTeam, { status: 404 })
) {}

const owners: Readonly<Record<string, string>> = { mail: "messaging", media: "assets" }

/** Who owns a service. */
export const owner = (service: string): Effect.Effect<{ readonly team: string }, NoTeam> => {
  const team = owners[service]
  return team === undefined ? new NoTeam({ service }) : Effect.succeed({ team })
}
