/** A running server, by the same routes that everybody uses. */
import * as HttpClient from "@effect/platform/HttpClient"
import type { AuditLog, Command, Event } from "@mithrandir/core"
import { Client, type Problem } from "@mithrandir/http"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Operator } from "./Access.ts"

/** No server answers there. Nothing was applied, or nothing more than before. */
export class ServerUnreachable extends Schema.TaggedError<ServerUnreachable>()("ServerUnreachable", {
  url: Schema.String
}) {
  override get message() {
    return `no server answers at ${this.url}; start one with: mithrandir serve`
  }
}

/** The command was sent, and then the server was lost: it may go on, and may not. */
export class AnswerLost extends Schema.TaggedError<AnswerLost>()("AnswerLost", {
  url: Schema.String,
  commandId: Schema.String
}) {
  override get message() {
    return `the server at ${this.url} was lost while the command ran; ask again with --command-id ${this.commandId}`
  }
}
