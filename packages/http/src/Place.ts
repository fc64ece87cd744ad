/** One listener's place in the stream: how far it is, and how much it leaves untaken. */
import type { Event } from "@mithrandir/core"
import type { Principal } from "./Gate.ts"
import type * as Limits from "./Limits.ts"
import type { Open } from "./OpenStreams.ts"
import type { Parcel } from "./Parcel.ts"
import type { Sink } from "./Sink.ts"

/** Listeners that want the same. */
export interface Group {
  readonly filter: Event.EventFilter
  /** The filter, written in one way. */
  readonly key: string
  /** How many there are. */
  size: number
  /** Those to whom what happens is brought as it does. The others are still being told what was before. */
  readonly live: Set<Place>
}

/** What is told of a place. */
export interface Keeper {
  /** Nothing is sent there any more. */
  readonly over: (place: Place) => void
  /** There is nobody any more. */
  readonly left: (place: Place) => void
}

/** Plain and synchronous: the hub writes to a thousand of these in one step. */
export class Place implements Open {
  readonly principal: Principal
  readonly group: Group
  /** The place in the log up to which nothing more is sent. */
  after = 0
  /** The place of the last event that it was told, or where the log stood when it was told that. */
  told = 0
  isOver = false
  /** Gives it free. To be called when there is nobody any more; again does nothing. */
  readonly leave: () => void
  private sink: Sink | undefined
  private readonly keeper: Keeper
  private written = 0
  /** Once it has taken so many bytes, it is not behind. */
  private mark = 0
  private markedAt = 0

  constructor(principal: Principal, group: Group, keeper: Keeper) {
    this.principal = principal
    this.group = group
    this.keeper = keeper
    this.leave = () => {
      this.isOver = true
      keeper.left(this)
    }
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
  end(): void {
    if (this.isOver) return
    this.over()
    this.sink?.end()
  }

  /** Ends it at once, whatever is unsent. */
  cut(): void {
    this.over()
    this.sink?.cut()
  }

  private over(): void {
    this.isOver = true
    this.keeper.over(this)
  }
}

type Bounds = Pick<Limits.Shape, "backlogKiB" | "backlogSeconds">
