/** The numbers that the process ends with. Scripts rely on them: they never change their meaning. */

/** What was asked for is done. */
export const ok = 0
/** It was tried, and failed; also a command whose effect was looked for and not found. */
export const failed = 1
/** What was asked for cannot be understood, or cannot be asked for. Nothing was tried. */
export const usage = 2
/** A pass found a discrepancy, and `--exit-code` asked to be told so. */
export const discrepancy = 3
/** The server does not let this caller do it. */
export const notAllowed = 4
/** The upstream or the server was never reached: nothing was applied. */
export const unreachable = 5
/** A command was sent, and what became of it is not known. */
export const unknown = 6
/** Somebody stopped it, with Ctrl-C or a signal. */
export const interrupted = 130

export type ExitCode = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 130

/** Some of the numbers, and what each means to whoever reads help. */
export type ExitWords = { readonly [Code in ExitCode]?: string }

/** What each number means wherever it is met: of the program as a whole. */
export const words: Required<ExitWords> = {
  0: "done",
  1: "failed; also a command whose effect was looked for and not found",
  2: "it cannot be understood; nothing was tried",
  3: "a discrepancy, with reconcile --exit-code",
  4: "not allowed",
  5: "the upstream or the server was never reached",
  6: "unknown: something was sent, and what became of it cannot be told",
  130: "interrupted"
}

/** The words of these numbers for a command that has no effect to look for. */
export const wordsOf = (...codes: ReadonlyArray<ExitCode>): ExitWords =>
  Object.fromEntries(codes.map((code) => [code, code === failed ? "failed" : words[code]]))

/** What only looks can end with. */
export const ofLooking: ExitWords = wordsOf(ok, failed, usage, notAllowed, unreachable, interrupted)
