/** Somebody who sends a command, whatever happens to the server, until he knows how it ended. */
import { setTimeout as sleep } from "node:timers/promises"
import type { Order } from "./Plan.ts"

/** What a client was told in the end, and what he should not have been told on the way. */
export interface Told {
  readonly commandId: string
  readonly phase: string
  readonly complaints: ReadonlyArray<string>
}

/** A server that was killed is there again within seconds; what takes this long is a finding. */
const patienceMs = 90_000

const isEnd = (phase: unknown): phase is string => phase === "success" || phase === "error" || phase === "timeout"

export const send = async (base: string, { actionType, commandId, how, target }: Order): Promise<Told> => {
  const until = Date.now() + patienceMs
  const complaints: Array<string> = []
  let isAccepted = false
  let pauseMs = 50

  const post = async () => {
    const headers = {
      "content-type": "application/json",
      ...(how === "wait" ? { prefer: "wait=5" } : how === "stream" ? { accept: "text/event-stream" } : {})
    }
    const body = JSON.stringify({ commandId, service: "palantir", actionType, target })
    const answer = await fetch(`${base}/commands/run`, { method: "POST", headers, body, signal: patience() })
    if (answer.status === 200 || answer.status === 202) isAccepted = true
    else if (answer.status !== 503) complaints.push(`POST of ${commandId} was answered with ${answer.status}`)
    await answer.text()
  }
  const get = async () => {
    const answer = await fetch(`${base}/commands/${commandId}`, { signal: patience() })
    if (answer.status === 404) complaints.push(`${commandId} was accepted, and is not known any more`)
    if (answer.status !== 200) return undefined
    return ((await answer.json()) as { readonly phase: unknown }).phase
  }

  while (Date.now() < until) {
    try {
      if (!isAccepted) await post()
      const phase = isAccepted ? await get() : undefined
      if (isEnd(phase)) return { commandId, phase, complaints }
    } catch {
      // The server is down; what was sent may have been accepted or not.
      pauseMs = 50
    }
    await sleep(pauseMs)
    pauseMs = Math.min(1_000, pauseMs * 1.5)
  }
  return { commandId, phase: "none", complaints: [...complaints, `${commandId} had not ended after ${patienceMs} ms`] }
}

const patience = () => AbortSignal.timeout(10_000)

/** The same id with other content is refused, however often and whenever it is sent. */
export const misuse = async (base: string, { commandId }: Order): Promise<ReadonlyArray<string>> => {
  const body = JSON.stringify({ commandId, service: "palantir", actionType: "delete-job", target: "something-else" })
  const headers = { "content-type": "application/json" }
  const answer = await fetch(`${base}/commands/run`, { method: "POST", headers, body, signal: patience() })
  return answer.status === 422 ? [] : [`${commandId} with other content was answered with ${answer.status}`]
}
