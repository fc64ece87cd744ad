import { existsSync } from "node:fs"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { build } from "esbuild"
import { type BrowserContext, chromium, type Page as Tab } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as House from "../../../packages/http/test/support/house.ts"
import { programOf } from "../support/compile.ts"
import { Page } from "../support/Page.ts"

const page = new Page("docs/recipes/browser.md")
const scripts = new Map(["stream.js", "page.js"].map((name) => [`/${name}`, page.take("js")]))
page.take("ts")

it("browser: no snippet is left over", () => page.end())

it("browser: its files have the names that they are imported by", () => {
  for (const [path, { title }] of scripts) expect(`/${title}`).toBe(path)
})

const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync)

/** As somebody's bundler would: what a browser has not would fail it. */
const dashboard = async () => {
  const { outputFiles } = await build({
    entryPoints: [programOf("docs/recipes/browser.md", 1)],
    bundle: true,
    format: "esm",
    platform: "browser",
    write: false,
    logLevel: "silent"
  })
  return outputFiles[0]?.text ?? ""
}

const html = (script: string) => `<script type="module" src="${script}"></script>`

/** What a site is: the pages, and beside them the API, as a proxy has it. */
const site = (api: string, bundled: string) =>
  Http.createServer((request, response) => {
    const { url = "/" } = request
    const script = url === "/dashboard.js" ? bundled : scripts.get(url)?.text
    const file = script ?? (url === "/" ? html("/page.js") : url === "/dashboard" ? html("/dashboard.js") : undefined)
    if (file !== undefined) {
      response.setHeader("content-type", script === undefined ? "text/html" : "text/javascript")
      return response.end(file)
    }
    // The names of this very machine are known without being told.
    const headers = { ...request.headers, host: new URL(api).host }
    const passed = Http.request(`${api}${url}`, { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    passed.on("error", () => response.destroy())
    response.on("close", () => passed.destroy())
    request.pipe(passed)
  })

describe.skipIf(executablePath === undefined)("browser: what a page shows (needs chromium)", () => {
  const scope = Effect.runSync(Scope.make())
  let house: House.House
  let server: Http.Server
  let browser: BrowserContext
  let origin: string

  beforeAll(async () => {
    house = await Effect.runPromise(Scope.extend(House.fresh(), scope))
    server = site(house.url, await dashboard()).listen(0, "127.0.0.1")
    await new Promise((resolve) => server.once("listening", resolve))
    origin = `http://localhost:${(server.address() as AddressInfo).port}`
    const chrome = await chromium.launch({ executablePath: executablePath ?? "", args: ["--no-sandbox"] })
    browser = await chrome.newContext()
  }, 60_000)
  afterAll(async () => {
    await browser?.browser()?.close()
    server?.close()
    server?.closeAllConnections()
    await Effect.runPromise(Scope.close(scope, Exit.void))
  })

  const open = async (path = "/"): Promise<Tab> => {
    const tab = await browser.newPage()
    await tab.goto(`${origin}${path}`)
    return tab
  }
  const pass = (service: string) =>
    fetch(`${house.url}/reconciliation/run`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ service })
    })
  const listeners = () => Effect.runPromise(House.listeners(house))
  const shows = (tab: Tab, title: string) => tab.waitForFunction(`document.title === ${JSON.stringify(title)}`)

  it("each tab shows what happens, over one connection, and another takes over when its own is closed", async () => {
    await pass("alpha")
    const tabs = [await open(), await open(), await open()]
    for (const tab of tabs) await shows(tab, "alpha: verified")
    expect(await listeners()).toBe(1)

    await pass("beta")
    for (const tab of tabs) await shows(tab, "alpha: verified, beta: verified")

    const [first, ...others] = tabs
    // What the one that listens next tells the last of them.
    await others.at(-1)?.evaluate(`
      window.heard = []
      new BroadcastChannel("all tabs: /reconciliation/stream").onmessage = ({ data }) => heard.push(data)
    `)
    await first?.close()
    await Effect.runPromise(Effect.forEach(["x1", "x2"], (service) => House.tell(house, 1, { service })))
    for (const tab of others) await shows(tab, "alpha: verified, beta: verified, x1: verified, x2: verified")
    await expect.poll(listeners).toBe(1)
    // It went on after the last event, and did not begin anew.
    const heard = await others.at(-1)?.evaluate("heard.map(({ event, data }) => [event, data.service])")
    expect(heard).toEqual(["x1", "x2"].map((service) => ["reconciliation.update", service]))
  }, 60_000)

  it("the typed stream goes on where it was after its connection broke", async () => {
    await pass("alpha")
    const tab = await open("/dashboard")
    await tab.waitForFunction("document.title.includes('alpha: verified')")
    server.closeAllConnections()
    await Effect.runPromise(House.tell(house, 1, { service: "y1" }))
    await tab.waitForFunction("document.title.includes('y1: verified')")
    await tab.close()
  }, 60_000)
})
