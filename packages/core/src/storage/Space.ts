/** Whether the system lets a database be written, by SQLite's code. */

/** No space is left on its disk. */
export const isFull = (code: string): boolean => code.startsWith("SQLITE_FULL")

/** A write was refused, and why SQLite does not say. */
export const isUnwritable = (code: string): boolean =>
  /^SQLITE_IOERR_(WRITE|TRUNCATE|FSYNC|DIR_FSYNC|SHMSIZE|SHMOPEN|SHMMAP)/.test(code)

/** What may be the matter then, and what to do. */
export const unwritable =
  "the system refuses to write to the database file: the disk is full or fails, the file may not grow, or it has become read-only; free some space, raise the limit on file sizes, or see the system's log"
