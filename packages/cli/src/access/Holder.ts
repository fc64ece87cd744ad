/** Who has a database that a server is refused: two that start at once have not both said where they are. */
import * as FileSystem from "@effect/platform/FileSystem"
import { Database, WriterLock } from "@mithrandir/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"

/** Whether a process of this number runs. It may be another than is meant: numbers are given again. */
export const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // Alive, and somebody else's.
    return error instanceof Error && "code" in error && error.code === "EPERM"
  }
}

/** Two seconds: a server that took the lock listens soon after. One-off runs never say where they are. */
const untilAnnounced = Schedule.intersect(Schedule.spaced("100 millis"), Schedule.recurs(20))

/** The same refusal, with the holder's name if it gives one soon. What one that was killed left behind is no name. */
export const named = (
  locked: Database.DatabaseLocked
): Effect.Effect<never, Database.DatabaseLocked, FileSystem.FileSystem> =>
  WriterLock.readAnnouncement(locked.database).pipe(
    Effect.flatMap(Option.filter(({ pid }) => isAlive(pid))),
    Effect.retry(untilAnnounced),
    Effect.matchEffect({
      onFailure: () => new Database.DatabaseLocked({ database: locked.database }),
      onSuccess: (holder) => new Database.DatabaseLocked({ database: locked.database, ...holder })
    })
  )
