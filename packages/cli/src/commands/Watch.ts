/** `mithrandir watch`: what happens at a server, as it happens. */
import * as HttpClient from "@effect/platform/HttpClient"
import { Event, Service } from "@mithrandir/core"
import type { Client } from "@mithrandir/http"
import * as Clock from "effect/Clock"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Access from "../access/Access.ts"
import { choice } from "../config/SchemaProblem.ts"
import * as Flags from "../line/Flags.ts"
import * as Program from "../line/Program.ts"
import * as ExitCode from "../output/ExitCode.ts"
import * as Output from "../output/Output.ts"
import * as Retelling from "../output/Retelling.ts"
import * as Signals from "../output/Signals.ts"
import * as Terminal from "../output/Terminal.ts"

const about = Flags.optional({
  name: "service",
  alias: "s",
  placeholder: "SERVICES",
  help: "only these services, with commas between them",
  schema: Flags.listOf(Service.ServiceId, "service ids, with commas between them")
})

const events = Flags.optional({
  name: "event",
  placeholder: "EVENTS",
  help: `only these events, with commas between them: ${Event.EventName.literals.join(", ")}`,
  schema: Flags.listOf(Event.EventName, `${choice(Event.EventName.literals)}, or several with commas between them`)
})

const lastEventId = Flags.optional({
  name: "last-event-id",
  placeholder: "ID",
  help: "go on after this event; 0: everything that is kept",
  default: "how it stands, and what comes",
  schema: Schema.String.pipe(Schema.pattern(/^[\x21-\x7e]{1,100}$/)).annotations({ description: "the id of an event" })
})

export const program = Program.make({
  name: "watch",
  summary: "Follow what happens at a running server, as it happens.",
  details: [
    "On a terminal it is a table that keeps itself up to date. Elsewhere, and with -o lines, lines tell what changes, and not each pass. -o ndjson has every event, with the id to go on after. It goes on over connections that break and servers that restart, and loses nothing that is kept."
  ],
  inputs: {
    about,
    events,
    lastEventId,
    ...Flags.access,
    output: Flags.output(["table", "lines", "ndjson"])
  },
  examples: [
    { says: "Everything, until Ctrl-C", line: "mithrandir watch --url http://127.0.0.1:4410" },
    {
      says: "The commands of one service, for another program",
      line: "mithrandir watch --service palantir --event command.status -o ndjson --url http://127.0.0.1:4410"
    },
    {
      says: "The first ten events of all that are kept",
      line: "mithrandir watch --last-event-id 0 -o ndjson --url http://127.0.0.1:4410 | head"
    }
  ],
  exits: {
    ...ExitCode.wordsOf(ExitCode.failed, ExitCode.usage, ExitCode.notAllowed),
    0: "whoever read it reads no more",
    1: "what answers is no server of ours",
    5: "there is no server",
    130: "stopped"
  },
  run: (given) =>
    Effect.gen(function* () {
      Terminal.endWithReader()
      const server = yield* Access.server(given)
      // Later it waits for a server that comes back; one that was never there may be a typing error.
      yield* Access.nothingAtStake(Effect.flatMap(Access.clientOf(server), ({ live }) => live))
      const draws = given.output === "table" && Terminal.canRedraw()
      const screen = draws ? yield* Effect.flatMap(loadScreen, ({ make }) => make(titleOf(server.url))) : undefined
      const remark = screen?.remark ?? Output.note
      const client = yield* Access.clientOf(server).pipe(
        Effect.provideServiceEffect(HttpClient.HttpClient, Effect.map(HttpClient.HttpClient, retold(remark)))
      )
      const query: Client.Subscription = {
        ...(Option.isSome(given.about) ? { services: given.about.value } : {}),
        ...(Option.isSome(given.events) ? { names: given.events.value } : {}),
        ...(Option.isSome(given.lastEventId) ? { lastEventId: given.lastEventId.value } : {})
      }
      const told = client.subscribe(query).pipe(Stream.tap(gap(remark)))
      if (screen !== undefined) return yield* Stream.runForEach(told, screen.show)
      yield* given.output === "ndjson" ? ndjson(told) : lines(told, yield* Clock.currentTimeMillis)
    }).pipe(Effect.scoped, Signals.interruptible)
})

/** Loaded where it is drawn on alone: it would make every start longer. */
const loadScreen = Effect.promise(() => import("../output/Screen.ts"))
const titleOf = (url: string) => `${url}, as it happens; Ctrl-C ends`

/** Every message but those that say nothing happened, an object a line. */
const ndjson = (told: Stream.Stream<Client.StreamEvent, Client.SubscribeError>) =>
  Stream.runForEach(told, (message) => Output.chunk(`${Output.compactJson(encode(message))}\n`))

const encode = (message: Client.StreamEvent) => {
  switch (message.event) {
    case "reconciliation.update":
      return { ...message, data: encodeUpdate(message.data) }
    case "command.status":
      return { ...message, data: encodeStatus(message.data) }
    default:
      return message
  }
}

const encodeUpdate = Schema.encodeSync(Event.ReconciliationUpdate)
const encodeStatus = Schema.encodeSync(Event.CommandStatus)

/** A line for what changes, with the time at which it happened. `began` is when we began to watch. */
const lines = (told: Stream.Stream<Client.StreamEvent, Client.SubscribeError>, began: number) =>
  told.pipe(
    Stream.mapAccum(Retelling.start, (before, message) => Retelling.tell(before, message, began)),
    Stream.runForEach(({ at, lines }) => (at === "now" ? Output.happening(lines, Output.data) : happened(lines, at)))
  )

const happened = (lines: ReadonlyArray<string>, at: DateTime.Utc | undefined) => Output.happened(lines, at, Output.data)

/** Says something beside what happened, which holds for a while, or until something else is said. */
type Remark = (text: string, passes: boolean) => Effect.Effect<void>

/** What `stream.reset` says, in words. */
const gap = (remark: Remark) => (message: Client.StreamEvent) =>
  message.event === "stream.reset"
    ? remark(`it cannot go on after that event (${reasons[message.data.reason]}); how it stands now:`, true)
    : Effect.void

const reasons = {
  malformed: "no event has such an id",
  foreign: "it is of another database",
  future: "it has not happened yet",
  pruned: "it is no longer kept",
  behind: "too much has happened since"
} as const

/** The client asks again by itself when a connection breaks; whoever watches is told so. */
const retold =
  (remark: Remark) =>
  (http: HttpClient.HttpClient): HttpClient.HttpClient => {
    let isFirst = true
    let isLost = false
    return HttpClient.transform(http, (answer) =>
      Effect.suspend(() => {
        const lost = !isFirst && !isLost
        isLost = isLost || lost
        isFirst = false
        return Effect.zipRight(lost ? remark("the connection is lost; trying again", false) : Effect.void, answer).pipe(
          Effect.tap(({ status }) => {
            if (!isLost || status !== 200) return Effect.void
            isLost = false
            return remark("connected again", true)
          })
        )
      })
    )
  }
