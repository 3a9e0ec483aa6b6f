/** Splits a command line into words, with the quotes of a POSIX shell. Throws if a quote or an escape is left open. */
export function splitWords(line: string): string[] {
  const words: string[] = []
  let word: string | undefined
  for (let at = 0; at < line.length; at++) {
    const char = line[at] ?? ''
    if (/\s/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else if (char === "'") {
      const end = line.indexOf("'", at + 1)
      if (end === -1) throw new Error('Unterminated single-quoted string')
      word = (word ?? '') + line.slice(at + 1, end)
      at = end
    } else if (char === '"') {
      const [text, end] = quoted(line, at + 1)
      word = (word ?? '') + text
      at = end
    } else if (char === '\\') {
      if (++at >= line.length) throw new Error('Unterminated backslash-escape')
      // An escaped line break is dropped.
      word = (word ?? '') + (line[at] === '\n' ? '' : line[at])
    } else word = (word ?? '') + char
  }
  if (word !== undefined) words.push(word)
  return words
}

function quoted(line: string, from: number): [text: string, end: number] {
  let text = ''
  for (let at = from; at < line.length; at++) {
    const char = line[at] ?? ''
    const next = line[at + 1] ?? ''
    if (char === '"') return [text, at]
    if (char === '\\' && '$`"\\\n'.includes(next) && next !== '') {
      text += next === '\n' ? '' : next
      at++
    } else text += char
  }
  throw new Error('Unterminated double-quoted string')
}

/** Replaces `$NAME` and `${NAME}`; an unknown name becomes empty. Single quotes do not protect a name. */
export const expand = (word: string, environment: Record<string, string | undefined>): string =>
  word.replace(
    /\$(?:\{([^}]*)\}|([A-Za-z_]\w*)|([*#$@!?\-0-9]))/g,
    (_, braced?: string, plain?: string, special?: string) => environment[braced ?? plain ?? special ?? ''] ?? '',
  )
