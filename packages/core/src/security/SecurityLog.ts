/** The record of refusals, and of what became of tokens: bounded, whoever knocks however often. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { v7 as uuid } from "uuid"
import { type Page, pageFields } from "../model/Page.ts"
import * as Rate from "../model/Rate.ts"
import { type Incident, ofTokens, SecurityEvent, SecurityEventKind } from "../model/SecurityEvent.ts"
import { FromSql, toSql } from "../model/Timestamp.ts"
import * as Token from "../model/Token.ts"
import { Write } from "../storage/Change.ts"
import * as RecordPage from "../storage/RecordPage.ts"
import { Store, type StoreUnavailable, type StoreUnreadable } from "../storage/Store.ts"

/** Which events, by time. `startDate <= timestamp < endDate`. */
export const SecurityQuery = Schema.Struct({
  ...pageFields,
  kind: Schema.optionalWith(SecurityEventKind, { exact: true }),
  /** Only of this actor. */
  actor: Schema.optionalWith(Schema.String, { exact: true }),
  /** Only from this IP address. */
  address: Schema.optionalWith(Schema.String, { exact: true })
})
export type SecurityQuery = typeof SecurityQuery.Type

/** What happened at the doors. */
export class SecurityLog extends Context.Tag("@mithrandir/core/SecurityLog")<
  SecurityLog,
  {
    /**
     * Takes note of something that happened at a moment, in milliseconds. It is written within a few seconds; what is
     * more than there is room for is counted. Plain and synchronous: the gate is no effect.
     */
    readonly note: (incident: Incident, now: number) => void
    /** Writes what was noted; how much was only counted it says at most once a minute. */
    readonly flush: Effect.Effect<void, StoreUnavailable>
    /** Writes what was noted, and what was counted: before nobody is left who would. */
    readonly drain: Effect.Effect<void, StoreUnavailable>
    /**
     * Removes what is older than 90 days or beyond the newest 100,000. What became of tokens is kept: nothing else says
     * who made or revoked one.
     */
    readonly prune: Effect.Effect<void, StoreUnavailable | StoreUnreadable>
    /** One page of the events that a query asks for, and how many there are in all. */
    readonly page: (query: SecurityQuery) => Effect.Effect<Page<SecurityEvent>, StoreUnreadable>
  }
>() {}

/** How often what was noted is to be written: rarely enough to put what repeats into one row. */
export const flushInterval = Duration.seconds(2)

/**
 * Rows that refusals may cost: a hundred at once, and one every two seconds. An attacker who goes on for a day has
 * written 43,200, and 1,440 that count everything else he did. As many are for those who are known by name, so that no
 * noise of others hides what they try.
 */
const rows: Rate.Rate = { times: 100, perMs: 200_000 }

/** Rows that only count. */
const countingRows: Rate.Rate = { times: 1, perMs: 60_000 }

/** Held in memory while nothing can be written. */
const maxNoted = 1_000

/** Kept to be looked into after holidays, in no more rows than pages are quick in. */
const keptDays = 90
const keptRows = 100_000

