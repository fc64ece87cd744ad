/** The JSON Schema of `mithrandir.json`, for editors. Published with the package; made from what the program reads by. */
import * as JSONSchema from "effect/JSONSchema"
import * as Config from "./Config.ts"

/** In draft-07, which every editor understands. */
export const document = {
  ...JSONSchema.make(Config.ConfigFile, { target: "jsonSchema7" }),
  title: "mithrandir.json",
  description: "The config file of Mithrandir. Flags, MITHRANDIR_* variables and .env, in this order, come before it."
}
