/** A board on a terminal, drawn anew whenever something happens, and each second for what gets older. */
import type { Client } from "@mithrandir/http"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { createLogUpdate } from "log-update"
import * as Board from "./Board.ts"
import * as Terminal from "./Terminal.ts"

export interface Screen {
  /** Shows what a message says. */
  readonly show: (message: Client.StreamEvent) => Effect.Effect<void>
  /** Says something beside it: for a while, or until something else is to be said. */
  readonly remark: (text: string, passes: boolean) => Effect.Effect<void>
}

/** Draws on stdout until the scope ends; what was drawn last stays. `title` is what is said where there is no remark. */
export const make = (title: string): Effect.Effect<Screen, never, Scope.Scope> =>
  Effect.gen(function* () {
    const terminal = createLogUpdate(process.stdout)
    let board = Board.empty
    const draw = (change: (before: Board.Board, now: number) => Board.Board) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        board = change(board, now)
        terminal(Board.draw(board, now, { colours: Terminal.stdoutColours(), title }))
      })
    yield* Effect.addFinalizer(() => Effect.sync(() => terminal.done()))
    yield* Effect.forkScoped(Effect.schedule(draw(Board.at), Schedule.spaced("1 second")))
    return {
      show: (message) => draw((before, now) => Board.after(before, message, now)),
      remark: (text, passes) =>
        draw((before, now) => ({ ...before, remark: { text, until: passes ? now + Board.brieflyMs : Infinity } }))
    }
  })
