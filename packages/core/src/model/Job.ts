/** A job, as one side sees it. */
import * as Schema from "effect/Schema"

/** What a job can be doing. Systems with more words are mapped onto these five. */
export const JobState = Schema.Literal("waiting", "active", "delayed", "completed", "failed")
export type JobState = typeof JobState.Type

/** Every state, in the order of `JobCounts`. */
export const jobStates: ReadonlyArray<JobState> = JobState.literals

/** `completed` and `failed`: nothing more will happen to the job unless somebody acts. */
export const isFinished = (state: JobState): boolean => state === "completed" || state === "failed"

const maxIdChars = 512
const maxQueueChars = 256

/** Half a character, as `"\ud800"` is one in JSON, is kept as another, and would be another job after a restart. */
const isWhole = (text: string): boolean => !/\p{Surrogate}/u.test(text)

const Whole = Schema.String.pipe(Schema.filter((text) => isWhole(text) || "expected well-formed Unicode"))

/** Unique within a service. At most 512 characters, or a listing could fill memory with one id. Well-formed Unicode. */
export const JobId = Whole.pipe(Schema.minLength(1), Schema.maxLength(maxIdChars))
export type JobId = typeof JobId.Type

/** 1 to 256 characters of well-formed Unicode. */
export const QueueName = Whole.pipe(Schema.minLength(1), Schema.maxLength(maxQueueChars))

/** One line of a listing. */
export interface Job {
  /** Unique within its service. */
  readonly id: JobId
  /** The queue it is in, by name: 1 to 256 characters. */
  readonly queue: string
  /** What it is doing. */
  readonly state: JobState
  /**
   * The job's own options remove it once it has finished, or something else than a person may remove it before: its
   * absence is no evidence.
   */
  readonly leaves?: boolean
  /** A purge leaves it where it is, though it waits: a scheduler's next job, a parent that waits for its children. */
  readonly spared?: boolean
}

const isText = (value: unknown, most: number): boolean =>
  typeof value === "string" && value.length > 0 && value.length <= most && isWhole(value)

/**
 * Whether this is a job, as `JobId`, `QueueName` and `JobState` say, without what a Schema costs for each of very many.
 * What an embedder gives may be anything, whatever its types say.
 */
export const isJob = (value: unknown): value is Job => {
  if (typeof value !== "object" || value === null) return false
  const { id, queue, state } = value as { readonly [K in keyof Job]?: unknown }
  return isText(id, maxIdChars) && isText(queue, maxQueueChars) && jobStates.some((known) => known === state)
}

/** A job looked up by its id. */
export class JobDetail extends Schema.Class<JobDetail>("JobDetail")({
  id: JobId,
  queue: QueueName,
  state: JobState,
  /** How often it was started; absent where the system does not say. */
  attempts: Schema.optionalWith(Schema.NonNegativeInt, { exact: true })
}) {}
