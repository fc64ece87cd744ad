/**
 * Where a sandbox's requests come in: what goes wrong with answers goes wrong here. `/faults` is let through whatever
 * happens, or nobody could end it.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http"
import type { Socket } from "node:net"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import { lengthIn } from "./Faults.ts"
import * as Garbage from "./Garbage.ts"
import type { Trouble } from "./Trouble.ts"

/** Requests that are held without an answer. Beyond this the oldest connection breaks: they cost memory. */
const maxHeld = 1000

export interface Options {
  readonly trouble: Trouble
  /** Answers `/faults`. */
  readonly faultSwitch: RequestListener
  /** Answers everything else, where nothing goes wrong. */
  readonly palantir: RequestListener
}

/** A server that listens nowhere yet. */
export const make = ({ faultSwitch, palantir, trouble }: Options): Effect.Effect<Server, never, Scope.Scope> =>
  Effect.gen(function* () {
    const run = yield* FiberSet.makeRuntime<never>()
    const sockets = new Set<Socket>()
    /** Those on which somebody turns the switch. */
    const spared = new Set<Socket>()
    const held = new Set<Socket>()
    let nonsense = 0

    const breakAll = (some: ReadonlySet<Socket>) => {
      for (const socket of some) if (!spared.has(socket)) socket.destroy()
    }
    trouble.watch((fault, isHappening) => {
      if (fault === "down" && isHappening) breakAll(sockets)
      // Never answered; but nobody is held longer than it lasts.
      if (fault === "hang" && !isHappening) breakAll(held)
    })

    const hold = (socket: Socket) => {
      held.add(socket)
      socket.once("close", () => held.delete(socket))
      const [oldest] = held
      if (held.size > maxHeld) oldest?.destroy()
    }

    const spare = (socket: Socket, response: ServerResponse) => {
      spared.add(socket)
      response.once("close", () => spared.delete(socket))
    }

    const later = (request: IncomingMessage, response: ServerResponse) => {
      const answer = Effect.sync(() => {
        if (!response.destroyed) palantir(request, response)
      })
      run(Effect.delay(answer, lengthIn(trouble.faults(), "slowBy")))
    }

    // Connections are taken and then broken: nothing has to listen anew, on a port somebody may have taken.
    return createServer((request, response) => {
      if (isSwitch(request)) {
        spare(request.socket, response)
        faultSwitch(request, response)
      } else if (trouble.isHappening("down")) request.socket.destroy()
      else if (trouble.isHappening("hang")) hold(request.socket)
      else if (trouble.isHappening("garbage")) {
        Garbage.all[nonsense % Garbage.all.length]?.answer(response)
        nonsense += 1
      } else if (trouble.isHappening("slow")) later(request, response)
      else palantir(request, response)
    }).on("connection", (socket: Socket) => {
      sockets.add(socket)
      socket.once("close", () => sockets.delete(socket))
    })
  })

const isSwitch = ({ url = "" }: IncomingMessage) => /^\/faults(?:\?|$)/.test(url)
