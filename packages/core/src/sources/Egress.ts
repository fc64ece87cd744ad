/**
 * Whom we ask, and whom never: link-local addresses, and the services that tell a machine in a cloud its credentials.
 *
 * A url is checked before it is used (`flaw`), and a name where it is resolved (`lookup`): the addresses that were
 * checked are the ones that are connected to, so that nothing is gained by giving another answer later. Loopback and
 * private networks stay open: that is where job systems live.
 */
import * as Dns from "node:dns"
import * as Net from "node:net"
import * as Schema from "effect/Schema"

/** A url that is never asked. `problem` says what would fit, and quotes nothing. */
export class UrlRefused extends Schema.TaggedError<UrlRefused>()("UrlRefused", { problem: Schema.String }) {
  override get message() {
    return this.problem
  }
}

/** A host turned out to be at an address that is never asked. No connection was made. */
export class AddressRefused extends Schema.TaggedError<AddressRefused>()("AddressRefused", {
  /** The name that was looked up. */
  host: Schema.String,
  /** The IP address that it has. */
  address: Schema.String
}) {
  /** What Node's errors of resolving and connecting are told apart by. */
  readonly code = "ERR_ADDRESS_REFUSED"
  override get message() {
    return `${this.host} is at ${this.address}: ${never}`
  }
}

const never = "link-local addresses and metadata services are never asked"

/** Why a url can't be asked over HTTP, for who wrote it; undefined: it can, as far as it can be told without DNS. */
export const flaw = (url: string): string | undefined => {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined || !(parsed.protocol === "http:" || parsed.protocol === "https:")) {
    return "expected an http:// or https:// url"
  }
  return userinfoFlaw(parsed) ?? hostFlaw(parsed.hostname)
}

/** Why a url can't be shown, traced and logged; undefined: it says nothing of who logs in. */
export const userinfoFlaw = ({ password, username }: URL): string | undefined =>
  username === "" && password === "" ? undefined : "expected a url without user and password"

/**
 * Why a host is never asked, whatever the protocol; undefined: it may be. Takes what stands in a url, brackets
 * included. A name is known by its sound alone: where it leads to, `lookup` finds out.
 */
export const hostFlaw = (host: string): string | undefined => {
  const name = canonical(host)
  return (isAddress(name) ? isRefused(name) : metadataNames.has(name)) ? never : undefined
}

/** Whether an IP address is never asked, with a zone or in brackets, too. What is no IP address is not asked either. */
export const isRefused = (address: string): boolean => {
  const plain = bare(address)
  switch (Net.isIP(plain)) {
    case 4:
      return refused.check(plain, "ipv4")
    case 6:
      return refused.check(plain, "ipv6") || carried(plain).some((inner) => refused.check(inner, "ipv4"))
    default:
      return true
  }
}

/** Gives every address of a name, as `dns.lookup` with `all`. */
export type Resolve = (
  host: string,
  options: Dns.LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: Array<Dns.LookupAddress>) => void
) => void

/**
 * `lookup` with another resolver. Of a name with several addresses, one that is refused spoils all: who mixes them is
 * up to something, and which one would be tried is not ours to choose.
 */
export const makeLookup =
  (resolve: Resolve): Net.LookupFunction =>
  (host, options, callback) =>
    resolve(host, { ...options, all: true }, (failure, addresses) => {
      const wrong = addresses?.find(({ address }) => isRefused(address))
      const error = failure ?? (wrong === undefined ? undefined : new AddressRefused({ host, address: wrong.address }))
      const [first] = addresses ?? []
      if (error !== undefined || first === undefined) callback(error ?? notFound(host), options.all ? [] : "")
      else if (options.all) callback(null, addresses)
      else callback(null, first.address, first.family)
    })

/**
 * Resolves names for Node's agents and sockets, and refuses what is never asked with `AddressRefused`. A socket
 * connects to the addresses it gives, and to no other. Node asks it about names alone: check urls with `flaw`.
 *
 * A client that goes by it is made afresh, or it may be another one of the same program that does not:
 *
 * @example
 * Layer.fresh(NodeHttpClient.layerWithoutAgent).pipe(
 *   Layer.provide(NodeHttpClient.makeAgentLayer({ lookup: Egress.lookup }))
 * )
 */
export const lookup: Net.LookupFunction = makeLookup((host, options, callback) => Dns.lookup(host, options, callback))

/** As `dns.lookup` says it. A resolver that knows no address may say so by giving none. */
const notFound = (hostname: string) =>
  Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: "ENOTFOUND", syscall: "getaddrinfo", hostname })

/** Names that clouds give their metadata services. They lead to refused addresses; this says so before anything runs. */
const metadataNames: ReadonlySet<string> = new Set([
  "metadata.google.internal",
  "metadata.goog",
  "instance-data",
  "instance-data.ec2.internal",
  "metadata.tencentyun.com"
])

