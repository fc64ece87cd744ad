/** Where an API has our routes: as they are, or under a prefix, beside routes of its own. */
import * as HttpApi from "@effect/platform/HttpApi"
import type { HttpApiDecodeError } from "@effect/platform/HttpApiError"
import type * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import { Api } from "./Api.ts"
import * as Permission from "./Permission.ts"

/** The groups of our routes. Their names say whose they are, so that they are not taken for an embedder's. */
export type Groups = typeof Api extends HttpApi.HttpApi<string, infer G, infer _E, infer _R> ? G : never

/** Our routes alone, at the paths where the API called `Id` has them. */
export type Mounted<Id extends string> = HttpApi.HttpApi<Id, Groups, HttpApiDecodeError>

/** Our routes within an API. */
export interface Mount<Id extends string> {
  readonly api: Mounted<Id>
  /** Whether a request is one of ours: a route that is there, or anything at all where the API is nothing but ours. */
  readonly owns: (method: string, path: string) => boolean
  /** Whether what has no route is ours to refuse: under our prefix, or the path of a route of ours. */
  readonly claims: (path: string) => boolean
  /** The methods that the API has at a path, ours or not. */
  readonly methods: (path: string) => ReadonlyArray<string>
  /** The route of ours that the router has found, by its method and its path as it was declared. */
  readonly route: (method: string, path: string) => Route | undefined
}

/** A route of ours. */
export interface Route {
  readonly method: string
  /** Its path without the prefix, as it was declared. */
  readonly path: string
  /** What it asks of whoever comes. */
  readonly permission: Permission.Permission
}

/** A route of the API, ours or not. */
interface Place {
  readonly method: string
  readonly pattern: RegExp
  readonly isOurs: boolean
}

/**
 * Finds our routes in an API that has them: `MyApi.addHttpApi(Api.Api.prefix("/ops"))`. Throws a `TypeError` for one
 * that has not, or has put groups of its own in the place of ours.
 */
export const of = <Id extends string, G extends HttpApiGroup.HttpApiGroup.Any, E, R>(
  host: HttpApi.HttpApi<Id, G, E, R>
): Mount<Id> => {
  const api = pick(host)
  const prefix = prefixOf(api)
  const routes = routesOf(host)
  const own = new Map(ownRoutes.map((route) => [`${route.method} ${prefix}${route.path}`, route]))
  const isAll = prefix === "" && routes.every(({ isOurs }) => isOurs)
  const beneath = new RegExp(`^${patternOf(prefix)}(/|$)`, "i")
  const at = (path: string) => routes.filter(({ pattern }) => pattern.test(usual(path)))
  return {
    api,
    owns: (method, path) => isAll || at(path).some((route) => route.isOurs && answers(route, method)),
    claims: (path) => isAll || (prefix !== "" && beneath.test(usual(path))) || at(path).some(({ isOurs }) => isOurs),
    methods: (path) => Array.from(new Set(at(path).map(({ method }) => method))),
    route: (method, path) => own.get(`${method} ${path}`)
  }
}

/** Where there is GET there is HEAD. */
const answers = (route: Place, method: string): boolean => route.method === (method === "HEAD" ? "GET" : method)

const isOurGroup = (name: string): boolean => Object.hasOwn(Api.groups, name)

/** The one place where types cannot follow: groups are looked up by name, and keep their types under any prefix. */
const pick = <Id extends string, G extends HttpApiGroup.HttpApiGroup.Any, E, R>(
  host: HttpApi.HttpApi<Id, G, E, R>
): Mounted<Id> => {
  const names = Object.keys(Api.groups)
  const missing = names.filter((name) => host.groups[name] === undefined)
  if (missing.length > 0) throw new TypeError(`this API lacks groups of Mithrandir's: ${missing.join(", ")}`)
  const groups = names.flatMap((name) => host.groups[name] ?? [])
  return groups.reduce<unknown>(
    (api, group) => (api as Mounted<Id>).add(group),
    HttpApi.make("mithrandir")
  ) as Mounted<Id>
}

/** What stands before the paths that our routes have by themselves. The same for all of them. */
const prefixOf = <Id extends string>(api: Mounted<Id>): string => {
  const [ours] = pathsOf(Api)
  const [mounted] = pathsOf(api)
  if (ours === undefined || mounted === undefined || !mounted.endsWith(ours)) {
    throw new TypeError("this API has groups of its own in the place of Mithrandir's")
  }
  return mounted.slice(0, -ours.length)
}

const pathsOf = <Id extends string, G extends HttpApiGroup.HttpApiGroup.Any, E, R>(
  api: HttpApi.HttpApi<Id, G, E, R>
): ReadonlyArray<string> => endpointsOf(api).map(({ endpoint }) => endpoint.path)

/**
 * Every endpoint with its group. The framework's own walk also makes every schema of each, which takes longer than all
 * else at the start of a program.
 */
const endpointsOf = <Id extends string, G extends HttpApiGroup.HttpApiGroup.Any, E, R>(
  api: HttpApi.HttpApi<Id, G, E, R>
) => {
  // Whatever its type leaves out, a group has these.
  const groups: ReadonlyArray<unknown> = Object.values(api.groups)
  return (groups as ReadonlyArray<HttpApiGroup.HttpApiGroup.AnyWithProps>).flatMap((group) =>
    Object.values(group.endpoints).map((endpoint) => ({ group, endpoint }))
  )
}

const routesOf = <Id extends string, G extends HttpApiGroup.HttpApiGroup.Any, E, R>(
  api: HttpApi.HttpApi<Id, G, E, R>
): ReadonlyArray<Place> =>
  endpointsOf(api).map(({ endpoint, group }) => ({
    method: endpoint.method,
    pattern: new RegExp(`^${patternOf(endpoint.path)}$`, "i"),
    isOurs: isOurGroup(group.identifier)
  }))

/** Our routes by themselves, each with what it asks. */
const ownRoutes: ReadonlyArray<Route> = endpointsOf(Api).map(({ endpoint }) => ({
  method: endpoint.method,
  path: endpoint.path,
  permission: Permission.of(endpoint)
}))

/**
 * A path as it is usually written. A host's router may take others for the same: in capitals, with slashes more, with
 * letters as their numbers, with parameters after a semicolon.
 */
const usual = (path: string): string => {
  const plain = path
    .replace(/%[0-9a-f]{2}/gi, (code) => {
      const letter = String.fromCharCode(Number.parseInt(code.slice(1), 16))
      return /[\w.~-]/.test(letter) ? letter : code
    })
    .replace(/;.*$/, "")
    .replace(/\/{2,}/g, "/")
  return plain.length > 1 ? plain.replace(/\/$/, "") : plain
}

const patternOf = (path: string): string => path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/:\w+/g, "[^/]+")
