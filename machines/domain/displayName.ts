/** Names for people. */

/** Characters of the longest name. */
export const longestDisplayName = 64

/** Printable characters, no space at its ends; as a pattern of JSON Schema. */
export const displayNamePattern = '^[^\\p{C}\\p{Z}]([^\\p{C}\\p{Zl}\\p{Zp}]*[^\\p{C}\\p{Z}])?$'
const shape = new RegExp(displayNamePattern, 'u')

export const isDisplayName = (text: string): boolean => shape.test(text) && [...text].length <= longestDisplayName
