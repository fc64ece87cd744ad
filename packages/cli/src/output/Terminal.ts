/** The two streams that people and pipes read: whether they take colours, and how the process leaves them. */
import * as ExitNumber from "./ExitNumber.ts"

/** Whether stdout takes colours: a terminal, and nobody said `NO_COLOR`. */
export const stdoutColours = (): boolean => takesColours(process.stdout, process.env)

export const takesColours = (
  stream: { readonly isTTY?: boolean },
  env: { readonly NO_COLOR?: string | undefined; readonly TERM?: string | undefined }
): boolean => stream.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb"

/** Whether what is on stdout can be drawn over: a terminal that knows how, and how large it is. */
export const canRedraw = (): boolean =>
  process.stdout.isTTY === true &&
  process.env["TERM"] !== "dumb" &&
  process.stdout.columns > 0 &&
  process.stdout.rows > 0

/** Whether anybody still reads stdout. */
let isRead = true
let isOnlyPrinting = false

/**
 * Says that this process does nothing but print: it ends, well, once nobody reads it. What acts goes on to its end, and
 * leaves with its own exit code.
 */
export const endWithReader = (): void => {
  isOnlyPrinting = true
  if (!isRead) process.exit(ExitNumber.ok)
}

/** From here on a stream that nobody reads, or that cannot be written, ends the process in good order. */
export const guard = (): void => {
  process.stdout.on("error", unwritable)
  process.stderr.on("error", () => undefined)
}

/** Ends the process once what was printed has left it; whatever a driver still holds open is let go with it. */
export const leave = (code: ExitNumber.ExitCode): void => {
  process.stdout.write("", (error) => {
    // A file tells of its error here first.
    if (error && isRead) unwritable(error)
    if (!error || !isRead) process.stderr.write("", () => process.exit(code))
  })
}

/** Whoever reads us may stop reading (`| head`): no failure of ours. But what a full disk swallowed was not told. */
const unwritable = ({ code = "unknown" }: NodeJS.ErrnoException): void => {
  if (code === "EPIPE") {
    isRead = false
    if (isOnlyPrinting) process.exit(ExitNumber.ok)
    return
  }
  // Told by whatever was written last, and by the stream.
  process.stdout.off("error", unwritable).on("error", () => undefined)
  process.stderr.write(`mithrandir: what should be printed could not be written (${code})\n`, () =>
    process.exit(ExitNumber.failed)
  )
}
