/** Asks a sandbox's switch, with whatever headers a test wants: `fetch` lets nobody choose `Host` and `Origin`. */
import { request } from "node:http"

export interface Answer {
  readonly status: number
  readonly type: string | undefined
  readonly body: {
    readonly set?: Readonly<Record<string, string>>
    readonly now?: ReadonlyArray<{ readonly fault: string; readonly since: string; readonly until: string }>
    readonly done?: string
    readonly problem?: string
  }
}

export const ask = (
  url: string,
  method: string,
  body?: string,
  headers: Readonly<Record<string, string>> = {}
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const json: Readonly<Record<string, string>> = body === undefined ? {} : { "content-type": "application/json" }
    const asked = request(`${url}/faults`, { method, headers: { ...json, ...headers }, agent: false }, (response) => {
      let text = ""
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk
      })
      response.once("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          type: response.headers["content-type"],
          body: text === "" ? {} : JSON.parse(text)
        })
      )
      response.once("error", reject)
    })
    asked.once("error", reject)
    asked.end(body)
  })
