/** `mithrandir audit export`: the whole record, or what a filter lets through of it. */
import { fstatSync } from "node:fs"
import type { AuditEntry, AuditQuery } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Access from "../access/Access.ts"
import type { Reader } from "../access/Reader.ts"
import * as AuditFlags from "../line/AuditFlags.ts"
import * as Flags from "../line/Flags.ts"
import * as Program from "../line/Program.ts"
import { listing } from "../output/AuditListing.ts"
import * as ExitCode from "../output/ExitCode.ts"
import * as Listing from "../output/Listing.ts"
import * as Output from "../output/Output.ts"
import * as Progress from "../output/Progress.ts"
import * as Signals from "../output/Signals.ts"
import * as Terminal from "../output/Terminal.ts"
import * as WholeFile from "./WholeFile.ts"

export const program = Program.make({
  name: "export",
  summary: "Write out all of what was done, the oldest first.",
  details: [
    "It is read and written a little at a time, however long it is. CSV has the line ends of RFC 4180, and an apostrophe before every cell that a spreadsheet would take for a formula or that begins with an apostrophe itself: take one away, and the cell is as it was.",
    "Without --url it reads the database, also beside a server. It has what is on the record when it begins, and fails where a server breaks off before the end."
  ],
  inputs: { ...AuditFlags.filter, file: Flags.file, ...Flags.access, output: Flags.output(["ndjson", "csv", "json"]) },
  examples: [
    { says: "Everything, one JSON object a line", line: "mithrandir audit export" },
    {
      says: "A month, for a spreadsheet",
      line: "mithrandir audit export --start-date 2026-11-01 --end-date 2026-11-30 -o csv --file november.csv"
    },
    { says: "Compressed", line: "mithrandir audit export | gzip > audit.ndjson.gz" },
    {
      says: "What failed, through a server",
      line: "mithrandir audit export --outcome failure --url http://127.0.0.1:4410"
    }
  ],
  exits: ExitCode.ofLooking,
  run: (given) =>
    Effect.gen(function* () {
      const reader = yield* Access.reader(given)
      const filter = AuditFlags.filterOf(given)
      // Whoever reads on at the other end of a pipe may draw on the same terminal.
      const isToFile = Option.isSome(given.file) || fstatSync(1).isFile()
      const progress = isToFile ? yield* Progress.make("exporting") : undefined
      const entries =
        progress === undefined
          ? reader.auditEntries(filter)
          : told(reader.auditEntries(filter), progress, yield* countOf(reader, filter))
      const texts = write(entries, given.output)
      if (Option.isNone(given.file)) {
        Terminal.endWithReader()
        return yield* Stream.runForEach(texts, Output.chunk)
      }
      yield* WholeFile.write(given.file.value, texts)
      yield* Output.note(`written: ${Output.printable(given.file.value)}`)
    }).pipe(Effect.scoped, Signals.interruptible)
})

/** How many entries there are to write out: others may come meanwhile. */
const countOf = (reader: Reader, filter: AuditQuery.AuditFilter) =>
  Effect.map(
    reader.audit({ page: 1, limit: 1, sortBy: "timestamp", sortOrder: "desc", ...filter }),
    ({ meta }) => meta.total
  )

/** The same entries, with word of how many there were so far. */
const told = (entries: Stream.Stream<AuditEntry.AuditEntry, Program.Failure>, progress: Progress.Tell, total: number) =>
  entries.pipe(
    Stream.chunks,
    Stream.mapAccumEffect(0, (before, some) => {
      const done = before + some.length
      return Effect.as(progress(done, total), [done, some] as const)
    }),
    Stream.flattenChunks
  )

/** The text of an export, in parts that each end with a line end. None is empty. */
const write = (
  entries: Stream.Stream<AuditEntry.AuditEntry, Program.Failure>,
  format: Listing.StreamFormat
): Stream.Stream<string, Program.Failure> =>
  entries.pipe(
    Stream.mapAccum(true, (isFirst, entry) => [false, Listing.line(listing, format, listing.encode(entry), isFirst)]),
    // A page of the record is one write.
    Stream.chunks,
    Stream.map((lines) => Array.from(lines).join("")),
    (lines) => Stream.concat(Stream.make(Listing.opening(listing, format)), lines),
    Stream.concat(Stream.make(Listing.closing(format))),
    Stream.filter((text) => text !== "")
  )
