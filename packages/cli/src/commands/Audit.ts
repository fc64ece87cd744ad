/** `mithrandir audit`: what was done, by whom, with what result. */
import type * as Program from "../line/Program.ts"
import * as AuditCheckProof from "./AuditCheckProof.ts"
import * as AuditExport from "./AuditExport.ts"
import * as AuditList from "./AuditList.ts"
import * as AuditProve from "./AuditProve.ts"
import * as AuditShow from "./AuditShow.ts"
import * as AuditVerify from "./AuditVerify.ts"

export const group: Program.Group = {
  _tag: "group",
  name: "audit",
  summary: "Look at the record of what was done, and see whether it is whole.",
  members: [
    AuditList.program,
    AuditShow.program,
    AuditExport.program,
    AuditVerify.program,
    AuditProve.program,
    AuditCheckProof.program
  ]
}
