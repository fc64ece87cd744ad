/** `run` through a server whose answers are lost: in the time of a test, where a process would wait half a minute. */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { assert, describe, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as Cli from "../src/Cli.ts"
import { drivers } from "../src/Main.ts"

const badGateway = () => new Response("<html>", { status: 502, headers: { "content-type": "text/html" } })

const gateway = HttpClient.make((request) =>
  Effect.sync(() =>
    HttpClientResponse.fromWeb(
      request,
      request.url.endsWith("/health/live") ? Response.json({ status: "live" }) : badGateway()
    )
  )
)

describe("run", () => {
  it.effect("exits 6 where the answer was lost, and says how to find out", () =>
    Effect.gen(function* () {
      const args = ["run", "retry-job", "x", "-s", "palantir", "--command-id", "lost", "--url", "http://gate"]
      let stderr = ""
      const console = yield* Console.consoleWith(Effect.succeed)
      const fiber = yield* Cli.run(["node", "mithrandir", ...args]).pipe(
        Effect.withConsole({
          ...console,
          error: (text: unknown) =>
            Effect.sync(() => {
              stderr += `${text}\n`
            })
        }),
        Effect.provide(Layer.merge(drivers, Layer.succeed(HttpClient.HttpClient, gateway))),
        Effect.fork
      )
      // Whatever is read and loaded first takes its own time.
      const code = yield* Effect.repeat(
        Effect.zipRight(
          TestClock.adjust("1 seconds"),
          Effect.zipRight(
            Effect.promise(() => new Promise(setImmediate)),
            Fiber.poll(fiber)
          )
        ),
        { until: (exit) => exit._tag === "Some" }
      ).pipe(Effect.zipRight(Fiber.join(fiber)))
      assert.strictEqual(code, 6)
      assert.strictEqual(
        stderr,
        "command lost\nmithrandir: no answer came from http://gate that says what became of it: " +
          "it may have been applied all the same; repeat it with --command-id lost to see\n"
      )
    })
  )
})
