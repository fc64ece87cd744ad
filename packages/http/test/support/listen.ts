/** A listener on the stream that looks at every byte, where `EventSource` would hide ids and ends. */
import * as NodeHttp from "node:http"
import * as Effect from "effect/Effect"
import { check } from "./document.ts"

export interface Seen {
  readonly id: string | undefined
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
  readonly data: any
}

export interface Listening {
  readonly status: number
  readonly headers: NodeHttp.IncomingHttpHeaders
  /** Everything so far. */
  readonly seen: ReadonlyArray<Seen>
  /** The bytes so far. */
  readonly text: () => string
  /** What was seen, as soon as it satisfies. */
  readonly until: (satisfies: (seen: ReadonlyArray<Seen>) => boolean) => Effect.Effect<ReadonlyArray<Seen>>
  /** Succeeds when the other side has ended the stream or cut the connection. */
  readonly ended: Effect.Effect<void>
  readonly leave: Effect.Effect<void>
  /** Whether all of it came. */
  readonly isComplete: () => boolean
  /** Reads nothing until `resume`. */
  readonly pause: Effect.Effect<void>
  /** Reads on, where it was paused. */
  readonly resume: Effect.Effect<void>
}

export interface How {
  readonly headers?: Record<string, string>
  readonly method?: string
  readonly body?: string
  /** Reads nothing until `resume`. */
  readonly paused?: boolean
}

/** Listens until the scope ends, and holds what came by then against the OpenAPI document. */
export const listen = (url: string, how: How = {}) =>
  Effect.tap(open(url, how), (listening) =>
    Effect.addFinalizer(() =>
      Effect.sync(() => {
        const { headers, isComplete, status, text } = listening
        if (headers["content-type"] !== "text/event-stream" && !isComplete()) return
        const named = Object.entries(headers).map(([name, value]) => [name, String(value)])
        check({ method: how.method ?? "GET", url, status, headers: Object.fromEntries(named), text: text() })
      })
    )
  )

const open = (url: string, { body, headers = {}, method = "GET", paused = false }: How) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.async<{ readonly request: NodeHttp.ClientRequest; readonly response: NodeHttp.IncomingMessage }>(
        (resume) => {
          const request = NodeHttp.request(url, { headers, method, agent: false }, (response) =>
            resume(Effect.succeed({ request, response }))
          )
          request.on("error", (error) => resume(Effect.die(error)))
          request.end(body)
        }
      ),
      ({ request }) => Effect.sync(() => request.destroy())
    ),
    ({ request, response }): Listening => {
      const seen: Array<Seen> = []
      const waiting = new Set<() => void>()
      let text = ""
      let rest = ""
      let over = false
      const notify = () => {
        for (const look of Array.from(waiting)) look()
      }
      response.setEncoding("utf8")
      response.on("data", (chunk: string) => {
        text += chunk
        const blocks = (rest + chunk).split("\n\n")
        rest = blocks.pop() ?? ""
        for (const block of blocks) {
          const field = (name: string) =>
            block
              .split("\n")
              .find((line) => line.startsWith(`${name}: `))
              ?.slice(name.length + 2)
          const event = field("event")
          if (event !== undefined) seen.push({ id: field("id"), event, data: JSON.parse(field("data") ?? "null") })
        }
        notify()
      })
      if (paused) response.pause()
      const end = () => {
        over = true
        notify()
      }
      response.on("end", end)
      response.on("error", end)
      response.on("close", end)
      const when = <A>(look: () => A | undefined) =>
        Effect.async<A>((resume) => {
          const again = () => {
            const found = look()
            if (found === undefined) return
            waiting.delete(again)
            resume(Effect.succeed(found))
          }
          waiting.add(again)
          again()
          return Effect.sync(() => waiting.delete(again))
        })
      return {
        status: response.statusCode ?? 0,
        headers: response.headers,
        seen,
        text: () => text,
        until: (satisfies) => when(() => (satisfies(seen) ? seen : undefined)),
        ended: when(() => (over ? true : undefined)),
        pause: Effect.sync(() => response.pause()),
        resume: Effect.sync(() => response.resume()),
        leave: Effect.sync(() => request.destroy()),
        isComplete: () => response.complete
      }
    }
  )

/** What happened, without what the stream says of itself. */
export const happened = (seen: ReadonlyArray<Seen>) =>
  seen.filter(({ event }) => event === "reconciliation.update" || event === "command.status")

/** The number at the end of an id. */
export const seqOf = (id: string | undefined): number => Number(id?.split("-").at(-1))
