import { createServer, type IncomingMessage } from "node:http"
import { connect } from "node:net"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import fc from "fast-check"
import * as HealthMonitor from "../../src/services/HealthMonitor.ts"
import * as Egress from "../../src/sources/Egress.ts"
import { JobSource } from "../../src/sources/JobSource.ts"
import * as MemorySource from "../../src/sources/MemorySource.ts"
import * as Palantir from "../../src/sources/Palantir.ts"
import { layerHouse, makeFile, service } from "../support/house.ts"
import { namesOf } from "../support/names.ts"

type Bytes = readonly [number, number, number, number]

const byte = fc.nat({ max: 255 })

/** Link-local, and the metadata services that are elsewhere. */
const forbidden: fc.Arbitrary<Bytes> = fc.oneof(
  { arbitrary: fc.tuple(fc.constant(169), fc.constant(254), byte, byte), weight: 3 },
  fc.constantFrom<Bytes>([169, 254, 169, 254], [100, 100, 100, 200], [168, 63, 129, 16], [192, 0, 0, 192])
)

const isForbidden = ([a, b, c, d]: Bytes) =>
  (a === 169 && b === 254) || ["100.100.100.200", "168.63.129.16", "192.0.0.192"].includes([a, b, c, d].join("."))

/** Everybody else's, those of private networks and of this machine among them. */
const ordinary: fc.Arbitrary<Bytes> = fc
  .oneof(
    fc.tuple(byte, byte, byte, byte),
    fc.tuple(fc.constant(10), byte, byte, byte),
    fc.tuple(fc.constantFrom(169, 168, 170), fc.constantFrom(253, 255, 254), byte, byte),
    fc.constantFrom<Bytes>([127, 0, 0, 1], [192, 168, 0, 1], [172, 16, 0, 1], [0, 0, 0, 0], [100, 100, 100, 201])
  )
  .filter((bytes) => !isForbidden(bytes))

