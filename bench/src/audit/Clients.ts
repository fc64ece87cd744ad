/** Who asks: a process of its own, over connections that are kept. */
import { Agent, get } from "node:http"

/** What they are told. */
export interface Asked {
  readonly port: number
  readonly headers: Readonly<Record<string, string>>
  readonly paths: ReadonlyArray<string>
  /** As many at once; the next as soon as one is answered. */
  readonly atOnce?: number
  /** Or so many a second, whatever comes back. */
  readonly rate?: number
  readonly seconds: number
  /** Each path at most once. */
  readonly once?: boolean
}

/** What came of it. */
export interface Answered {
  readonly count: number
  readonly bytes: number
  /** Milliseconds, soonest first. */
  readonly delays: ReadonlyArray<number>
  readonly statuses: Readonly<Record<string, number>>
  /** Of the last. */
  readonly etag: string
}

const agent = new Agent({ keepAlive: true, maxSockets: 256 })

const ask = (port: number, path: string, headers: Asked["headers"]) =>
  new Promise<readonly [status: number, bytes: number, etag: string]>((resolve, reject) => {
    get({ port, host: "127.0.0.1", path, headers, agent }, (response) => {
      let bytes = 0
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length
      })
      response.on("end", () => resolve([response.statusCode ?? 0, bytes, response.headers.etag ?? ""]))
    }).on("error", reject)
  })

const run = async ({ atOnce = 8, headers, once = false, paths, port, rate, seconds }: Asked): Promise<Answered> => {
  const end = performance.now() + seconds * 1000
  const delays: Array<number> = []
  const statuses: Record<string, number> = {}
  let bytes = 0
  let next = 0
  let etag = ""
  const one = async () => {
    const path = paths[next++ % paths.length] ?? "/"
    const began = performance.now()
    const [status, length, tag] = await ask(port, path, headers)
    delays.push(performance.now() - began)
    statuses[status] = (statuses[status] ?? 0) + 1
    bytes += length
    etag = tag
  }
  const goesOn = () => performance.now() < end && !(once && next >= paths.length)
  if (rate === undefined) {
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (goesOn()) await one()
      })
    )
  } else {
    const began = performance.now()
    const all: Array<Promise<void>> = []
    while (goesOn()) {
      const due = Math.floor(((performance.now() - began) / 1000) * rate)
      while (all.length < due) all.push(one())
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    await Promise.all(all)
  }
  return { count: delays.length, bytes, delays: delays.sort((a, b) => a - b), statuses, etag }
}

process.on("message", (asked: Asked) => {
  void run(asked).then((answered) => process.send?.(answered))
})
process.on("disconnect", () => process.exit())
process.send?.("ready")
