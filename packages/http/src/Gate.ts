/** Who may come in: a plain function from what a request says of itself to a principal or a rejection. */
import * as Context from "effect/Context"
import { make, type Problem } from "./Problem.ts"
import type { GeneralCode } from "./ProblemApi.ts"

/** What is known of a request before anything of it is read. */
export interface Knock {
  readonly method: string
  /** Path and query, as they came. */
  readonly url: string
  /** By lower-case name. */
  readonly headers: { readonly [name: string]: string | undefined }
  /** Where it comes from: an IP address. Absent where that is not known, as behind some adapters of other servers. */
  readonly address: string | undefined
}

/** Who is asking. `actor` is what the audit will say. */
export interface Principal {
  readonly actor: string
}

/** What the gate says of a request. A rejection is answered as it is, and nothing else runs. */
export type Verdict =
  | { readonly _tag: "Admitted"; readonly principal: Principal }
  | { readonly _tag: "Rejected"; readonly problem: Problem }

/** Stands before everything: Effect's router, and whatever takes a path before it. Pure, and never throws. */
export type Judge = (knock: Knock) => Verdict

/** The gate in force. An embedder that has its own authentication brings its own. */
export class Gate extends Context.Tag("@mithrandir/http/Gate")<Gate, { readonly judge: Judge }>() {}

/** The actor of requests over loopback, where nobody has to say who they are. */
export const localActor = "local"

/** Whether an IP address, or the name `localhost`, means this very machine. */
export const isLoopback = (host: string): boolean => {
  const name = unbracketed(host.toLowerCase())
  return name === "localhost" || name === "::1" || /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name)
}

/**
 * Without tokens: whoever is on this machine may do everything, as `local`; an unknown address is elsewhere. What a page in somebody's browser could
 * try is refused: names that are not ours, which is how DNS rebinding gets in (421), and unsafe requests that
 * another origin sent (403). `hosts` are names to go by beside the loopback ones, without a port: ports are
 * forwarded, and prove nothing.
 */
export const loopback =
  (hosts: ReadonlyArray<string> = []): Judge =>
  (knock) => {
    if (knock.address === undefined || !isLoopback(knock.address)) {
      return rejected("not-local", "without tokens only this machine may ask")
    }
    const host = knock.headers.host
    if (host === undefined || host === "") return rejected("host-required")
    const name = hostName(host)
    if (name === undefined || !(isLoopback(name) || hosts.some((known) => known.toLowerCase() === name))) {
      return rejected("misdirected-request", "the Host header names another server")
    }
    if (isUnsafe(knock.method) && !isSameOrigin(knock, host)) {
      return rejected("cross-origin", "only this server's own pages may do that, and programs that are not browsers")
    }
    return { _tag: "Admitted", principal: { actor: localActor } }
  }

/** GET, HEAD and OPTIONS change nothing. */
const isUnsafe = (method: string): boolean => method !== "GET" && method !== "HEAD" && method !== "OPTIONS"

/** Browsers send these two by themselves, and pages cannot forge them. Other programs send neither. */
const isSameOrigin = ({ headers }: Knock, host: string): boolean => {
  const site = headers["sec-fetch-site"]
  if (site !== undefined && site !== "same-origin" && site !== "none") return false
  const origin = headers.origin?.toLowerCase()
  return origin === undefined || origin === `http://${host.toLowerCase()}` || origin === `https://${host.toLowerCase()}`
}

/** The name in a Host header, lower-case and without its port, if it is well-formed. */
const hostName = (host: string): string | undefined => {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(host)
  return match?.[1]?.toLowerCase()
}

const unbracketed = (host: string): string => (host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host)

const rejected = (code: GeneralCode, detail?: string): Verdict => ({
  _tag: "Rejected",
  problem: make(code, detail === undefined ? {} : { detail })
})
