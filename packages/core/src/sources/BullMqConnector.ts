/** How the connection of a BullMQ source comes to its socket: by the ways of ioredis, and only to where it may. */
import * as Net from "node:net"
import * as Tls from "node:tls"
import type { RedisOptions } from "bullmq"
import * as Egress from "./Egress.ts"

/** What ioredis tells, from the url, of where to connect to. */
interface Where {
  readonly host?: string
  readonly port?: number
  readonly family?: number
  /** `true` where the url alone asks for it. */
  readonly tls?: Tls.ConnectionOptions | true
  /** How long a server may take to close, in milliseconds. */
  readonly disconnectTimeout?: number
}

/** For ioredis's option `Connector`. The one it has takes no `lookup`, and connects to wherever a name leads. */
export const make = (lookup: Net.LookupFunction): NonNullable<RedisOptions["Connector"]> => {
  class Connector {
    /** Read by ioredis where the socket broke before it listened. */
    firstError?: Error
    #socket: Net.Socket | undefined
    readonly #where: Where
    constructor(where: unknown) {
      this.#where = where as Where
    }

    connect(): Promise<Net.Socket> {
      const { family, host = "127.0.0.1", port = 6379, tls } = this.#where
      // Node resolves names alone: an address is checked here.
      if (Egress.hostFlaw(host) !== undefined) return Promise.reject(new Egress.AddressRefused({ host, address: host }))
      const where = { host, port, lookup, ...(family === undefined ? {} : { family }) }
      const socket = tls ? Tls.connect({ ...where, ...(tls === true ? {} : tls) }) : Net.connect(where)
      socket.once("error", (error) => {
        this.firstError = error
      })
      this.#socket = socket
      return Promise.resolve(socket)
    }

    disconnect(): void {
      const socket = this.#socket
      if (socket === undefined) return
      const late = setTimeout(() => socket.destroy(), this.#where.disconnectTimeout)
      socket.once("close", () => clearTimeout(late))
      socket.end()
    }

    /** Asked of what a sentinel says. There is none. */
    check(): boolean {
      return true
    }
  }
  // ioredis types it as a class of its own, private members included; this is all of it that it uses.
  return Connector as unknown as NonNullable<RedisOptions["Connector"]>
}