const make = Effect.gen(function* () {
  const store = yield* Store
  let noted = new Map<string, SecurityEvent>()
  const due: Record<"named" | "nameless", Rate.Due> = { named: undefined, nameless: undefined }
  let suppressed = 0
  let countDue: Rate.Due

  const note = (incident: Incident, now: number): void => {
    // As it is stored: what reads the same there is one row.
    const key = JSON.stringify(cut(incident))
    const before = noted.get(key)
    if (before !== undefined) {
      noted.set(key, { ...before, timestamp: DateTime.unsafeMake(now), count: before.count + 1 })
      return
    }
    const who = (incident.actor ?? null) === null ? "nameless" : "named"
    const turn = Rate.take(rows, due[who], now)
    if (turn._tag === "Refused" || noted.size >= maxNoted) {
      suppressed++
      return
    }
    due[who] = turn.due
    noted.set(key, eventOf(incident, now, 1))
  }

  /** What was counted, where it is its turn to be told. */
  const count = (now: number, isLast: boolean): number => {
    const turn = Rate.take(countingRows, countDue, now)
    if (suppressed === 0 || (turn._tag === "Refused" && !isLast)) return 0
    if (turn._tag === "Taken") countDue = turn.due
    const counted = suppressed
    suppressed = 0
    return counted
  }

  const write = Effect.fn("SecurityLog.write")(function* (isLast: boolean) {
    const now = yield* Clock.currentTimeMillis
    const dueBefore = countDue
    const [events, counted] = [noted, count(now, isLast)]
    if (events.size === 0 && counted === 0) return
    noted = new Map()
    const all = [...events.values(), ...(counted === 0 ? [] : [eventOf({ kind: "suppressed" }, now, counted)])]
    yield* store.commit({ writes: [Write.SecurityNoted({ events: all })], events: [] }).pipe(
      Effect.catchTag("CommandIdTaken", Effect.die),
      // They are written with the next ones, and counted where the same happened meanwhile.
      Effect.tapErrorCause(() =>
        Effect.sync(() => {
          for (const [key, event] of noted) {
            const { count, id } = events.get(key) ?? { count: 0, id: event.id }
            events.set(key, { ...event, id, count: count + event.count })
          }
          noted = events
          suppressed += counted
          countDue = dueBefore
        })
      )
    )
    // Not to be interrupted between taking what was noted and putting it back where it could not be written.
  }, Effect.uninterruptible)

  const prune = Effect.gen(function* () {
    const before = DateTime.subtract(yield* DateTime.now, { days: keptDays })
    const beyond = yield* store.read(
      (sql) => sql`
        SELECT 1 FROM security_event WHERE timestamp < ${toSql(before)} AND NOT ${sql.in("kind", ofTokens)}
        UNION ALL SELECT 1 FROM (SELECT COUNT(*) AS n FROM security_event WHERE NOT ${sql.in("kind", ofTokens)})
        WHERE n > ${keptRows} LIMIT 1`
    )
    if (beyond.length === 0) return
    yield* store.commit({ writes: [Write.SecurityPruned({ before, newest: keptRows })], events: [] })
  }).pipe(Effect.catchTag("CommandIdTaken", Effect.die))

  const page = Effect.fn("SecurityLog.page")((query: SecurityQuery) =>
    store.readAside((sql) =>
      RecordPage.readByTime(sql, query, {
        table: "security_event",
        where: { kind: query.kind, actor: query.actor, address: query.address },
        decode: decodeRows
      })
    )
  )

  return SecurityLog.of({ note, flush: write(false), drain: write(true), prune, page })
})

/** Over the store's database. Nothing is written until somebody has it flushed. */
export const layer: Layer.Layer<SecurityLog, never, Store> = Layer.effect(SecurityLog, make)

/** What is to be written of something that happens now, with what it happens to. */
export const now = (incident: Incident): Effect.Effect<Write> =>
  Effect.map(Clock.currentTimeMillis, (at) => Write.SecurityNoted({ events: [eventOf(incident, at, 1)] }))

/** Longer than any path of ours; what is longer is no request that anybody needs to see whole. */
const maxText = 256

const short = (text: string | null | undefined): string | null => {
  if (text === undefined || text === null) return null
  const kept = Token.conceal(text)
  return kept.length > maxText ? `${kept.slice(0, maxText)}…` : kept
}

const cut = ({ actor, address, detail, kind, request }: Incident): Required<Incident> => {
  return { kind, actor: short(actor), address: short(address), request: short(request), detail: short(detail) }
}

const eventOf = (incident: Incident, at: number, count: number): SecurityEvent => {
  return { id: uuid(), timestamp: DateTime.unsafeMake(at), ...cut(incident), count }
}

const decodeRows = Schema.decodeUnknown(Schema.Array(Schema.Struct({ ...SecurityEvent.fields, timestamp: FromSql })))
