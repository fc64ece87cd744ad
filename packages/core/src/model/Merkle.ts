/**
 * Merkle trees as RFC 6962 has them (section 2.1): the root of a list that only grows, that something is in it at a
 * place, and that one root came from another by adding alone. Hashes are SHA-256, 32 bytes.
 */
import { hash } from "node:crypto"

/** Of a list of nothing. */
export const emptyRoot: Uint8Array = hash("sha256", "", "buffer")

const prefixed = (prefix: number, ...parts: ReadonlyArray<Uint8Array>): Uint8Array =>
  hash("sha256", Buffer.concat([Uint8Array.of(prefix), ...parts]), "buffer")

/** Of one entry. Leaves and nodes are hashed apart, so that none can pass for the other. */
export const leafHash = (entry: Uint8Array): Uint8Array => prefixed(0, entry)

/** Of two subtrees, side by side. */
export const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => prefixed(1, left, right)

/** A subtree that is full. */
export interface Node {
  /** At level 0 a leaf, and at each other twice as many as below. */
  readonly level: number
  /** The first of its level has 0. */
  readonly number: number
  /** 32 bytes. */
  readonly hash: Uint8Array
}

/** The largest power of two that is smaller than `size`, which is 2 or more. */
const split = (size: number): number => {
  let half = 1
  while (half * 2 < size) half *= 2
  return half
}

/** Leaves from the first to before the last, as a tree of their own would split them. */
interface Range {
  readonly from: number
  readonly to: number
}

/** Where a full subtree's hash is found. */
export type Lookup = (level: number, number: number) => Uint8Array

/** The root of some leaves, from that of full subtrees. */
const rangeHash = ({ from, to }: Range, lookup: Lookup): Uint8Array => {
  const size = to - from
  const level = Math.log2(size)
  if (Number.isInteger(level)) return lookup(level, from / size)
  const middle = from + split(size)
  return nodeHash(rangeHash({ from, to: middle }, lookup), rangeHash({ from: middle, to }, lookup))
}

/** The root of the first `size` leaves. */
export const root = (size: number, lookup: Lookup): Uint8Array =>
  size === 0 ? emptyRoot : rangeHash({ from: 0, to: size }, lookup)

const inclusion = (index: number, { from, to }: Range): ReadonlyArray<Range> => {
  if (to - from === 1) return []
  const middle = from + split(to - from)
  return index < middle
    ? [...inclusion(index, { from, to: middle }), { from: middle, to }]
    : [...inclusion(index, { from: middle, to }), { from, to: middle }]
}

/** That the leaf at `index`, from 0 on, is among the first `size`: RFC 6962, section 2.1.1. */
export const inclusionProof = (index: number, size: number, lookup: Lookup): ReadonlyArray<Uint8Array> =>
  inclusion(index, { from: 0, to: size }).map((range) => rangeHash(range, lookup))

const consistency = (old: number, { from, to }: Range, isWhole: boolean): ReadonlyArray<Range> => {
  if (old === to) return isWhole ? [] : [{ from, to }]
  const middle = from + split(to - from)
  return old <= middle
    ? [...consistency(old, { from, to: middle }, isWhole), { from: middle, to }]
    : [...consistency(old, { from: middle, to }, false), { from, to: middle }]
}

/** That the first `old` of `size` leaves are what they were: RFC 6962, section 2.1.2. Empty where one of both is 0. */
export const consistencyProof = (old: number, size: number, lookup: Lookup): ReadonlyArray<Uint8Array> =>
  old === 0 ? [] : consistency(old, { from: 0, to: size }, true).map((range) => rangeHash(range, lookup))

/** Whether two hashes are the same. */
export const isSame = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0

/**
 * Goes up from a place of its level, the last of which is `last`, with a sibling at each step, on its left or on its
 * right. Whether it comes to the root with the last of them: the loop of RFC 9162, sections 2.1.3.2 and 2.1.4.2.
 */
