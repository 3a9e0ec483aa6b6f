/**
 * The text of a configuration file, or the rule that it breaks. Editors of Windows write UTF-16, which would only give a
 * syntax error in line 1; other characters that are not UTF-8 would become other names.
 */
export function configurationText(content: Uint8Array): { text: string } | { rule: string } {
  const [first = 1, second = 1] = content
  const hasMark = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)
  if (hasMark || first === 0 || second === 0) return { rule: 'is UTF-16: save it as UTF-8' }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(content) }
  } catch {
    const lines = new TextDecoder().decode(content).split('\n')
    const line = lines.findIndex((each) => each.includes('\ufffd')) + 1
    return { rule: `has characters that are not UTF-8 (line ${line}): save it as UTF-8` }
  }
}
