/** Every way in which a Palantir fails, and what is to be made of it: the rows of a matrix. */
import type { RequestListener, ServerResponse } from "node:http"
import { gzipSync } from "node:zlib"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { maxAnswerBytes, SourceInvalid, SourceUnavailable } from "../../src/sources/JobSource.ts"
import type { Told } from "./calls.ts"
import * as certificates from "./certificates.ts"
import * as Front from "./front.ts"

/** How to bring a Palantir into trouble, and out of it. */
export interface Trouble {
  /** Whoever asks it is in trouble. */
  readonly everywhere: (front: Front.Front) => Effect.Effect<void>
  /** Whoever wants something done is, and was heard before or not. Absent: nobody is, there. */
  readonly ofActions?: (front: Front.Front, heard: "heard" | "unheard") => Effect.Effect<void>
  readonly over: (front: Front.Front) => Effect.Effect<void>
  readonly secure?: true
}

/** It gives another answer than it should. */
const answering = (answer: RequestListener): Trouble => ({
  everywhere: (front) => front.misbehave({ answer }),
  ofActions: (front, heard) => front.misbehave({ answer, when: Front.isAction, after: heard === "heard" }),
  over: (front) => front.misbehave(undefined)
})

/** It gives another answer than it should to some of the questions. */
const answeringTo = (paths: ReadonlyArray<string>, answer: RequestListener): Trouble => ({
  everywhere: (front) =>
    front.misbehave({ answer, when: (request) => paths.some((path) => Front.asks(path)(request)) }),
  over: (front) => front.misbehave(undefined)
})

/** Nobody can connect to it any more: at once, or once it has said how a job is. */
const unreachable = (turn: (front: Front.Front) => void, secure: { readonly secure?: true } = {}): Trouble => ({
  ...secure,
  everywhere: (front) => Effect.sync(() => turn(front)),
  ofActions: (front) =>
    front.misbehave({
      answer: (request, response) =>
        void front.pass(request).then((given) => {
          response.on("finish", () => turn(front))
          response.setHeader("connection", "close")
          Front.give(response, given)
        })
    }),
  over: (front) =>
    Effect.zipRight(
      front.misbehave(undefined),
      Effect.suspend(() => {
        if (secure.secure === true) front.show(certificates.good)
        return front.reopen
      })
    )
})

const showing = (cert: string) => unreachable((front) => front.show(cert), { secure: true })

export interface Row {
  readonly trouble: Trouble
  /** How every read fails. Absent: they do not all fail alike; `PalantirFailures` has them. */
  readonly reading?: Told
  /** The status that it answers with, where it does nothing else. */
  readonly status?: number
  /** There is another row that differs in the number alone: of this one, the calls are enough. */
  readonly isOneOfMany?: boolean
  /** How every action fails. Default: as reads do. */
  readonly acting?: Told
  /** What is said of a pass. */
  readonly message: string
  /** How a command ends whose action fails so, and was not applied. */
  readonly outcome: "failure" | "timeout"
  readonly requestTimeout?: Duration.DurationInput
}

const invalid = (problem: string) => new SourceInvalid({ problem }).message
const unavailable = (reason: SourceUnavailable["reason"], status?: number) =>
  new SourceUnavailable({ reason, ...(status === undefined ? {} : { status }) }).message

const isLost = (reason: "connect" | "timeout" | "reset", trouble: Trouble): Row => ({
  trouble,
  reading: { tag: "SourceUnavailable", reason },
  message: unavailable(reason),
  outcome: reason === "connect" ? "failure" : "timeout"
})

const isInvalid = (problem: string, trouble: Trouble): Row => ({
  trouble,
  reading: { tag: "SourceInvalid" },
  message: invalid(problem),
  outcome: "timeout"
})

const isNonsense = (body: string | Buffer, headers: Record<string, string> = {}): Row =>
  isInvalid(
    "not the JSON that was expected",
    answering((_, response) => response.writeHead(200, { "content-type": "application/json", ...headers }).end(body))
  )

const withStatus = (status: number): Trouble => answering((_, response) => response.writeHead(status).end())

