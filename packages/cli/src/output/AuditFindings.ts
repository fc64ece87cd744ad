/** What is wrong with the record, in words. */
import type { AuditVerifier } from "@mithrandir/core"

/** One finding, in a sentence. */
export const words = (finding: AuditVerifier.Finding): string => {
  switch (finding._tag) {
    case "SafeguardsMissing":
      return `what keeps entries from being changed was taken away: ${finding.names.join(", ")}`
    case "RowsChanged":
      return finding.count === 1
        ? `an entry was changed: ${finding.id}, at position ${finding.first}`
        : `${finding.count} entries were changed; the first is ${finding.id}, at position ${finding.first}`
    case "RowMissing":
      return `the entry at position ${finding.position} is missing; what comes after it was not looked at`
    case "RowsUnplaced":
      return `entries came in past the server: ${finding.id}${finding.count === 1 ? "" : `, and ${finding.count - 1} more`}`
    case "TreeChanged":
      return `the tree over the entries was changed, from position ${finding.position} on; the entries themselves were not`
    case "HistoryChanged":
      return `when its first ${finding.size} entries were signed, they were others`
    case "TailMissing":
      return `${finding.signed} entries were signed, and there are ${finding.size}: the end is missing`
    case "CheckpointForeign":
      return `the checkpoint of size ${finding.size} is of another database: ${finding.origin}`
  }
}
