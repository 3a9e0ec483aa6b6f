const cell = (text: string) =>
  text
    .split('`')
    .map((part, index) => (index % 2 === 0 ? part.replaceAll('<', '&lt;') : part))
    .join('`')
    .replaceAll('|', '\\|')

/** Formats the text as inline code. */
export const code = (text: string) => (text === '' ? 'empty' : `\`${text}\``)

/** Returns a Markdown table with padded columns. */
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
