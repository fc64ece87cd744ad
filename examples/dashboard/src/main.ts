/** Looks at a server, and has a failed job tried again: `node dist/main.js [url] [service] [job]`. */
import createClient from "openapi-fetch"
import type { components, paths } from "./mithrandir.d.ts"

type Problem = components["schemas"]["Problem"]

const [url = "http://127.0.0.1:4410", service = "palantir", job] = process.argv.slice(2)

/** That nobody answers is a line, too. */
const ask = (request: Request): Promise<Response> =>
  fetch(request).catch(() => {
    console.error(`no server answers at ${url}`)
    process.exit(1)
  })

const api = createClient<paths>({ baseUrl: url, fetch: ask })

/** The data, or the end: a problem says what is wrong, and what to look for in the server's log. */
const given = <A>({ data, error }: { readonly data?: A; readonly error?: Problem }): A => {
  if (data !== undefined) return data
  console.error(`${error?.code}: ${error?.detail ?? error?.title}`)
  process.exit(1)
}

for (const { health, id, type } of given(await api.GET("/services/registered")).data) {
  console.log(`service ${id} (${type}): ${health.status}`)
}
for (const { checksum, service: id, status } of given(await api.GET("/reconciliation/status")).data) {
  console.log(`status of ${id}: ${status} ${checksum}`)
}

if (job !== undefined) {
  const commandId = crypto.randomUUID()
  const command = { commandId, service, actionType: "retry-job", target: job, reason: "from the dashboard" }

  const preview = given(await api.POST("/commands/run", { body: { ...command, dryRun: true } }))
  if (typeof preview === "string" || !("dryRun" in preview)) throw new Error("a dry run answers with a preview")
  console.log(`preview: ${preview.precondition.met ? "can be done" : preview.precondition.problem}`)

  const answer = given(await api.POST("/commands/run", { params: { header: { Prefer: "wait=10" } }, body: command }))
  if (typeof answer === "string" || !("logs" in answer)) {
    throw new Error(`${commandId} has not ended within 10 seconds; look at it again later`)
  }
  console.log(`command: ${answer.phase}${answer.verified === true ? ", verified" : ""}`)

  const entry = given(await api.GET("/reconciliation/audit/{id}", { params: { path: { id: commandId } } }))
  console.log(`on the record: ${entry.actor} ${entry.actionType} ${entry.target}: ${entry.outcome}`)
}
