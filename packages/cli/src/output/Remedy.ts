/** What to do about an error that does not say so itself, for whoever sits at a terminal: others have other means. */

/** By its tag or its code. */
const remedies: Readonly<Record<string, string>> = {
  AnswerInvalid: "; give the url of one, with the prefix if its API is mounted under one",
  AuditEntryNotFound: "; a command is there once it has ended, and mithrandir audit list shows what is",
  CommandInvalid: "; nothing was run: correct it and try again",
  ServerUnreachable: "; start one there with mithrandir serve, or name another url",
  unauthenticated: ": the server wants a token that it knows; give it one in MITHRANDIR_TOKEN"
}

/** What goes after an error's own words; empty where they are enough. */
export const of = (error: Error): string =>
  ("_tag" in error && find(error._tag)) || ("code" in error && find(error.code)) || ""

const find = (name: unknown): string | undefined =>
  typeof name === "string" && Object.hasOwn(remedies, name) ? remedies[name] : undefined
