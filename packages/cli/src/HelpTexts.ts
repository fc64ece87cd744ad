/** Every help text, by the words that lead to its command: for the build, which writes them where `Brief` reads them. */
import { root } from "./Cli.ts"
import * as Help from "./line/Help.ts"

export const helpTexts: Readonly<Record<string, string>> = Help.all(root)
