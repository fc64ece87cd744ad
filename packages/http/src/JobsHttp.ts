/** Passes an upstream's word on stuck jobs through. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { type JobSource, ServiceRegistry } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import type { Mounted } from "./Mount.ts"
import * as Problem from "./Problem.ts"
import * as Upstream from "./Upstream.ts"

/** The handlers of its group, within the API called `Id`. */
export const layer = <Id extends string>(api: Mounted<Id>) =>
  HttpApiBuilder.group(api, "mithrandirJobs", (handlers) =>
    Effect.map(ServiceRegistry.ServiceRegistry, (registry) =>
      handlers.handle("stuck", ({ request, urlParams }) =>
        Effect.gen(function* () {
          const stuck = yield* choose(registry.all, urlParams.service)
          const answer = yield* Effect.catchTags(stuck(queryWithoutService(request.url)), Upstream.problems)
          return yield* pass(answer)
        })
      )
    )
  )

type Stuck = NonNullable<JobSource.Shape["stuck"]>

/** The service that was named, or the only one that can tell. */
const choose = (
  all: ReadonlyArray<ServiceRegistry.RegisteredService>,
  wanted: string | undefined
): Effect.Effect<Stuck, Problem.Problem> => {
  const able = all.flatMap(({ id, source }) => (source.stuck === undefined ? [] : [{ id, stuck: source.stuck }]))
  const choices = able.map(({ id }) => id).join(", ")
  if (wanted !== undefined && !all.some(({ id }) => id === wanted)) {
    return Problem.invalid(
      "service",
      `no service "${wanted}" is registered; those that list stuck jobs: ${choices || "none"}`
    )
  }
  const [first, ...others] = able.filter(({ id }) => wanted === undefined || id === wanted)
  if (first === undefined) {
    return Problem.make("stuck-not-supported", {
      detail: wanted === undefined ? "no registered service lists stuck jobs" : `"${wanted}" does not list stuck jobs`
    })
  }
  if (others.length > 0) {
    return Problem.make("service-required", { errors: [{ path: "service", problem: `expected one of: ${choices}` }] })
  }
  return Effect.succeed(first.stuck)
}

/** The query as it came, to the byte, without our own parameter. */
const queryWithoutService = (url: string): string => {
  const start = url.indexOf("?")
  if (start === -1) return ""
  return url
    .slice(start + 1)
    .split("&")
    .filter((pair) => pair !== "" && nameOf(pair) !== "service")
    .join("&")
}

const nameOf = (pair: string): string => {
  const name = pair.split("=", 1)[0] ?? ""
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

/** Below 200 nothing is an answer, and these three have no body. */
const isBodiless = (status: number): boolean => status === 204 || status === 205 || status === 304

const pass = ({ body, contentType, status }: JobSource.RawAnswer) => {
  if (status < 200 || status > 599) {
    return Problem.make("upstream-invalid", { detail: `it answered with status ${status}` })
  }
  // It comes from our origin, and may be HTML: no script in it is to run.
  const headers = {
    "content-security-policy": "default-src 'none'; sandbox",
    ...(contentType === undefined ? {} : { "content-type": contentType })
  }
  return Effect.succeed(
    isBodiless(status)
      ? HttpServerResponse.empty({ status, headers })
      : HttpServerResponse.raw(body, { status, headers, contentLength: body.length })
  )
}
