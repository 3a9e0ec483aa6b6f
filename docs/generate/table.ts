const cell = (text: string) =>
  text
    .split('`')
    .map((part, index) => (index % 2 === 0 ? part.replaceAll('<', '&lt;') : part))
    .join('`')
    .replaceAll('|', '\\|')

/** As code, which a page shows letter by letter. */
export const code = (text: string) => (text === '' ? 'empty' : `\`${text}\``)

/** A table, padded as the formatter would write it. */
export function table(head: string[], rows: string[][]): string {
  const cells = [head, ...rows].map((row) => row.map(cell))
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)))
  const line = (row: string[], fill = ' ') =>
    `| ${row.map((each, column) => each.padEnd(widths[column] ?? 0, fill)).join(' | ')} |`
  const [first = [], ...others] = cells
  return [
    line(first),
    line(
      head.map(() => ''),
      '-',
    ),
    ...others.map((row) => line(row)),
  ].join('\n')
}
