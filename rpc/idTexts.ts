/**
 * The texts of the members `id` of a valid JSON text, by the place of their object: of the object itself (`level` 1,
 * place 0), or of the objects in an array (`level` 2). Parsing loses them: 8466830112817644860 is no number of
 * JavaScript, 1e3 becomes 1000, and -0 becomes 0. The last of equal members counts, as in `JSON.parse`.
 */
export const idTexts = (json: string, level: 1 | 2): Map<number, string> => {
  const texts = new Map<number, string>()
  let depth = 0
  let place = 0
  let name = ''
  let valueAt = -1
  for (let at = 0; at < json.length; at++) {
    const char = json[at]
    if (char === '"') {
      const end = endOfString(json, at)
      if (depth === level) name = json.slice(at, end + 1)
      at = end
    } else if (char === ':') {
      if (depth === level && isId(name)) valueAt = at + 1
    } else if (char === '{' || char === '[') depth += 1
    else if (char === ',' || char === '}' || char === ']') {
      if (depth === level && valueAt >= 0) {
        texts.set(place, json.slice(valueAt, at).trim())
        valueAt = -1
      }
      if (char !== ',') depth -= 1
      else if (depth === level - 1) place += 1
    }
  }
  return texts
}

/** The name may be written with escapes. */
const isId = (name: string): boolean => name === '"id"' || (name.includes('\\') && JSON.parse(name) === 'id')

const endOfString = (json: string, start: number): number => {
  let at = start + 1
  while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1
  return at
}
