/** The gate of the standalone server: tokens, where there ever was one; before that, this machine alone. */
import { isIPv6 } from "node:net"
import { Limiter, type Token, Tokens } from "@mithrandir/core"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import {
  Gate,
  type Judge,
  type Knock,
  loopback,
  type Names,
  type Principal,
  rejected,
  stranger,
  type Verdict
} from "./Gate.ts"
import * as Limits from "./Limits.ts"

/** How long a token that another process has made or revoked may go unnoticed. */
const refreshInterval = Duration.seconds(10)

/**
 * Lets in whoever has a token, as its actor and with its role. A token that is good is never refused for how often others
 * from its address failed: guessing 256 bits is hopeless anyway, and locking out those who share a proxy with an attacker
 * would be his gain. What is limited is how often a refusal costs more than a line.
 */
export const judge = (
  tokens: Context.Tag.Service<Tokens.Tokens>,
  names: Names,
  { failuresPerMinute }: Pick<Limits.Shape, "failuresPerMinute">
): Judge => {
  const local = loopback(names)
  const strange = stranger(names)
  const failures = Limiter.make({ times: failuresPerMinute, perMs: 60_000 })

  const failed = (knock: Knock, detail: string, actor?: string): Verdict => {
    const retryAfterMs = failures.take(network(knock.address), knock.time)
    return {
      ...(retryAfterMs === undefined
        ? rejected("unauthenticated", detail)
        : rejected("too-many-failures", "too many requests from your address were not authenticated", retryAfterMs)),
      noted: { detail, ...(actor === undefined ? {} : { actor }) }
    }
  }

  /** Whoever came in for want of tokens is to show one once there is one. */
  const beforeTokens = (knock: Knock): Verdict => {
    const verdict = local(knock)
    if (verdict._tag === "Rejected") return verdict
    return { ...verdict, principal: { ...verdict.principal, isStillGood: () => !tokens.everMade() } }
  }

  /** The same for all who show the same token: a thousand streams of a dashboard have one. */
  const principals = new WeakMap<Token.Token, Principal>()
  const principalOf = (token: Token.Token): Principal => {
    const { actor, id, role } = token
    const known = principals.get(token) ?? { actor, role, isStillGood: (now) => tokens.isGood(id, now) }
    principals.set(token, known)
    return known
  }

  return (knock) => {
    if (!tokens.everMade()) return beforeTokens(knock)
    const rejection = strange(knock)
    if (rejection !== undefined) return rejection
    if (knock.holder !== undefined) return { _tag: "Admitted", principal: knock.holder }
    if (knock.permission === "anyone") return { _tag: "Admitted", principal: { actor: "anonymous", role: "anyone" } }
    const offered = knock.headers.authorization
    if (offered === undefined) return failed(knock, "send a token: Authorization: Bearer …")
    const text = /^Bearer +(\S+)$/i.exec(offered)?.[1]
    if (text === undefined) return failed(knock, "the Authorization header holds no bearer token")
    const found = tokens.recognise(text, knock.time)
    switch (found._tag) {
      case "Unknown":
        return failed(knock, "this token is not known")
      case "Bad":
        return failed(knock, `the token ${found.token.id} ${words[found.why]}`, found.token.actor)
      case "Good":
        return { _tag: "Admitted", principal: principalOf(found.token) }
    }
  }
}

const words = { revoked: "was revoked", expired: "has expired" }

/** The gate over the tokens of the database. Another process's are noticed within seconds. */
export const layer = (names: Names = {}): Layer.Layer<Gate, never, Tokens.Tokens> =>
  Layer.scoped(
    Gate,
    Effect.gen(function* () {
      const tokens = yield* Tokens.Tokens
      const limits = yield* Limits.Limits
      // What could not be read is read again; until then what was known holds.
      const refresh = Effect.catchAllCause(tokens.refresh, (cause) =>
        Effect.logError("tokens could not be read", cause)
      )
      yield* Effect.forkScoped(Effect.repeat(refresh, Schedule.spaced(refreshInterval)))
      return Gate.of({ judge: judge(tokens, names, limits) })
    })
  )

/** Whoever has an IPv6 address has 2^64 of them: they count as one. */
const network = (address = "unknown"): string => {
  const plain = address
    .toLowerCase()
    .replace(/^::ffff:(?=\d+\.)/, "")
    .replace(/%.*$/, "")
  if (!isIPv6(plain)) return plain
  const [head = "", tail] = plain.split("::")
  const groups = head === "" ? [] : head.split(":")
  const rest = tail === undefined || tail === "" ? [] : tail.split(":")
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - groups.length - rest.length)).fill("0")
  return `${[...groups, ...zeros, ...rest]
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":")}::/64`
}