const climbs = (
  start: { readonly place: number; readonly last: number },
  siblings: ReadonlyArray<Uint8Array>,
  step: (sibling: Uint8Array, isLeft: boolean) => void
): boolean => {
  let { last, place } = start
  const up = () => {
    place = Math.floor(place / 2)
    last = Math.floor(last / 2)
  }
  for (const sibling of siblings) {
    if (last === 0) return false
    const isLeft = place % 2 === 1 || place === last
    step(sibling, isLeft)
    if (isLeft) while (place % 2 === 0 && place !== 0) up()
    up()
  }
  return last === 0
}

/** Whether `proof` shows that `leaf` is at `index` of the `size` leaves under `root`: RFC 9162, section 2.1.3.2. */
export const verifyInclusion = (
  { index, leaf, size }: { readonly index: number; readonly size: number; readonly leaf: Uint8Array },
  proof: ReadonlyArray<Uint8Array>,
  root: Uint8Array
): boolean => {
  if (index < 0 || index >= size) return false
  let found = leaf
  const isThrough = climbs({ place: index, last: size - 1 }, proof, (sibling, isLeft) => {
    found = isLeft ? nodeHash(sibling, found) : nodeHash(found, sibling)
  })
  return isThrough && isSame(found, root)
}

/** What a tree was at one time. */
export interface Head {
  /** How many leaves it had. */
  readonly size: number
  /** The hash of them all. */
  readonly root: Uint8Array
}

/** Whether `proof` shows that the tree of `now` is that of `before`, grown: RFC 9162, section 2.1.4.2. */
export const verifyConsistency = (before: Head, now: Head, proof: ReadonlyArray<Uint8Array>): boolean => {
  if (before.size > now.size) return false
  if (before.size === now.size) return proof.length === 0 && isSame(before.root, now.root)
  if (before.size === 0) return proof.length === 0 && isSame(before.root, emptyRoot)
  const path = Number.isInteger(Math.log2(before.size)) ? [before.root, ...proof] : proof
  let place = before.size - 1
  let last = now.size - 1
  while (place % 2 === 1) {
    place = Math.floor(place / 2)
    last = Math.floor(last / 2)
  }
  const [start, ...rest] = path
  if (start === undefined) return false
  let old = start
  let grown = start
  const isThrough = climbs({ place, last }, rest, (sibling, isLeft) => {
    if (isLeft) old = nodeHash(sibling, old)
    grown = isLeft ? nodeHash(sibling, grown) : nodeHash(grown, sibling)
  })
  return isThrough && isSame(old, before.root) && isSame(grown, now.root)
}

/** The right edge of a tree, from which it grows. */
export interface Edge {
  /** How many leaves there are. */
  readonly size: number
  /** The hashes of the full subtrees that it consists of, the largest first. */
  readonly peaks: ReadonlyArray<Uint8Array>
}

/** Of no leaves. */
export const emptyEdge: Edge = { size: 0, peaks: [] }

/** The tree with one leaf more, and the subtrees that are full with it, the leaf first. */
export const grow = (
  { peaks, size }: Edge,
  leaf: Uint8Array
): { readonly edge: Edge; readonly nodes: ReadonlyArray<Node> } => {
  const rest = [...peaks]
  const nodes: Array<Node> = [{ level: 0, number: size, hash: leaf }]
  let hash = leaf
  for (let level = 0, count = size; count % 2 === 1; level++) {
    hash = nodeHash(rest.pop() ?? emptyRoot, hash)
    count = Math.floor(count / 2)
    nodes.push({ level: level + 1, number: count, hash })
  }
  return { edge: { size: size + 1, peaks: [...rest, hash] }, nodes }
}

/** The root of a tree, by its edge. */
export const rootOf = ({ peaks }: Edge): Uint8Array =>
  peaks.length === 0 ? emptyRoot : peaks.reduceRight((right, left) => nodeHash(left, right))
