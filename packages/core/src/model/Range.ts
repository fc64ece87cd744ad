/** Between two moments, the later one left out: texts as the database has them. Without one: all before, or all after. */
export interface Range {
  readonly from?: string | undefined
  readonly to?: string | undefined
}
