/** What is still to be sent to one listener: bounded, and freed at once when it overflows. */
import * as Effect from "effect/Effect"

/** What one client may leave unread before it is cut off. It comes back by id, and reads from the log. */
export const maxBytes = 1024 * 1024

/** Plain and synchronous: the hub puts an event to a thousand of these in one step. */
export class Backlog<Owner> {
  readonly owner: Owner
  /** The place up to which nothing more is put. */
  after: number
  /** The place of the last event that was taken. */
  sent: number
  private frames: Array<Uint8Array> = []
  private bytes = 0
  private newest: number
  private beatDue = false
  private overflown = false
  private readonly latch = Effect.unsafeMakeLatch(false)

  constructor(owner: Owner, after: number) {
    this.owner = owner
    this.after = after
    this.sent = after
    this.newest = after
  }

  /** Succeeds when there is something to take. */
  get arrival(): Effect.Effect<void> {
    return this.latch.await
  }

  /** Adds an event, unless the listener already has it. False: there is no room, and the listener is to be cut off. */
  put(seq: number, frame: Uint8Array): boolean {
    if (seq <= this.after) return true
    this.after = seq
    this.newest = seq
    this.frames.push(frame)
    this.bytes += frame.length
    this.overflown = this.bytes > maxBytes
    if (this.overflown) this.frames = []
    this.latch.unsafeOpen()
    return !this.overflown
  }

  /** The listener was told everything up to here by other means; the last event it was told is `told`. */
  skip(upTo: number, told: number | undefined): void {
    this.after = upTo
    if (told === undefined) return
    this.newest = told
    this.sent = told
  }

  /** Everything that waits, oldest first; undefined after an overflow. */
  take(): ReadonlyArray<Uint8Array> | undefined {
    if (this.overflown) return undefined
    const frames = this.frames
    this.frames = []
    this.bytes = 0
    this.sent = this.newest
    this.latch.unsafeClose()
    return frames
  }

  /** A heartbeat is due. It is sent when the listener next takes something. False: so was the one before. */
  beat(): boolean {
    const taken = !this.beatDue
    this.beatDue = true
    this.latch.unsafeOpen()
    return taken
  }

  takeBeat(): boolean {
    const due = this.beatDue
    this.beatDue = false
    return due
  }
}