/** Of a status that decides nothing, and so leaves it open what became of an action. */
const isOpen = (status: number): Row => ({
  trouble: withStatus(status),
  reading: { tag: "SourceUnavailable", reason: "status", status },
  message: unavailable("status", status),
  status,
  outcome: "timeout"
})

/** Of a status with which an action was certainly not taken. */
const isDecisive = (status: number, reason: SourceUnavailable["reason"]): Row => ({
  trouble: withStatus(status),
  reading: { tag: "SourceUnavailable", reason, ...(reason === "status" ? { status } : {}) },
  acting: { tag: "ActionRejected", status },
  message: unavailable(reason, status),
  status,
  outcome: "failure"
})

/** Sends so much, as fast as it is taken. */
const pouring =
  (bytes: number): RequestListener =>
  (_, response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": bytes })
    const chunk = Buffer.alloc(1024 * 1024, " ")
    const pour = (left: number): void => {
      if (left <= 0) return void response.end()
      response.write(chunk, (error) => (error ? undefined : pour(left - chunk.length)))
    }
    pour(bytes)
  }

/** Says something again and again for as long as somebody listens. */
const dripping = (response: ServerResponse, drip: () => void) => {
  const timer = setInterval(drip, 5)
  response.on("close", () => clearInterval(timer))
}

/** Time enough for an answer on a machine that is busy; what is late takes as long. */
export const short = { requestTimeout: "800 millis" } as const

/** It sends whoever asks it to another port, where everything would be well. */
const isRedirect = (status: number): Row => {
  const answer =
    ({ behind }: Front.Front): RequestListener =>
    ({ url }, response) =>
      response.writeHead(status, { location: `${behind}${url}` }).end()
  return {
    ...isOpen(status),
    trouble: {
      everywhere: (front) => front.misbehave({ answer: answer(front) }),
      ofActions: (front, heard) =>
        front.misbehave({ answer: answer(front), when: Front.isAction, after: heard === "heard" }),
      over: (front) => front.misbehave(undefined)
    }
  }
}

const megabyte = 1024 * 1024
// Members one after the other are one stream, of which no more than one had to be made.
const bomb = Buffer.concat(Array.from({ length: 200 }, () => gzipSync(Buffer.alloc(megabyte, " "), { level: 9 })))

const counting = (change: object) =>
  answeringTo(["jobs/counts", "queues/default"], (_, response) => {
    const counts = { waiting: 1, active: 1, delayed: 0, completed: 1, failed: 2, ...change }
    Front.give(response, { status: 200, body: JSON.stringify({ name: "default", counts }) })
  })

const listing = (
  page: (cursor: string | null, n: number) => { readonly ids: ReadonlyArray<string>; readonly next: string | null }
) => {
  let n = 0
  return answeringTo(["jobs"], ({ url = "" }, response) => {
    const { ids, next } = page(new URL(url, "http://here").searchParams.get("cursor"), n++)
    const data = ids.map((id) => ({ id, queue: "default", state: "waiting" }))
    Front.give(response, { status: 200, body: JSON.stringify({ data, nextCursor: next }) })
  })
}

const isMiscounted = (change: object): Row => ({
  trouble: counting(change),
  message: invalid("an unexpected value at counts.active"),
  outcome: "failure"
})

const isMislisted = (problem: string, trouble: Trouble): Row => ({
  trouble,
  message: invalid(problem),
  outcome: "failure"
})

/** A row of each of these statuses: of the first few all of it. */
const many = (statuses: ReadonlyArray<number>, name: string, row: (status: number) => Row, whole: number) =>
  Object.fromEntries(
    statuses.map((status, at) => [`${name} ${status}`, { ...row(status), isOneOfMany: at >= whole }] as const)
  )