/** Every way that resolvers and urls read an IPv4 address in. */
const writtenV4 = (bytes: Bytes): fc.Arbitrary<string> =>
  fc
    .record({
      parts: fc.integer({ min: 1, max: 4 }),
      radixes: fc.array(fc.constantFrom("dec", "hex", "oct"), { minLength: 4, maxLength: 4 }),
      zeros: fc.nat({ max: 3 }),
      isUpper: fc.boolean(),
      dot: fc.constantFrom(".", "\u3002", "\uff0e", "\uff61", "%2e"),
      end: fc.constantFrom("", "."),
      digits: fc.constantFrom<(text: string) => string>(
        (text) => text,
        (text) => text.replace(/[0-9]/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
        (text) => text.replace(/[0-9]/g, (digit) => `%${(0x30 + Number(digit)).toString(16)}`),
        (text) => text.replace(/[1-9]/g, (digit) => String.fromCodePoint(0x245f + Number(digit)))
      )
    })
    .map(({ digits, dot, end, isUpper, parts, radixes, zeros }) => {
      const first = bytes.slice(0, parts - 1)
      const last = bytes.slice(parts - 1).reduce((sum, next) => sum * 256 + next, 0)
      const written = [...first, last].map((value, index) => {
        if (radixes[index] === "dec") return String(value)
        const text = radixes[index] === "hex" ? value.toString(16) : value.toString(8)
        const padded = "0".repeat(zeros) + text
        if (radixes[index] === "oct") return `0${padded}`
        return isUpper ? `0X${padded.toUpperCase()}` : `0x${padded}`
      })
      return written.map(digits).join(dot) + end
    })

type Groups = ReadonlyArray<number>

const pair = (high: number, low: number) => high * 256 + low

/** Every kind of IPv6 address that carries an IPv4 one. What is beside it is nobody's. */
const carrying = ([a, b, c, d]: Bytes): ReadonlyArray<Groups> => {
  const [high, low] = [pair(a, b), pair(c, d)]
  return [
    [0, 0, 0, 0, 0, 0, high, low],
    [0, 0, 0, 0, 0, 0xffff, high, low],
    [0, 0, 0, 0, 0xffff, 0, high, low],
    [0x64, 0xff9b, 0, 0, 0, 0, high, low],
    [0x64, 0xff9b, 1, 0, 0, 0, high, low],
    [0x64, 0xff9b, 1, high, pair(0, c), pair(d, 0), 0, 0],
    [0x64, 0xff9b, 1, pair(0, a), pair(0, b), low, 0, 0],
    [0x64, 0xff9b, 1, 0, pair(0, a), pair(b, c), pair(d, 0), 0],
    [0x2002, high, low, 0, 0, 0, 0, 1],
    [0x2001, 0, high, low, 0, 0xffff, 0xf5ff, 0xfffe],
    [0x2001, 0, 0x0a00, 1, 0, 0xffff, high ^ 0xffff, low ^ 0xffff],
    [0x2600, 1, 2, 3, 0, 0x5efe, high, low],
    [0xfd12, 1, 2, 3, 0x200, 0x5efe, high, low]
  ]
}

/** Every way to write an IPv6 address. */
const writtenV6 = (groups: Groups): fc.Arbitrary<string> =>
  fc
    .record({ isShort: fc.boolean(), isUpper: fc.boolean(), isPadded: fc.boolean(), isDotted: fc.boolean() })
    .map(({ isDotted, isPadded, isShort, isUpper }) => {
      const hex = (group: number) => group.toString(16).padStart(isPadded ? 4 : 1, "0")
      const [g = 0, h = 0] = groups.slice(6)
      const end = isDotted ? `${g >> 8}.${g & 255}.${h >> 8}.${h & 255}` : `${hex(g)}:${hex(h)}`
      const whole = `${groups.slice(0, 6).map(hex).join(":")}:${end}`
      const text = isShort ? whole.replace(/(^|:)0+(:0+)+:/, "::") : whole
      return isUpper ? text.toUpperCase() : text
    })

const zone = fc.constantFrom("", "%eth0", "%1", "%25en0")

const runs = { numRuns: process.env["MITHRANDIR_TEST_LONG"] === "1" ? 50_000 : 500 }

const flawOf = (host: string, scheme = "http") => Egress.flaw(`${scheme}://${host}:8080/health`)

/** What a Redis url leaves of a host: its parser does not know addresses. */
const redisFlaw = (host: string) => Egress.hostFlaw(new URL(`redis://${host}:6379`).hostname)

describe("however an address is written that is never asked", () => {
  it("as IPv4, it is refused", () => {
    fc.assert(
      fc.property(
        forbidden.chain((bytes) => fc.tuple(fc.constant(bytes), writtenV4(bytes))),
        ([bytes, host]) => {
          assert.isTrue(Egress.isRefused(bytes.join(".")))
          assert.isString(flawOf(host), host)
          assert.isString(flawOf(host, "https"), host)
          assert.isString(redisFlaw(host), host)
        }
      ),
      runs
    )
  })

  it("within IPv6, it is refused, with a zone or in brackets as well", () => {
    const written = forbidden
      .chain((bytes) => fc.constantFrom(...carrying(bytes)))
      .chain((groups) => fc.tuple(writtenV6(groups), zone))
    fc.assert(
      fc.property(written, ([address, zone]) => {
        assert.isTrue(Egress.isRefused(address), address)
        assert.isTrue(Egress.isRefused(`${address}${zone}`), `${address}${zone}`)
        assert.isTrue(Egress.isRefused(`[${address}]`), address)
        assert.isString(flawOf(`[${address}]`), address)
        assert.isString(redisFlaw(`[${address}]`), address)
      }),
      runs
    )
  })

  it("as IPv6 of its own, it is refused", () => {
    const group = fc.nat({ max: 0xffff })
    const linkLocal = fc
      .tuple(fc.integer({ min: 0xfe80, max: 0xfebf }), group, group, group, group, group, group, group)
      .map((groups): Groups => groups)
    const amazon = fc.tuple(group, group, group, group, group, group).map((rest): Groups => [0xfd00, 0xec2, ...rest])
    const others = fc.constantFrom<Groups>(
      [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254],
      [0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe],
      [0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42],
      [0xfd00, 0xa9fe, 0xa9fe, 0, 0, 0, 0, 1],
      [0xfd00, 0x100, 0, 0, 0, 0, 0x100, 0x200]
    )
    const written = fc.oneof(linkLocal, amazon, others).chain((groups) => fc.tuple(writtenV6(groups), zone))
    fc.assert(
      fc.property(written, ([address, zone]) => {
        assert.isTrue(Egress.isRefused(`${address}${zone}`), address)
        assert.isString(flawOf(`[${address}]`), address)
      }),
      runs
    )
  })
})

describe("however an ordinary address is written", () => {
  it("as IPv4, it may be asked", () => {
    fc.assert(
      fc.property(
        ordinary.chain((bytes) => fc.tuple(fc.constant(bytes), writtenV4(bytes))),
        ([bytes, host]) => {
          assert.isFalse(Egress.isRefused(bytes.join(".")), host)
          assert.isUndefined(flawOf(host), host)
          assert.isUndefined(redisFlaw(host), host)
        }
      ),
      runs
    )
  })

  it("as IPv6, it may be asked", () => {
    const alone = fc
      .tuple(
        fc.constantFrom(0x2600, 0x2a00, 0xfd12, 0xfc00),
        ...Array.from({ length: 7 }, () => fc.nat({ max: 0xffff }))
      )
      .map((groups): Groups => groups)
    // Read by another way of carrying, the last of its bytes are the first of an address, and may make a bad one.
    const isOneWay = (bytes: ReadonlyArray<number>) => !bytes.join().includes("169,254")
    const carried = ordinary.filter(isOneWay).chain((bytes) => fc.constantFrom(...carrying(bytes)))
    fc.assert(
      fc.property(
        fc.oneof(alone, carried, fc.constant<Groups>([0, 0, 0, 0, 0, 0, 0, 1])).chain(writtenV6),
        (address) => {
          assert.isFalse(Egress.isRefused(address), address)
          assert.isUndefined(flawOf(`[${address}]`), address)
        }
      ),
      runs
    )
  })
})

describe("Egress", () => {
  it("takes http and https, without user and password", () => {
    for (const url of ["http://h", "https://palantir.internal:8443/base/", "HTTP://[::1]:80", "http://localhost"]) {
      assert.isUndefined(Egress.flaw(url), url)
    }
    for (const url of [
      "",
      "h",
      "//h",
      "ftp://h",
      "file:///etc/passwd",
      "gopher://h",
      "redis://h",
      "data:,x",
      "http://"
    ]) {
      assert.strictEqual(Egress.flaw(url), "expected an http:// or https:// url", url)
    }
    for (const url of ["http://u@h", "http://:p@h", "https://u:p@127.0.0.1", "http://127.0.0.1@169.254.169.254"]) {
      assert.strictEqual(Egress.flaw(url), "expected a url without user and password", url)
    }
  })

  it("knows the names of metadata services, and refuses them before anybody is asked for their address", () => {
    for (const host of ["metadata.google.internal", "METADATA.Google.internal.", "metadata.goog", "instance-data"]) {
      assert.isString(flawOf(host), host)
      assert.isString(redisFlaw(host), host)
    }
    for (const host of ["metadata.example", "google.internal", "metadata.google.internal.example"]) {
      assert.isUndefined(flawOf(host), host)
    }
  })

  it("asks nothing that is no address", () => {
    for (const text of ["", "localhost", "1.2.3", "1.2.3.4.5", "::1::", "fe80", "%eth0", "[]"]) {
      assert.isTrue(Egress.isRefused(text), text)
    }
  })
})

/** What a lookup says, as Node asks it: for all addresses, or for one. */
const looked = (lookup: typeof Egress.lookup, host: string, all: boolean) =>
  Effect.async<unknown>((resume) =>
    lookup(host, { all }, (error, address, family) =>
      resume(Effect.succeed(error ?? (all ? address : [address, family])))
    )
  )

describe("lookup", () => {
  const { lookup } = namesOf({
    one: [["10.0.0.1"]],
    two: [["::1", "127.0.0.1"]],
    mixed: [["127.0.0.1", "::ffff:169.254.169.254"]],
    odd: [["nonsense"]]
  })

  it.live("gives every address, or the first, as it is asked", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* looked(lookup, "two", true), [
        { address: "::1", family: 6 },
        { address: "127.0.0.1", family: 4 }
      ])
      assert.deepStrictEqual(yield* looked(lookup, "two", false), ["::1", 6])
      assert.deepStrictEqual(yield* looked(lookup, "one", false), ["10.0.0.1", 4])
    })
  )

  it.live("refuses a name if one of its addresses is refused, wherever it stands, and says which", () =>
    Effect.gen(function* () {
      for (const all of [true, false]) {
        const error = yield* looked(lookup, "mixed", all)
        assert.instanceOf(error, Egress.AddressRefused)
        assert.deepInclude(error, {
          code: "ERR_ADDRESS_REFUSED",
          host: "mixed",
          address: "::ffff:169.254.169.254"
        })
        assert.instanceOf(yield* looked(lookup, "odd", all), Egress.AddressRefused)
      }
    })
  )

  it.live("says of a name without address what Node says of one", () =>
    Effect.gen(function* () {
      for (const all of [true, false]) {
        const expected = { code: "ENOTFOUND", syscall: "getaddrinfo" }
        assert.deepInclude(yield* looked(lookup, "nobody", all), expected)
        assert.deepInclude(yield* looked(Egress.lookup, "nobody.invalid", all), expected)
      }
    })
  )

  it.live("asks the system's resolver, which reads numbers as addresses", () =>
    Effect.gen(function* () {
      assert.include(["127.0.0.1", "::1"], ((yield* looked(Egress.lookup, "localhost", false)) as [string])[0])
      for (const host of ["0xA9FEA9FE", "2852039166", "0251.0376.0251.0376", "\u2460\u2465\u2468.254.43518"]) {
        assert.instanceOf(yield* looked(Egress.lookup, host, true), Egress.AddressRefused, host)
      }
    })
  )
})

