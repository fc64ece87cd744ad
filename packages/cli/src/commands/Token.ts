/** `mithrandir token`: who may come in. */
import type * as Program from "../line/Program.ts"
import * as TokenCreate from "./TokenCreate.ts"
import * as TokenList from "./TokenList.ts"
import * as TokenRevoke from "./TokenRevoke.ts"

export const group: Program.Group = {
  _tag: "group",
  name: "token",
  summary: "Say who may come in: make tokens, list them, revoke them.",
  members: [TokenCreate.program, TokenList.program, TokenRevoke.program]
}
