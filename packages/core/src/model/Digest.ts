/** Digests of JSON: what the same content always gives, whoever computes it. */
import { createHash } from "node:crypto"
import canonicalize from "canonicalize"
import type { CommandRequest } from "./Command.ts"
import type { KnownCounts } from "./JobView.ts"

/** Lower-case hex SHA-256 of the RFC 8785 (JSON Canonicalization Scheme) form of a JSON value. */
export const sha256Json = (json: unknown): string =>
  createHash("sha256")
    .update(canonicalize(json) ?? "null")
    .digest("hex")

/**
 * What makes two requests the same: lower-case hex SHA-256 of the RFC 8785 JSON of service, action, target and
 * params. No params are `{}`. The reason is left out.
 */
export const fingerprint = (request: Pick<CommandRequest, "service" | "actionType" | "target" | "params">): string =>
  sha256Json({
    service: request.service,
    actionType: request.actionType,
    target: request.target,
    params: request.params ?? {}
  })

/**
 * `"v1:"` and the lower-case hex SHA-256 of the RFC 8785 JSON of the counts, so that a client can compute it from
 * the counts it was shown. Without counts: of `{}`.
 */
export const checksum = (counts: KnownCounts): string => `v1:${sha256Json(counts)}`
