/** Somebody who listens to the stream for as long as a lane lasts, and takes it up again wherever it broke off. */
import { setTimeout as sleep } from "node:timers/promises"

export interface Listener {
  /** The place of the last event that was heard. */
  readonly last: () => number
  /** What was not as the stream promises, each told once. */
  readonly complaints: () => ReadonlyArray<string>
  readonly close: () => Promise<void>
}

/** From the first event that is kept, or from a snapshot on. */
export const listen = (base: string, from: "first" | "snapshot" = "first"): Listener => {
  const leaving = new AbortController()
  let id = from === "first" ? "0" : ""
  let last = from === "first" ? 0 : undefined
  let complaints: Array<string> = []

  const hear = (line: string) => {
    if (line === "event: stream.reset") complaints.push(`7: the stream was reset after ${id}`)
    const place = /^id: (\S+-(\d+))$/.exec(line)
    if (place === null) return
    const [, whole = "", seq = ""] = place
    // `stream.ready` has the place of what came before it.
    if (last !== undefined && Number(seq) !== last + 1 && whole !== id)
      complaints.push(`7: the stream went from ${id} to ${whole}`)
    id = whole
    last = Number(seq)
  }

  const follow = async () => {
    const { body, status } = await fetch(`${base}/reconciliation/stream${id === "" ? "" : `?lastEventId=${id}`}`, {
      signal: leaving.signal
    })
    if (status !== 200 || body === null) return
    let rest = ""
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split("\n")
      rest = lines.pop() ?? ""
      for (const line of lines) hear(line)
    }
  }

  const goOn = async () => {
    while (!leaving.signal.aborted) {
      // A server that was killed breaks the connection off, or refuses one.
      await follow().catch(() => undefined)
      await sleep(50)
    }
  }
  const going = goOn()

  return {
    last: () => last ?? 0,
    complaints: () => {
      const told = complaints
      complaints = []
      return told
    },
    close: async () => {
      leaving.abort()
      await going
    }
  }
}
