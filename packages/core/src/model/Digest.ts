/** Digests of JSON: what the same content always gives, whoever computes it. */
import { createHash } from "node:crypto"
import canonicalize from "canonicalize"

/** Lower-case hex SHA-256 of the RFC 8785 (JSON Canonicalization Scheme) form of a JSON value. */
export const sha256Json = (json: unknown): string =>
  createHash("sha256")
    .update(canonicalize(json) ?? "null")
    .digest("hex")
