/** Who may come in: a plain function from what a request says of itself to a principal or a rejection. */
import * as Context from "effect/Context"
import * as Permission from "./Permission.ts"
import { make, type Problem } from "./Problem.ts"
import type { GeneralCode } from "./ProblemApi.ts"

/** What is known of a request before anything of it is read. */
export interface Knock {
  /** In capitals. */
  readonly method: string
  /** Path and query, as they came. */
  readonly url: string
  /** By lower-case name. */
  readonly headers: { readonly [name: string]: string | undefined }
  /** Where it comes from: an IP address. Absent where that is not known, as behind some adapters of other servers. */
  readonly address: string | undefined
  /** When it came, in milliseconds since 1970. */
  readonly time: number
  /** What it is for; undefined where there is no such route. */
  readonly permission: Permission.Permission | undefined
  /** Whoever was given the ticket that it has, which is good for this and spent now. */
  readonly holder: Principal | undefined
}

/** Who is asking. */
export interface Principal {
  /** What the audit will say. */
  readonly actor: string
  /** What they may do; `anyone`: nothing that asks for a role. */
  readonly role: Permission.Permission
  /**
   * Whether they would still be let in, at a moment in milliseconds: asked every few seconds of whoever has a stream
   * open, which ends otherwise. Plain and synchronous. Absent: for as long as they stay.
   */
  readonly isStillGood?: (now: number) => boolean
}

/** A rejection, as it is answered, and what else the record of security events is to say of it. */
export interface Rejected {
  /** Tells it from an admission. */
  readonly _tag: "Rejected"
  /** What is answered. */
  readonly problem: Problem
  /** Who it seems to be, and why; never a secret. */
  readonly noted?: { readonly actor?: string; readonly detail?: string }
}

/** What the gate says of a request. A rejection is answered as it is, and nothing else runs. */
export type Verdict = { readonly _tag: "Admitted"; readonly principal: Principal } | Rejected

/** Stands before everything: Effect's router, and whatever takes a path before it. Synchronous, and never throws. */
export type Judge = (knock: Knock) => Verdict

/** The gate in force. An embedder that has its own authentication brings its own. */
export class Gate extends Context.Tag("@mithrandir/http/Gate")<
  Gate,
  {
    /** Asked once for every request, before anything of it is read. */
    readonly judge: Judge
  }
>() {}

/** By which names a server is known, and whose pages may use it. */
export interface Names {
  /**
   * Names to go by beside the loopback ones: `ops.example.com` on any port, since ports are forwarded and prove nothing,
   * or `ops.example.com:8443` on that one alone.
   */
  readonly hosts?: ReadonlyArray<string>
  /** Origins of pages elsewhere that may use it, as browsers write them: `https://dash.example.com`. */
  readonly origins?: ReadonlyArray<string>
}

/** The actor of requests over loopback, where nobody has to say who they are. */
export const localActor = "local"

/** Longer than any URL of ours with every filter in it. */
const maxUrl = 8_192

/** Whether an IP address, or the name `localhost`, means this very machine. */
export const isLoopback = (host: string): boolean => {
  const name = unbracketed(host.toLowerCase())
  return name === "localhost" || name === "::1" || /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name)
}

/**
 * What a request may not be, whoever sends it: for a name that is not ours, which is how DNS rebinding gets in (421), an
 * unsafe one that a page of another origin sent (403), or longer than anything that makes sense (414).
 */
export const stranger = ({ hosts = [], origins = [] }: Names = {}): ((knock: Knock) => Rejected | undefined) => {
  const known = new Set(hosts.map((host) => host.toLowerCase()))
  const allowed = new Set(origins)
  return (knock) => {
    if (knock.url.length > maxUrl) return rejected("uri-too-long")
    const host = knock.headers.host
    if (host === undefined || host === "") return rejected("host-required")
    const name = hostName(host)
    if (name === undefined || !(isLoopback(name) || known.has(name) || known.has(host.toLowerCase()))) {
      return rejected("misdirected-request", "the Host header names another server")
    }
    if (isUnsafe(knock.method) && !isOurs(knock, host, allowed)) {
      return rejected(
        "cross-origin",
        "only pages that this server knows may do that, and programs that are no browsers"
      )
    }
    return undefined
  }
}

/**
 * Without tokens: whoever is on this machine may do everything, as `local`; an unknown address is elsewhere, and so is
 * whoever a proxy on this machine speaks for. What a page in somebody's browser could try is refused.
 */
export const loopback = (names: Names = {}): Judge => {
  const strange = stranger(names)
  return (knock) => {
    if (knock.address === undefined || !isLoopback(knock.address) || forwarding.some((name) => name in knock.headers)) {
      return rejected("not-local", "without tokens only this machine may ask")
    }
    return strange(knock) ?? { _tag: "Admitted", principal: { actor: localActor, role: "admin" } }
  }
}

/** What proxies say of those they speak for, and of themselves. */
const forwarding = [
  "forwarded",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
  "x-client-ip",
  "true-client-ip",
  "cf-connecting-ip"
]

/** Whether somebody would still be let in. What an embedder asks may throw: then nobody knows, and they would not. */
export const isStillGood = ({ isStillGood }: Principal, now: number): boolean => {
  try {
    return isStillGood?.(now) !== false
  } catch {
    return false
  }
}

/** A judge's word, and whether who is let in may do what the request is for. */
export const admit = (judge: Judge, knock: Knock): Verdict => {
  const verdict = judge(knock)
  if (verdict._tag === "Rejected" || knock.permission === undefined) return verdict
  const { actor, role } = verdict.principal
  if (Permission.covers(role, knock.permission)) return verdict
  const detail = `that takes the role ${knock.permission}, and yours is ${role}`
  return { ...rejected("forbidden", detail), noted: { actor, detail } }
}

/** A rejection by its code. */
export const rejected = (code: GeneralCode, detail?: string, retryAfterMs?: number): Rejected => ({
  _tag: "Rejected",
  problem: make(code, {
    ...(detail === undefined ? {} : { detail }),
    ...(retryAfterMs === undefined ? {} : { retryAfter: Math.max(1, Math.ceil(retryAfterMs / 1000)) })
  })
})

/** GET, HEAD and OPTIONS change nothing. */
export const isUnsafe = (method: string): boolean => method !== "GET" && method !== "HEAD" && method !== "OPTIONS"

/** Browsers send these two by themselves, and pages cannot forge them. Other programs send neither. */
const isOurs = ({ headers }: Knock, host: string, allowed: ReadonlySet<string>): boolean => {
  const { origin } = headers
  if (origin !== undefined && allowed.has(origin)) return true
  const site = headers["sec-fetch-site"]
  if (site !== undefined && site !== "same-origin" && site !== "none") return false
  const own = host.toLowerCase()
  return origin === undefined || [`http://${own}`, `https://${own}`].includes(origin.toLowerCase())
}

/** The name in a Host header, lower-case and without its port, if it is well-formed. */
const hostName = (host: string): string | undefined => {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(host)
  return match?.[1]?.toLowerCase()
}

const unbracketed = (host: string): string => (host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host)
