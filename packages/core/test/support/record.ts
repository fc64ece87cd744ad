/** What a house has on the record: of passes, and of commands. */
import { query } from "./house.ts"

/** The statuses on the record, oldest first. */
export const statuses = (file: string): ReadonlyArray<string> =>
  query<{ status: string }>(file, "SELECT status FROM discrepancy_event ORDER BY timestamp, id").map(
    ({ status }) => status
  )

/** How a command ended: as its audit row, the journal and its last event say. */
export const endOf = (file: string, commandId: string) => {
  const audits = query<{ outcome: string; logs_json: string }>(
    file,
    `SELECT outcome, logs_json FROM command_audit WHERE id = '${commandId}'`
  )
  const [journal] = query<{ phase: string; outcome: string | null; verified: number | null }>(
    file,
    `SELECT phase, outcome, verified FROM command WHERE id = '${commandId}'`
  )
  const phases = query<{ phase: string }>(
    file,
    `SELECT json_extract(data, '$.phase') AS phase FROM event WHERE subject = '${commandId}' ORDER BY seq`
  ).map(({ phase }) => phase)
  return {
    outcomes: audits.map(({ outcome }) => outcome),
    phases,
    phase: journal?.phase,
    outcome: journal?.outcome,
    verified: journal?.verified === null ? undefined : journal?.verified === 1,
    logs: audits.flatMap(({ logs_json }): ReadonlyArray<string> => JSON.parse(logs_json))
  }
}
