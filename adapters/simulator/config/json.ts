/** JSON with the complaints of Go's decoder, which clients of MediaMTX know by their text. */

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }
export type JsonObject = { [name: string]: Json }

/** Throws an Error whose message is Go's. */
export function parseJson(text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(complaintAbout(text))
  }
}

const goKind = (value: Json): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value

/** Go names the value itself only where a number is of the wrong sort. */
export const mismatch = (value: Json, goType: string): Error =>
  new Error(
    `json: cannot unmarshal ${typeof value === 'number' && /^(u?int|float)/.test(goType) ? `number ${value}` : goKind(value)} into Go value of type ${goType}`,
  )

export function objectOf(value: Json): JsonObject {
  if (value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value)) throw mismatch(value, 'map[string]json.RawMessage')
  return value
}

class Complaint extends Error {}

/** Walks a text that JSON.parse has refused, to the place and the words of Go's refusal. */
function complaintAbout(text: string): string {
  let at = 0
  const blank = (): void => {
    while (' \t\r\n'.includes(text[at] ?? 'x')) at++
  }
  const refuse = (where: string): never => {
    const char = text[at]
    throw new Complaint(
      char === undefined
        ? 'unexpected end of JSON input'
        : `invalid character ${char === "'" ? `'\\''` : `'${char}'`} ${where}`,
    )
  }
  const string = (): void => {
    at++
    while (text[at] !== '"') {
      if ((text[at] ?? '') < ' ') refuse('in string literal')
      if (text[at] === '\\') {
        at++
        if (!'"\\/bfnrtu'.includes(text[at] ?? ' ')) refuse('in string escape code')
      }
      at++
    }
    at++
  }
  const literal = (word: string): void => {
    for (const char of word) {
      if (text[at] !== char) refuse(`in literal ${word} (expecting '${char}')`)
      at++
    }
  }
  const number = (): void => {
    if (text[at] === '-') at++
    if (!/\d/.test(text[at] ?? '')) refuse('in numeric literal')
    at += /^(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/.exec(text.slice(at))?.[0].length ?? 1
  }
  const members = (close: string, after: string, member: () => void): void => {
    at++
    blank()
    if (text[at] === close) {
      at++
      return
    }
    for (;;) {
      member()
      blank()
      if (text[at] === close) break
      if (text[at] !== ',') refuse(after)
      at++
      blank()
    }
    at++
  }
  const pair = (): void => {
    if (text[at] !== '"') refuse('looking for beginning of object key string')
    string()
    blank()
    if (text[at] !== ':') refuse('after object key')
    at++
    value()
  }
  const value = (): void => {
    blank()
    const char = text[at] ?? ''
    if (char === '{') members('}', 'after object key:value pair', pair)
    else if (char === '[') members(']', 'after array element', value)
    else if (char === '"') string()
    else if (char === 't') literal('true')
    else if (char === 'f') literal('false')
    else if (char === 'n') literal('null')
    else if (/[-\d]/.test(char)) number()
    else refuse('looking for beginning of value')
  }
  try {
    value()
    blank()
    return refuse('after top-level value')
  } catch (error) {
    // Nesting deeper than the stack is no JSON that anybody means.
    return error instanceof Complaint ? error.message : 'exceeded max depth'
  }
}
