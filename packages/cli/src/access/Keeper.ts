/** Who makes and revokes tokens, whichever way it gets at the house. */
import type { Token, Tokens } from "@mithrandir/core"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { Failure } from "../line/Program.ts"

/** What needs the one writer, and none of the services. */
export interface Keeper {
  /** Makes a token. Its text is in the answer and nowhere else. */
  readonly create: (
    request: Tokens.NewToken
  ) => Effect.Effect<{ readonly text: Redacted.Redacted; readonly token: Token.Token }, Failure>
  /** Has a token be worth nothing from now on. */
  readonly revoke: (id: string) => Effect.Effect<Token.Token, Failure>
}
