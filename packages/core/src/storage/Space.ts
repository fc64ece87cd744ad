/** Whether a database may grow. */

/**
 * No space is left, or the file is as large as it may be, by SQLite's code: it tells the one by its name, and the other
 * as a write that failed.
 */
export const isFull = (code: string): boolean =>
  /^SQLITE_(FULL|IOERR_(WRITE|TRUNCATE|SHMSIZE|SHMOPEN|SHMMAP))/.test(code)
