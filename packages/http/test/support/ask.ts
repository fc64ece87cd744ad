/** Requests as a person would send them, and what comes back. */
import * as Net from "node:net"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { check } from "./document.ts"
import { answersIn } from "./wire.ts"

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as JSON, to look into. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
  readonly json: any
}

/** Asks, and holds the answer against the OpenAPI document. */
export const ask = (url: string, init: RequestInit & { readonly duplex?: "half" } = {}) =>
  Effect.promise(async (signal): Promise<Answer> => {
    const response = await fetch(url, { signal, ...init })
    const text = await response.text()
    const headers = Object.fromEntries(response.headers)
    check({ method: init.method ?? "GET", url, status: response.status, headers, text })
    const isJson = text !== "" && /[/+]json/.test(response.headers.get("content-type") ?? "")
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined }
  })

/** A POST of JSON. */
export const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  ask(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body)
  })

/** Sends text as it is and reads until the other side closes. Holds the answers against the OpenAPI document. */
export const raw = (port: number, text: string) =>
  Effect.tap(exchange(port, text), (received) => {
    for (const answered of answersIn(text, received)) check(answered)
  })

const exchange = (port: number, text: string) =>
  Effect.async<string>((resume) => {
    const socket = Net.connect(port, "127.0.0.1", () => socket.write(text))
    let received = ""
    socket.setEncoding("utf8")
    socket.on("data", (chunk) => {
      received += chunk
    })
    socket.on("close", () => resume(Effect.succeed(received)))
    socket.on("error", () => resume(Effect.succeed(received)))
    return Effect.sync(() => socket.destroy())
  })

let ids = 0
/** A command that fits, on a job that the test put there. */
export const command = (more: Record<string, unknown> = {}) => ({
  commandId: `c-${++ids}`,
  service: "alpha",
  actionType: "delete-job",
  target: "j1",
  ...more
})

/** A problem, and what every problem has. */
export const assertProblem = (answer: Answer, status: number, code: string, path?: string) => {
  assert.deepStrictEqual([answer.status, answer.json?.code, answer.json?.status], [status, code, status], answer.text)
  assert.strictEqual(answer.headers.get("content-type"), "application/problem+json")
  assert.strictEqual(answer.json.type, `urn:mithrandir:problem:${code}`)
  assert.isString(answer.json.title)
  if (path !== undefined)
    assert.include(
      answer.json.errors.map((error: { path: string }) => error.path),
      path
    )
  if (status >= 500) assert.match(answer.json.id, /^[0-9a-f-]{36}$/)
}
