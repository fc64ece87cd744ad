/** Bytes on their way to many listeners, made once for all of them. */
import * as Sse from "./Sse.ts"

/** What is written in one piece: whole events, one or more. */
export class Parcel {
  /** As they are. */
  readonly bytes: Uint8Array
  private framed: Uint8Array | undefined

  constructor(text: string) {
    this.bytes = Sse.encode(text)
  }

  /** As one chunk of a body that comes in chunks: RFC 9112, section 7.1. */
  get chunk(): Uint8Array {
    this.framed ??= Buffer.concat([Buffer.from(`${this.bytes.length.toString(16)}\r\n`), this.bytes, lineEnd])
    return this.framed
  }
}

const lineEnd = Buffer.from("\r\n")

/** So many characters are written in one piece, or one event that has more. */
const maxPiece = 256 * 1024

/** Splits what is to be written, in order, into what is written in one piece. */
export const inPieces = <A>(all: ReadonlyArray<A>, textOf: (one: A) => string): ReadonlyArray<ReadonlyArray<A>> => {
  const pieces: Array<Array<A>> = []
  let size = maxPiece
  for (const one of all) {
    const { length } = textOf(one)
    size += length
    if (size > maxPiece) {
      pieces.push([])
      size = length
    }
    pieces.at(-1)?.push(one)
  }
  return pieces
}