const refused = new Net.BlockList()
// Link-local. Here are the metadata services of AWS, Google, Azure, Oracle, DigitalOcean, OpenStack and others, and
// what gives containers their credentials.
refused.addSubnet("169.254.0.0", 16, "ipv4")
refused.addSubnet("fe80::", 10, "ipv6")
// Metadata services elsewhere: Alibaba, Azure's wire server, Oracle Classic.
for (const address of ["100.100.100.200", "168.63.129.16", "192.0.0.192"]) refused.addAddress(address, "ipv4")
// All that AWS serves to machines; then Google, Oracle, Scaleway, Linode, Alibaba.
refused.addSubnet("fd00:ec2::", 32, "ipv6")
for (const address of ["fd20:ce::254", "fd00:c1::a9fe:a9fe", "fd00:42::42", "fd00:a9fe:a9fe::1", "fd00:100::100:200"]) {
  refused.addAddress(address, "ipv6")
}

/** How IPv6 addresses carry IPv4 ones: what they begin with, and where the four bytes are. */
const carriers: ReadonlyArray<{ readonly begin: ReadonlyArray<number>; readonly at: ReadonlyArray<number> }> = [
  // IPv4-compatible ::a.b.c.d, IPv4-mapped ::ffff:a.b.c.d, IPv4-translated ::ffff:0:a.b.c.d.
  { begin: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], at: [12, 13, 14, 15] },
  { begin: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], at: [12, 13, 14, 15] },
  { begin: [0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0], at: [12, 13, 14, 15] },
  // NAT64, 64:ff9b::/96, and a network's own, 64:ff9b:1::/48, in which RFC 6052 knows four places.
  { begin: [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0], at: [12, 13, 14, 15] },
  { begin: [0, 0x64, 0xff, 0x9b, 0, 1], at: [6, 7, 9, 10] },
  { begin: [0, 0x64, 0xff, 0x9b, 0, 1], at: [7, 9, 10, 11] },
  { begin: [0, 0x64, 0xff, 0x9b, 0, 1], at: [9, 10, 11, 12] },
  { begin: [0, 0x64, 0xff, 0x9b, 0, 1], at: [12, 13, 14, 15] },
  // 6to4, and the server of a Teredo address.
  { begin: [0x20, 0x02], at: [2, 3, 4, 5] },
  { begin: [0x20, 0x01, 0, 0], at: [4, 5, 6, 7] }
]

/** The IPv4 addresses that packets to an IPv6 one may end up at. */
const carried = (address: string): ReadonlyArray<string> => {
  const bytes = bytesOf(address)
  const dotted = (at: ReadonlyArray<number>, mask = 0) => at.map((index) => (bytes[index] ?? 0) ^ mask).join(".")
  const beginsWith = (begin: ReadonlyArray<number>) => begin.every((byte, index) => bytes[index] === byte)
  const found = carriers.filter(({ begin }) => beginsWith(begin)).map(({ at }) => dotted(at))
  // The client of a Teredo address is written with every bit turned.
  if (beginsWith([0x20, 0x01, 0, 0])) found.push(dotted([12, 13, 14, 15], 0xff))
  // ISATAP: an interface 0:5efe or 200:5efe, in whatever network.
  const [universal, ...rest] = bytes.slice(8, 12)
  if ((universal === 0 || universal === 2) && rest.join() === "0,94,254") found.push(dotted([12, 13, 14, 15]))
  return found
}

/** The sixteen bytes of an IPv6 address. */
const bytesOf = (address: string): ReadonlyArray<number> => {
  const hexadecimal = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...four: ReadonlyArray<string>) => {
    const [a = 0, b = 0, c = 0, d = 0] = four.slice(0, 4).map(Number)
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  })
  const [before = [], after = []] = hexadecimal
    .split("::")
    .map((side) => (side === "" ? [] : side.split(":").map((group) => Number.parseInt(group, 16))))
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0)
  return [...before, ...zeros, ...after].flatMap((group) => [group >> 8, group & 0xff])
}

const isAddress = (host: string): boolean => Net.isIP(bare(host)) !== 0

/** Without brackets, and without the zone, which says which interface of this machine is meant. */
const bare = (address: string): string => address.replace(/^\[(.*)\]$/, "$1").replace(/%.*$/, "")

/**
 * One way to write a host. Resolvers read `0xA9FEA9FE`, `2852039166` and `①⑥⑨.254.43518` as addresses, and so do the
 * urls of HTTP, which write them plainly; those of other protocols leave them as they are.
 */
const canonical = (host: string): string => {
  if (isAddress(host)) return host
  const url = `http://${host}`
  return (URL.canParse(url) ? new URL(url).hostname : host).toLowerCase().replace(/\.+$/, "")
}