/** A Palantir that is all right, on loopback; and whom it heard. */
const upstream = Effect.acquireRelease(
  Effect.async<{ readonly port: number; readonly heard: Array<IncomingMessage>; readonly close: () => void }>(
    (resume) => {
      const heard: Array<IncomingMessage> = []
      const counts = { waiting: 1, active: 0, delayed: 0, completed: 0, failed: 0 }
      const server = createServer((request, response) => {
        heard.push(request)
        response.end(JSON.stringify({ counts }))
      })
      const close = () => server.close().closeAllConnections()
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(Effect.succeed({ port: typeof address === "object" ? (address?.port ?? 0) : 0, heard, close }))
      })
    }
  ),
  ({ close }) => Effect.sync(close)
)

const sourceAt = (url: string, http: ReturnType<typeof namesOf>["http"]) =>
  Effect.map(Layer.build(Layer.provide(Palantir.layer({ url }), http)), Context.get(JobSource))

describe("a client that resolves names by it", () => {
  it.scopedLive("connects to what was checked: an answer that changes in between changes nothing", () =>
    Effect.gen(function* () {
      const { heard, port } = yield* upstream
      const names = namesOf({ rebinding: [["127.0.0.1"], ["169.254.169.254"]] })
      const source = yield* sourceAt(`http://rebinding:${port}`, names.http)
      assert.strictEqual((yield* source.counts).waiting, 1)
      // Once for the request, check and connection together.
      assert.deepStrictEqual(names.asked, ["rebinding"])
      assert.strictEqual(heard[0]?.headers.host, `rebinding:${port}`)
      // Each request is checked anew.
      for (const call of [source.counts, source.ping, source.stuck?.("") ?? Effect.void]) {
        assert.deepInclude(yield* Effect.flip(call), { _tag: "SourceUnavailable", reason: "address" })
      }
      assert.strictEqual(heard.length, 1)
    })
  )

  it.scopedLive("sends nothing to a name that leads here and there, and says that nothing was applied", () =>
    Effect.gen(function* () {
      const { heard, port } = yield* upstream
      const { http } = namesOf({ mixed: [["127.0.0.1", "fe80::1%lo"]], tls: [["169.254.169.254"]] })
      for (const url of [`http://mixed:${port}`, `https://tls:${port}`]) {
        const source = yield* sourceAt(url, http)
        const act = source.actions.purgeQueue?.("mail", "key") ?? Effect.void
        for (const call of [source.counts, act]) {
          const error = yield* Effect.flip(call)
          assert.deepInclude(error, { _tag: "SourceUnavailable", reason: "address" })
          assert.notMatch(`${error} ${JSON.stringify(error)}`, /169|fe80|mixed|tls/)
        }
      }
      assert.strictEqual(heard.length, 0)
    })
  )

  it.scopedLive("tries one address after the other, as any client does", () =>
    Effect.gen(function* () {
      const { port } = yield* upstream
      const names = namesOf({ two: [["::1", "127.0.0.1"]], one: [["127.0.0.1"]] })
      for (const name of ["two", "one"]) {
        assert.strictEqual((yield* (yield* sourceAt(`http://${name}:${port}`, names.http)).counts).waiting, 1)
      }
      assert.deepStrictEqual(names.asked, ["two", "one"])
    })
  )

  it.scopedLive("a name that nobody has is no connection", () =>
    Effect.gen(function* () {
      const source = yield* sourceAt("http://nobody", namesOf({}).http)
      assert.deepInclude(yield* Effect.flip(source.counts), { reason: "connect" })
    })
  )

  it.scopedLive("finds a health endpoint that leads to where nobody is asked unhealthy, and says why", () =>
    Effect.gen(function* () {
      const { heard, port } = yield* upstream
      const { http } = namesOf({ turned: [["127.0.0.1"], ["169.254.169.254"]] })
      const memory = yield* MemorySource.make
      const healthEndpoint = `http://turned:${port}/health`
      const context = yield* Layer.build(layerHouse(yield* makeFile, [service(memory, { healthEndpoint })], { http }))
      const health = Context.get(context, HealthMonitor.HealthMonitor)
      yield* health.probe
      assert.strictEqual((yield* health.health("mail")).status, "healthy")
      yield* health.probe
      assert.deepInclude(yield* health.health("mail"), {
        status: "unhealthy",
        message: "its host leads to a link-local address or a metadata service, which are never asked"
      })
      assert.strictEqual(heard.length, 1)
    })
  )
})

