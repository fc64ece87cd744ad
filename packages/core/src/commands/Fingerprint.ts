/** What makes two requests the same, where some of what they say must not be written down. */
import { scrypt } from "node:crypto"
import canonicalize from "canonicalize"
import * as Effect from "effect/Effect"
import type { CommandRequest } from "../model/Command.ts"
import { fingerprint } from "../model/Digest.ts"
import { conceal } from "../model/Sensitive.ts"
import type { Action } from "./Action.ts"

/**
 * What a guess at a secret costs: a fifth of a second and 32 MiB, as OWASP recommends at least for passwords. Part of
 * every fingerprint: another cost makes another fingerprint, and a repeated command is then taken for a new one.
 */
const cost = { N: 2 ** 15, r: 8, p: 3, maxmem: 64 * 1024 * 1024 }
const bytes = 32

/** Hashes that are computed side by side: each takes a thread and its memory. */
const atOnce = Effect.unsafeMakeSemaphore(2)

/**
 * The fingerprint of a request. Params without sensitive values have the plain one, which anybody can compute. In any
 * other each sensitive value is first replaced by one slow hash of all params, salted with the commandId: what is
 * stored tells a repeated request from another one, and gives no quick way to try secrets.
 */
export const fingerprintOf = (action: Action, request: CommandRequest): Effect.Effect<string> => {
  const params = request.params ?? {}
  if (!conceal(action.params, params).isSensitive) return Effect.succeed(fingerprint(request))
  return Effect.map(slowHash(canonicalize(params) ?? "", request.commandId), (hash) =>
    fingerprint({ ...request, params: conceal(action.params, params, hash).params })
  )
}

const slowHash = (text: string, salt: string): Effect.Effect<string> =>
  Effect.async<string>((resume) =>
    scrypt(text, salt, bytes, cost, (error, key) =>
      resume(error === null ? Effect.succeed(`scrypt:${key.toString("hex")}`) : Effect.die(error))
    )
  ).pipe(atOnce.withPermits(1))
