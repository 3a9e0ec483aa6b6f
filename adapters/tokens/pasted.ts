/** What people copy with a credential, from a terminal, a JSON file or a header. Whole pairs of quotes only. */
const quotes: Readonly<Record<string, string>> = { '"': '"', "'": "'", '`': '`', '“': '”', '‘': '’', '«': '»' }

/** Each layer is taken off once: a text of nothing but quotes must not take long. */
const mostLayers = 4

/** The credential in a pasted text: without white space, quotes and `Bearer` around it. */
export function credentialIn(text: string): string {
  let rest = text.trim()
  for (let layer = 0; layer < mostLayers; layer++) {
    const before = rest
    const last = quotes[rest[0] ?? '']
    if (rest.length > 1 && last !== undefined && rest.endsWith(last)) rest = rest.slice(1, -1).trim()
    rest = rest.replace(/^(?:Authorization\s*:\s*)?Bearer(?:\s+|$)/i, '')
    if (rest === before) break
  }
  return rest
}
