/** The services of a config, as the library wants them defined. */
import type * as HttpClient from "@effect/platform/HttpClient"
import { type Egress, type JobSource, Palantir, type ServiceRegistry } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ExitCode from "../output/ExitCode.ts"
import * as ServiceEntry from "./ServiceEntry.ts"

/** How a source may fail to start. That its url is refused was told before, as a mistake of the config. */
type SourceError = ExitCode.Refused | Egress.UrlRefused

export type Definition = ServiceRegistry.ServiceDefinition<SourceError, HttpClient.HttpClient>

/** One entry of the config as a definition. What it leaves out is filled in here, so that what is published holds. */
export const define = (config: ServiceEntry.ServiceConfig): Definition => {
  const service = complete(config)
  const { commandTimeout, expectation, healthEndpoint, id, pollInterval, settle, type } = service
  return {
    id,
    type,
    ...given({ name: service.name, metadata: service.metadata }),
    pollInterval,
    settle,
    commandTimeout,
    expectation,
    url: withoutUserinfo(service.url),
    ...given({ healthEndpoint }),
    source: sourceOf(service)
  }
}

const complete = (config: ServiceEntry.ServiceConfig) => ({ ...ServiceEntry.defaults, ...config })
type Complete = ReturnType<typeof complete>

/** What may be shown of a url: everything but who logs in, and how. */
export const withoutUserinfo = (text: string): string => {
  const url = new URL(text)
  url.username = ""
  url.password = ""
  // What stands after the `?` of a Redis url may be a password too.
  url.search = ""
  // A lone slash is what the parser added, not what anybody wrote.
  return url.pathname === "/" ? url.href.replace(/\/$/, "") : url.href
}

const sourceOf = (service: Complete): Layer.Layer<JobSource.JobSource, SourceError, HttpClient.HttpClient> => {
  const { finishedKept, requestTimeout } = service
  switch (service.type) {
    case "palantir": {
      const { honoursKeys = ServiceEntry.defaultHonoursKeys, token, url } = service
      return Palantir.layer({ url, requestTimeout, finishedKept, honoursKeys, ...given({ token }) })
    }
    case "bullmq": {
      const { password, prefix = ServiceEntry.defaultPrefix, queues, url } = service
      // Imported where it is needed alone: without a BullMQ service no Redis code is loaded.
      return Layer.unwrapEffect(
        Effect.map(loadBullMq, (BullMq) =>
          BullMq.layer({ url, queues, prefix, requestTimeout, finishedKept, ...given({ password }) })
        )
      )
    }
  }
}

const loadBullMq = Effect.tryPromise({
  try: () => import("@mithrandir/core/BullMq"),
  catch: () =>
    new ExitCode.Refused({
      code: ExitCode.failed,
      problem: 'a service of type "bullmq" needs the package bullmq: npm install bullmq'
    })
})

/** The fields that are there: with exact optional properties, an absent one and an undefined one differ. */
const given = <A extends object>(fields: A): { readonly [K in keyof A]?: Exclude<A[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    readonly [K in keyof A]?: Exclude<A[K], undefined>
  }
