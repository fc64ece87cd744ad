/** Names that lead where a test says, and Node's HTTP client as it is wired in earnest, but for that resolver. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Layer from "effect/Layer"
import * as Egress from "../../src/sources/Egress.ts"

/** What a name leads to, one list of addresses after the other: the last of them is given again and again. */
export type Answers = Readonly<Record<string, ReadonlyArray<ReadonlyArray<string>>>>

/** A resolver, and the names that it was asked for. */
export const namesOf = (answers: Answers) => {
  const asked: Array<string> = []
  const resolve: Egress.Resolve = (host, _, callback) => {
    const of = answers[host] ?? []
    const times = asked.filter((name) => name === host).length
    asked.push(host)
    const addresses = of[Math.min(times, of.length - 1)] ?? []
    const family = (address: string) => (address.includes(":") ? 6 : 4)
    setImmediate(() =>
      callback(
        null,
        addresses.map((address) => ({ address, family: family(address) }))
      )
    )
  }
  const lookup = Egress.makeLookup(resolve)
  const http = Layer.provide(Layer.fresh(NodeHttpClient.layerWithoutAgent), NodeHttpClient.makeAgentLayer({ lookup }))
  return { asked, lookup, http }
}
