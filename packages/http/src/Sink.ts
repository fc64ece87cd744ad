/** Where a listener's bytes go: the response of a Node server, or a `ReadableStream` for whatever has its own. */
import type { ServerResponse } from "node:http"
import type { Socket } from "node:net"
import * as Effect from "effect/Effect"
import * as HangUp from "./HangUp.ts"
import type { Parcel } from "./Parcel.ts"

/** Plain and synchronous, since the hub writes to thousands in one go. Nothing here throws, also after its end. */
export interface Sink {
  write(parcel: Parcel): void
  /** Bytes that were written and that the listener's connection has not taken yet. */
  unsent(): number
  /** Succeeds when more can be written without piling up, or when there is nobody left to write to. */
  readonly drained: Effect.Effect<void>
  /** Ends it, in good order: what was written still arrives. */
  end(): void
  /** Ends it at once, whatever is unsent. */
  cut(): void
}

/**
 * Writes to the connection beneath a response whose head is set: past the response itself, which would frame the same
 * bytes again for each of a thousand listeners. `ended` is called for the response to be ended; left out, it is.
 */
export const toResponse = (response: ServerResponse, ended?: () => void): Sink => {
  response.flushHeaders()
  return new ToResponse(response, ended)
}

/** A class, for what a thousand of them take. */
class ToResponse implements Sink {
  private readonly response: ServerResponse
  private readonly ended: (() => void) | undefined
  /** HTTP/1.0 has no chunks, and what was asked for behind another request of its connection has no connection yet. */
  private readonly socket: Socket | null
  private isOver = false

  constructor(response: ServerResponse, ended: (() => void) | undefined) {
    this.response = response
    this.ended = ended
    this.socket = response.chunkedEncoding ? response.socket : null
  }

  write(parcel: Parcel): void {
    const { response, socket } = this
    if (this.isOver || !this.below.writable) return
    if (socket === null) response.write(parcel.bytes)
    else socket.write(parcel.chunk)
  }

  unsent(): number {
    return this.below.writableLength
  }

  get drained(): Effect.Effect<void> {
    const { below, response } = this
    return Effect.suspend(() =>
      below.writableNeedDrain && !response.destroyed
        ? Effect.async<void>((resume) => {
            const done = () => {
              below.off("drain", done)
              response.off("close", done)
              resume(Effect.void)
            }
            below.on("drain", done)
            response.on("close", done)
            return Effect.sync(done)
          })
        : Effect.void
    )
  }

  end(): void {
    if (this.isOver) return
    this.isOver = true
    if (this.ended === undefined) this.response.end()
    else this.ended()
  }

  cut(): void {
    this.isOver = true
    HangUp.hangUp(this.response)
  }

  private get below(): Socket | ServerResponse {
    return this.socket ?? this.response
  }
}

/** A `ReadableStream` of what is written. `leave` is called once there is nobody left to write to. */
export const toReadable = (
  leave: () => void
): { readonly sink: Sink; readonly readable: ReadableStream<Uint8Array> } => {
  const waiting = new Set<() => void>()
  const wake = () => {
    for (const resume of waiting) resume()
    waiting.clear()
  }
  let isOver = false
  let isEnding = false
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  const over = (act: () => void) => {
    if (isOver) return
    isOver = true
    act()
    wake()
  }
  const readable = new ReadableStream<Uint8Array>(
    {
      start: (given) => {
        controller = given
      },
      // Called when all that was written is taken, and somebody reads on.
      pull: (given) => {
        if (isEnding) {
          given.close()
          leave()
        }
        wake()
      },
      cancel: () => {
        over(() => {})
        leave()
      }
    },
    // Nothing is fetched ahead: what is queued is what the listener has not taken.
    new ByteLengthQueuingStrategy({ highWaterMark: 0 })
  )
  const unsent = () => Math.max(0, -(controller?.desiredSize ?? 0))
  return {
    readable,
    sink: {
      write: ({ bytes }) => {
        // Its own: whoever reads may give the bytes away, and others are to get the same.
        if (!isOver) controller?.enqueue(bytes.slice())
      },
      unsent,
      drained: Effect.suspend(() =>
        isOver || unsent() === 0
          ? Effect.void
          : Effect.async<void>((resume) => {
              const done = () => resume(Effect.void)
              waiting.add(done)
              return Effect.sync(() => waiting.delete(done))
            })
      ),
      end: () => {
        over(() => {
          isEnding = unsent() > 0
          if (isEnding) return
          controller?.close()
          leave()
        })
      },
      cut: () => {
        isOver = true
        // Drops what is queued.
        controller?.error(new Error("the stream was cut off"))
        wake()
        leave()
      }
    }
  }
}
