/** `fetch` for tests: what answers is held against the OpenAPI document. */
import { type Answered, check } from "./document.ts"

type Hold = (answered: Answered) => void

/** As the global one. What has no operation in the document, as another server's, is let be. */
export const fetch = async (input: string | URL, init: RequestInit = {}): Promise<Response> =>
  held(await globalThis.fetch(input, init), { method: init.method ?? "GET", url: String(input) })

/** The same response, held as it comes: a stream piece by piece, and anything else before it is given. */
export const held = async (
  response: Response,
  asked: Pick<Answered, "method" | "url">,
  hold: Hold = check
): Promise<Response> => {
  const { body, status } = response
  const headers = Object.fromEntries(response.headers)
  const holdText = (text: string) => hold({ ...asked, status, headers, text })
  if (body === null || headers["content-type"]?.startsWith("text/event-stream") !== true) {
    holdText(await response.clone().text())
    return response
  }
  return new Response(body.pipeThrough(inPieces(holdText)), { status, headers })
}

/** Passes everything on, and tells of it. What is wrong ends the stream. */
const inPieces = (tell: (text: string) => void) => {
  const piecesOf = reader()
  return new TransformStream<Uint8Array, Uint8Array>({
    transform: (bytes, controller) => {
      tell(piecesOf(bytes))
      controller.enqueue(bytes)
    }
  })
}

/** Takes the bytes of an event stream as they come, and gives what is whole of it by then, each piece once. */
export const reader = (): ((bytes: Uint8Array) => string) => {
  const decoder = new TextDecoder()
  let rest = ""
  return (bytes) => {
    const pieces = (rest + decoder.decode(bytes, { stream: true })).split("\n\n")
    rest = pieces.pop() ?? ""
    return pieces.map((piece) => `${piece}\n\n`).join("")
  }
}
