/** What an upstream did not answer, as a problem. */
import type { JobSource } from "@mithrandir/core"
import * as Problem from "./Problem.ts"

/** For `Effect.catchTags`: a source that could not be read is a 502, or a 504 where it took too long. */
export const problems = {
  SourceUnavailable: ({ message, reason }: JobSource.SourceUnavailable): Problem.Problem =>
    Problem.make(reason === "timeout" ? "upstream-timeout" : "upstream-unreachable", { detail: message }),
  SourceInvalid: ({ message }: JobSource.SourceInvalid): Problem.Problem =>
    Problem.make("upstream-invalid", { detail: message })
}