describe("Node", () => {
  it.scopedLive("connects to the addresses that a lookup gives, and asks for them once", () =>
    Effect.gen(function* () {
      const { port } = yield* upstream
      for (const family of [0, 4] as const) {
        const names = namesOf({ name: [["127.0.0.1"], ["127.0.0.2"]] })
        const remote = yield* Effect.async<string | undefined>((resume) => {
          const socket = connect({ host: "name", port, lookup: names.lookup, family }, () => {
            resume(Effect.succeed(socket.remoteAddress))
            socket.destroy()
          })
        })
        assert.strictEqual(remote, "127.0.0.1")
        assert.deepStrictEqual(names.asked, ["name"])
      }
    })
  )

  it.scopedLive("asks no lookup for an address in a url: that is what flaw is for", () =>
    Effect.gen(function* () {
      const { port } = yield* upstream
      const names = namesOf({})
      const source = yield* sourceAt(`http://127.0.0.1:${port}`, names.http)
      yield* source.counts
      assert.deepStrictEqual(names.asked, [])
      for (const url of ["http://169.254.169.254", "http://[::ffff:a9fe:a9fe]", "http://u:p@h", "ftp://h"]) {
        const refused = yield* Effect.flip(Layer.build(Layer.provide(Palantir.layer({ url }), NodeHttpClient.layer)))
        assert.deepStrictEqual(refused, new Egress.UrlRefused({ problem: Egress.flaw(url) ?? "" }))
      }
    })
  )
})
