/** The answers in what came over a socket, each with the request that it is to, as HTTP/1.1 has them. */
import type { Answered } from "./document.ts"

/** Answers come in the order of the requests. What is not whole, since the connection was cut, is left out. */
export const answersIn = (sent: string, received: string): ReadonlyArray<Answered> => {
  const requests = Array.from(sent.matchAll(/^([A-Z]+) (\S+) HTTP\/1\.1\r$/gm), ([, method = "", url = ""]) => {
    return { method, url }
  })
  const answers: Array<Answered> = []
  let rest: Buffer = Buffer.from(received)
  while (true) {
    const { method, url } = requests[answers.length] ?? { method: "?", url: "/" }
    const found = take(rest, method)
    if (found === undefined) return answers
    rest = found.rest
    // An interim answer is followed by the one.
    if (found.status >= 200) {
      answers.push({ method, url, status: found.status, headers: found.headers, text: found.body.toString() })
    }
  }
}

const take = (bytes: Buffer, method: string) => {
  const end = bytes.indexOf("\r\n\r\n")
  if (end === -1) return undefined
  const [first = "", ...lines] = bytes.subarray(0, end).toString().split("\r\n")
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1])
  const headers = Object.fromEntries(
    lines.map((line) => [line.split(":")[0]?.toLowerCase(), line.replace(/^[^:]*:\s*/, "")])
  )
  const after = bytes.subarray(end + 4)
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) {
    return { status, headers, body: Buffer.alloc(0), rest: after }
  }
  const taken = headers["transfer-encoding"] === "chunked" ? chunks(after) : counted(after, headers["content-length"])
  return taken === undefined ? undefined : { status, headers, ...taken }
}

/** Without a length the body is all that comes. */
const counted = (bytes: Buffer, length = `${bytes.length}`) =>
  Number(length) > bytes.length
    ? undefined
    : { body: bytes.subarray(0, Number(length)), rest: bytes.subarray(Number(length)) }

const chunks = (bytes: Buffer) => {
  const parts: Array<Buffer> = []
  for (let at = 0; ; ) {
    const end = bytes.indexOf("\r\n", at)
    if (end === -1) return undefined
    const size = Number.parseInt(bytes.subarray(at, end).toString(), 16)
    at = end + 2 + size + 2
    if (at > bytes.length) return undefined
    if (size === 0) return { body: Buffer.concat(parts), rest: bytes.subarray(at) }
    parts.push(bytes.subarray(end + 2, end + 2 + size))
  }
}
