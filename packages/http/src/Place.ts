/** One listener's place in the stream: how far it is, and how much it leaves untaken. */
import type { Event } from "@mithrandir/core"
import type { Principal } from "./Gate.ts"
import type * as Limits from "./Limits.ts"
import type { Parcel } from "./Parcel.ts"
import type { Sink } from "./Sink.ts"

/** Listeners that want the same. */
export interface Group {
  readonly filter: Event.EventFilter
  readonly all: Set<Place>
  /** Those to whom what happens is brought as it does. The others are still being told what was before. */
  readonly live: Set<Place>
  /** Called when all are gone. */
  readonly abandoned: () => void
}

/** Plain and synchronous: the hub writes to a thousand of these in one step. */
export class Place {
  readonly principal: Principal
  readonly group: Group
  /** The place in the log up to which nothing more is sent. */
  after = 0
  /** The place of the last event that it was told, or where the log stood when it was told that. */
  told = 0
  /** Nothing is sent any more. */
  isOver = false
  private sink: Sink | undefined
  private readonly onOver: (place: Place) => void
  private written = 0
  /** Once it has taken so many bytes, it is not behind. */
  private mark = 0
  private markedAt = 0

  constructor(principal: Principal, group: Group, onOver: (place: Place) => void) {
    this.principal = principal
    this.group = group
    this.onOver = onOver
  }

  /** From now on there is somewhere to write to. What was ended before that is ended there. */
  begin(sink: Sink, after: number, now: number): void {
    this.sink = sink
    this.after = after
    this.told = after
    this.markedAt = now
    if (this.isOver) sink.end()
  }

  /** Writes, at a moment in milliseconds that pass evenly; cuts instead who by then leaves too much untaken, or for too long. */
  send(parcel: Parcel, now: number, { backlogKiB, backlogSeconds }: Bounds): void {
    const { sink } = this
    if (sink === undefined || this.isOver) return
    const unsent = sink.unsent()
    if (this.written - unsent >= this.mark) {
      // What was written by then is taken: now it is about what is written from here on.
      this.mark = this.written + parcel.bytes.length
      this.markedAt = now
    }
    if (unsent > backlogKiB * 1024 || now - this.markedAt > backlogSeconds * 1000) {
      this.cut()
    } else {
      this.written += parcel.bytes.length
      sink.write(parcel)
    }
  }

  /** Ends it, in good order. */
  readonly end = (): void => {
    if (this.isOver) return
    this.over()
    this.sink?.end()
  }

  /** Ends it at once, whatever is unsent. */
  readonly cut = (): void => {
    this.over()
    this.sink?.cut()
  }

  private over(): void {
    this.isOver = true
    this.onOver(this)
  }
}

type Bounds = Pick<Limits.Shape, "backlogKiB" | "backlogSeconds">
