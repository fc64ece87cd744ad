/** What can go wrong between a client and its server. */
import { HttpApiDecodeError } from "@effect/platform/HttpApiError"
import { type HttpClientError, isHttpClientError } from "@effect/platform/HttpClientError"
import type { Command, Service, Store } from "@mithrandir/core"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { Problem } from "./Problem.ts"

/** No connection could be made: nothing was asked of anybody. */
export class ServerUnreachable extends Schema.TaggedError<ServerUnreachable>()("ServerUnreachable", {
  url: Schema.String
}) {
  override get message() {
    return `no server answers at ${this.url}`
  }
}

/** The request was sent, or may have been, and no answer came. What it asked for may be done, and may not. */
export class AnswerLost extends Schema.TaggedError<AnswerLost>()("AnswerLost", { url: Schema.String }) {
  override get message() {
    return `no answer came from ${this.url} that says what became of it`
  }
}

/** What answers there is no Mithrandir, or one that we do not understand. */
export class AnswerInvalid extends Schema.TaggedError<AnswerInvalid>()("AnswerInvalid", {
  url: Schema.String,
  status: Schema.optionalWith(Schema.Int, { exact: true })
}) {
  override get message() {
    return `what answers at ${this.url} is not a Mithrandir server${this.status === undefined ? "" : ` (status ${this.status})`}`
  }
}

/** There is no answer of a Mithrandir. */
export type ConnectionError = ServerUnreachable | AnswerLost | AnswerInvalid

/** Why a command was not accepted, or may not have been. */
export type SubmitError =
  | Service.ServiceNotFound
  | Command.ActionNotFound
  | Command.ActionNotSupported
  | Command.CommandInvalid
  | Command.CommandIdTaken
  | Store.StoreUnavailable
  | Store.StoreUnreadable
  | Problem
  | ConnectionError

/** What the framework's client fails with where it gets no answer that the routes have a word for. */
export type Unspoken = HttpClientError | ParseResult.ParseError | HttpApiDecodeError

/** Whether an error is none that the routes have a word for. */
export const isUnspoken = (error: unknown): error is Unspoken =>
  isHttpClientError(error) || ParseResult.isParseError(error) || error instanceof HttpApiDecodeError

/** The framework's error in our words. It carries the url, and nothing of what was sent. */
export const connectionError = (url: string, error: Unspoken): ConnectionError => {
  switch (error._tag) {
    case "RequestError":
      return isRefused(error.cause) ? new ServerUnreachable({ url }) : new AnswerLost({ url })
    case "ResponseError":
      // A body that broke off is a decode error to the framework; only with its cause it was the connection.
      return error.reason === "Decode" && error.cause !== undefined
        ? new AnswerLost({ url })
        : new AnswerInvalid({ url, status: error.response.status })
    default:
      return new AnswerInvalid({ url })
  }
}

/** The system's words for a connection that was never made. */
const refused = ["ECONNREFUSED", "ENOTFOUND", "EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL", "EAI_AGAIN"]

/** A name with several addresses fails with one error around theirs. */
const isRefused = (cause: unknown): boolean =>
  cause instanceof AggregateError
    ? cause.errors.every(isRefused)
    : cause instanceof Error && "code" in cause && refused.includes(String(cause.code))
