/**
 * Whether a database is kept from everybody: its files may be read and written by their owner, and by their group where
 * somebody gave that a right, which nobody does by accident. Everybody is let in by accident: by a copy, or a restored
 * backup, under the usual umask.
 */
import { basename, dirname } from "node:path"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/** What comes after the database's name: all that holds what it holds, or that one-off runs believe. */
const endings = ["", "-wal", "-shm", "-journal", ".lock", ".lock-journal", ".server.json", ".server.json.new"]

/** What is wrong, and what to do about it, in a sentence; none where nothing is. Changes nothing. */
export const problem = (database: string): Effect.Effect<Option.Option<string>, never, FileSystem.FileSystem> =>
  Effect.gen(function* () {
    if (!hasModes) return Option.none()
    const files = yield* Effect.forEach(endings, (ending) => look(`${database}${ending}`))
    const found = files.flatMap(Option.toArray)
    const open = found.filter(isOpen)
    if (open.length > 0) return Option.some(openTo(open))
    const directory = yield* look(dirname(database))
    return Option.flatMap(directory, (directory) => Option.map(planted(directory, found), plantedBy))
  })

/** Whether a file that one-off runs believe could have been put there, or changed, by somebody else. */
export const isTrusted = (file: string): Effect.Effect<boolean, never, FileSystem.FileSystem> =>
  Effect.map(Effect.all([look(dirname(file)), look(file)]), ([directory, found]) =>
    Option.match(Option.all({ directory, found }), {
      onNone: () => !hasModes,
      onSome: ({ directory, found }) => !hasModes || !(isOpen(found) || Option.isSome(planted(directory, [found])))
    })
  )

/**
 * Says in the log where everybody may take the files away and put others there. No more than that: volumes of containers
 * often are so, and have one user.
 */
export const warn = (database: string): Effect.Effect<void, never, FileSystem.FileSystem> =>
  Effect.flatMap(
    look(dirname(database)),
    Option.match({
      onNone: () => Effect.void,
      onSome: ({ file, mode }) =>
        hasModes && (mode & (othersWrite | sticky)) === othersWrite
          ? Effect.logWarning(
              "everybody on this machine may replace the database: its directory is open to all for writing"
            ).pipe(Effect.annotateLogs({ directory: file }))
          : Effect.void
    })
  )

/** Windows has other ways to say who may do what, and reports modes that mean nothing. */
const hasModes = process.platform !== "win32"

const othersRead = 0o004
const othersWrite = 0o002
const sticky = 0o1000

interface Found {
  readonly file: string
  readonly mode: number
  readonly uid: number
}

/** None where it is not there, or may not be looked at: then opening it says so. */
const look = (file: string) =>
  Effect.flatMap(FileSystem.FileSystem, (fs) => fs.stat(file)).pipe(
    Effect.map(({ mode, uid }): Found => ({ file, mode, uid: Option.getOrElse(uid, () => 0) })),
    Effect.option
  )

const isOpen = ({ mode }: Found): boolean => (mode & (othersRead | othersWrite)) !== 0

const openTo = (files: ReadonlyArray<Found>): string => {
  const modes = files.map(({ file, mode }) => `${basename(file)} ${(mode & 0o777).toString(8).padStart(4, "0")}`)
  const paths = files.map(({ file }) => `'${file.replaceAll("'", "'\\''")}'`)
  // It may be another program's file, named by mistake: to find out it would have to be opened.
  return `everybody on this machine may get at it (${modes.join(", ")}); if it is the right file, run: chmod o= ${paths.join(" ")} (if that changes nothing, its file system keeps no modes: name a file elsewhere)`
}

/**
 * Where everybody may put files, one that is neither ours nor the directory's owner's may be a trap: a database with a
 * token that its maker knows, or the word of a server that is none. Linux refuses such files by the same rule
 * (`fs.protected_regular`), where it is told to.
 */
const planted = (directory: Found, files: ReadonlyArray<Found>): Option.Option<Found> => {
  const trusted = [process.geteuid?.(), 0, directory.uid]
  return (directory.mode & othersWrite) === 0
    ? Option.none()
    : Option.fromNullable(files.find(({ uid }) => !trusted.includes(uid)))
}

const plantedBy = ({ file, uid }: Found): string =>
  `${basename(file)} belongs to another user (${uid}), in a directory that everybody may write to; put it into a directory of your own`
