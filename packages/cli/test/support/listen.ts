/** A listener to the stream, as a dashboard has one: a standard `EventSource`. */
import { EventSource } from "eventsource"
import { fetch } from "../../../http/test/support/fetch.ts"

// biome-ignore lint/suspicious/noExplicitAny: JSON, as a dashboard would read it
export type Json = any

export const json = (response: Response): Promise<Json> => response.json()

export interface Heard {
  readonly event: string
  readonly id: string
  readonly data: Json
}

export interface Listener {
  readonly heard: ReadonlyArray<Heard>
  /** The first event, heard already or yet to come, that fits. */
  readonly wait: (what: string, fits: (heard: Heard) => boolean, patienceMs?: number) => Promise<Heard>
  readonly close: () => void
}

const names = ["reconciliation.update", "command.status", "heartbeat", "stream.ready", "stream.reset"]

/** Listens from now on, or from after an id. */
export const listen = (
  url: string,
  options: { readonly query?: string; readonly lastEventId?: string } = {}
): Listener => {
  const heard: Array<Heard> = []
  const watchers = new Set<() => void>()
  const source = new EventSource(`${url}/reconciliation/stream${options.query ?? ""}`, {
    fetch: (input, init) =>
      fetch(input, {
        ...init,
        headers: {
          ...init?.headers,
          ...(options.lastEventId === undefined ? {} : { "last-event-id": options.lastEventId })
        }
      })
  })
  for (const name of names) {
    source.addEventListener(name, (message) => {
      heard.push({ event: name, id: message.lastEventId, data: JSON.parse(message.data) })
      for (const watcher of watchers) watcher()
    })
  }
  const wait: Listener["wait"] = (what, fits, patienceMs = 20_000) =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        watchers.delete(look)
        reject(new Error(`${what} was not heard; heard: ${JSON.stringify(heard.slice(-5), null, 1)}`))
      }, patienceMs)
      const look = () => {
        const found = heard.find(fits)
        if (found === undefined) return
        watchers.delete(look)
        clearTimeout(late)
        resolve(found)
      }
      watchers.add(look)
      look()
    })
  return { heard, wait, close: () => source.close() }
}

/** Everything that somebody said of a service. */
export const updates = (listener: Listener, service: string) =>
  listener.heard.filter(({ data, event }) => event === "reconciliation.update" && data.service === service)
