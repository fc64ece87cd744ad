/** Answers that are nonsense, as broken servers and the proxies before them give. None of them says that a job is gone. */
import type { ServerResponse } from "node:http"
import { Readable } from "node:stream"
import { JobSource } from "@mithrandir/core"

/** One way to answer with nonsense, whatever was asked. */
export interface Nonsense {
  readonly what: string
  readonly answer: (response: ServerResponse) => void
}

/** Each in its turn. */
export const all: ReadonlyArray<Nonsense> = [
  {
    what: "no JSON",
    answer: (response) => send(response, 200, '{"counts":{"waiting":')
  },
  {
    what: "other JSON",
    answer: (response) =>
      send(response, 200, JSON.stringify({ counts: { waiting: "many" }, data: [{ id: 7 }], nextCursor: false }))
  },
  {
    // Not a 404: of a single job that would say, in good order, that it is gone.
    what: "a wrong status",
    answer: (response) => send(response, 500, JSON.stringify({ error: "the flux capacitor is empty" }))
  },
  {
    what: "cut short",
    answer: (response) => {
      const part = '{"counts":{"waiting":1,"active":'
      response.writeHead(200, { "content-type": "application/json", "content-length": part.length * 10 })
      response.write(part, () => response.destroy())
    }
  },
  {
    what: "endless",
    answer: (response) => {
      response.writeHead(200, { "content-type": "application/json" })
      Readable.from(blanks())
        // Whoever asked has every reason to leave.
        .on("error", () => response.destroy())
        .pipe(response)
    }
  },
  {
    what: "a web page",
    answer: (response) => send(response, 200, "<!doctype html><title>Please sign in</title>", "text/html")
  }
]

const send = (response: ServerResponse, status: number, body: string, type = "application/json") => {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) }).end(body)
}

/** Twice what a source reads of one answer: enough to prove that it stops, and an end for whoever does not. */
const enormous = 2 * JobSource.maxAnswerBytes

const blank = Buffer.alloc(64 * 1024, " ")

function* blanks() {
  for (let sent = 0; sent < enormous; sent += blank.length) yield blank
}
