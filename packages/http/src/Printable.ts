/** Text from elsewhere that people will look at, at a terminal or in a spreadsheet. */

/** C0, DEL, C1, the line separators, and the marks that change the direction of text. */
const unprintable = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** The same, but for the line feeds that `JSON.stringify` itself lays the document out with. */
const unprintableInJson = /(?!\n)[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

const byNumber = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`

/**
 * Text with control characters, which can move the cursor or set a title, and the marks that turn text around, which can
 * make one job id look like another, shown by their numbers.
 */
export const printable = (text: string): string => text.replace(unprintable, byNumber)

/** One JSON document. Characters a terminal would act on are escaped, which JSON allows in every string. */
export const json = (value: unknown): string => JSON.stringify(value, null, 2).replace(unprintableInJson, byNumber)

/** The same on one line. */
export const compactJson = (value: unknown): string => JSON.stringify(value).replace(unprintable, byNumber)
