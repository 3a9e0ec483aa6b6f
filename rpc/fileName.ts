/**
 * A name that no folder can be reached with and that every list shows as it is: printable characters, none that other
 * systems refuse, no `..`, no leading dot, dash or space, no dot or space at the end. The store has the same rule.
 */
export const fileNamePattern = String.raw`^(?![.\-\s])(?!.*\.\.)(?!.*[.\s]$)[^/\\<>:"|?*\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+$`
const pattern = new RegExp(fileNamePattern, 'u')

/** File systems count bytes, which a schema cannot. */
export const isFileName = (name: string, room = 255): boolean => Buffer.byteLength(name) <= room && pattern.test(name)