export const rows: Readonly<Record<string, Row>> = {
  "the connection is refused": isLost(
    "connect",
    unreachable((front) => front.shut())
  ),
  "the certificate has expired": isLost("connect", showing(certificates.expired)),
  "the certificate is somebody else's": isLost("connect", showing(certificates.ofAnother)),
  "it says nothing": {
    ...isLost(
      "timeout",
      answering(() => {})
    ),
    ...short
  },
  "the body drips": {
    ...isLost(
      "timeout",
      answering((_, response) => {
        response.writeHead(200, { "content-type": "application/json" })
        dripping(response, () => response.write(" "))
      })
    ),
    ...short
  },
  "it is about to answer, again and again": {
    ...isLost(
      "timeout",
      answering((_, response) => dripping(response, () => response.writeProcessing()))
    ),
    ...short,
    isOneOfMany: true
  },
  "the connection breaks after the request was sent": isLost(
    "reset",
    answering(({ socket }) => socket.resetAndDestroy())
  ),
  "the connection is closed without a word": isLost(
    "reset",
    answering(({ socket }) => socket.end())
  ),
  "the connection breaks in the middle of the answer": isLost(
    "reset",
    answering(({ socket }, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": "1000" })
      response.write('{"counts":', () => socket.destroy())
    })
  ),
  "what it speaks is not HTTP": isLost(
    "reset",
    answering(({ socket }) => socket.end("SSH-2.0-OpenSSH_9.2\r\n"))
  ),
  "it changes to another protocol": {
    ...isOpen(101),
    trouble: answering(({ socket }) =>
      socket.end("HTTP/1.1 101 Switching Protocols\r\nupgrade: it\r\nconnection: upgrade\r\n\r\n")
    )
  },
  ...many([500, 502, 503, 300, 304, 410, 418, 599], "status", isOpen, 3),
  ...many([307, 301, 302, 303, 308], "another port to go to, with status", isRedirect, 1),
  ...many([400, 409, 422], "status", (status) => isDecisive(status, "status"), 3),
  ...many([401, 403], "status", (status) => isDecisive(status, "denied"), 2),
  "status 429": isDecisive(429, "limited"),
  "status 404": { trouble: withStatus(404), message: unavailable("status", 404), outcome: "failure" },
  "the JSON is cut off": isNonsense('{"counts":{"waiting":1,'),
  "there is no body": isNonsense(""),
  "the JSON is nested without end": isNonsense("[".repeat(100_000)),
  "it answers with a page to log in at": isNonsense("<html><form>Who are you?</form></html>", {
    "content-type": "text/html"
  }),
  "it sends a body with a status that has none": isInvalid(
    "a status that the contract does not give",
    answering((_, response) => response.writeHead(205).end("[]"))
  ),
  "the body has 200 MB": {
    ...isInvalid(`more than ${maxAnswerBytes} bytes`, answering(pouring(200 * megabyte))),
    requestTimeout: "20 seconds"
  },
  "the body is compressed, and has 200 MB once it is not": isNonsense(bomb, { "content-encoding": "gzip" }),
  "a count is negative": isMiscounted({ active: -1 }),
  "a count is a fraction": isMiscounted({ active: 1.5 }),
  "a count is huge": isMiscounted({ active: 2 ** 53 }),
  "a count is more than a number holds": isMiscounted({ active: 1e300 }),
  "an id is listed twice": isMislisted(
    "an id that is listed twice",
    listing(() => ({ ids: ["a", "b", "a"], next: null }))
  ),
  "an id is listed again on another page": isMislisted(
    "an id that is listed twice",
    listing((cursor) => (cursor === null ? { ids: ["a"], next: "2" } : { ids: ["a"], next: null }))
  ),
  "the listing has ever new pages": isMislisted(
    "a listing that never ends",
    listing((_, n) => ({ ids: [`${n}`], next: `${n}` }))
  ),
  "the listing gives the same cursor again": isMislisted(
    "a listing that never ends",
    listing((_, n) => ({ ids: [`${n}`], next: "again" }))
  ),
  "the listing goes in a circle": isMislisted(
    "a listing that never ends",
    listing((_, n) => ({ ids: [`${n}`], next: n % 2 === 0 ? "here" : "there" }))
  ),
  "the listing goes on without jobs": isMislisted(
    "a listing that never ends",
    listing((_, n) => ({ ids: [], next: `${n}` }))
  )
}
