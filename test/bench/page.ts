import { type Goal, goals } from './goals.js'
import { isMet, rounded, wordsOf } from './judge.js'
import type { Figures, Kept, Part, Table } from './part.js'

/** The text of docs/benchmarks.md. Parts that were not measured are left out. */
export function pageOf(parts: readonly Part[], figures: Figures): string {
  const sections = parts.flatMap((part) => {
    const kept = figures[part.name]
    return kept ? [sectionOf(part, kept)] : []
  })
  return `# Benchmarks

Written by \`make bench\`, from [benchmarks.json](benchmarks.json). Figures mean something only beside others of the same
section: each section was measured by itself, at its date and load. \`make bench-check\` compares the ratios with
\`test/bench/budget.json\`.

A load above the number of processors means that wall times include waits for other programs. Compare them with the
reference of their section then, or look at the processor time.

Virtual cameras, 1280x720 at 30 fps, x264 ultrafast, a keyframe each second; parts of 200 ms.
Tier 0 (direct V4L2) needs a USB camera: \`make test-vm\` prints its figures.

${goalsOf(figures)}
${sections.join('\n')}`
}

export const allFigures = (figures: Figures): Record<string, number> =>
  Object.assign({}, ...Object.values(figures).map((kept) => kept.figures))

function goalsOf(figures: Figures): string {
  const all = allFigures(figures)
  const measured = goals.flatMap((goal) => {
    const value = all[goal.figure]
    return value === undefined ? [] : [{ goal, value, met: isMet(value, goal.limit) }]
  })
  const rows = measured.map(({ goal, value, met }) => [
    goal.what,
    wordsOf(goal.limit),
    rounded(value),
    met ? 'yes' : 'no',
  ])
  const missed = measured.flatMap(({ goal, met }) => (met ? [] : [goal]))
  return `## Goals

${tableOf({ head: ['What', 'goal', 'measured', 'met'], rows })}
${missed.length === 0 ? '' : `\nMissed, and what limits it:\n\n${reasonsOf(missed)}\n`}`
}

/** One line for each reason, with all goals that it concerns. */
function reasonsOf(missed: readonly Goal[]): string {
  const byReason = new Map<string, string[]>()
  for (const { what, limitedBy = unknownReason } of missed)
    byReason.set(limitedBy, [...(byReason.get(limitedBy) ?? []), what])
  return [...byReason].map(([reason, names]) => `- ${names.join('; ')}: ${reason}`).join('\n')
}

const unknownReason = 'not examined yet; the load of the section may be a part of it.'

const sectionOf = ({ title, text }: Part, { at, host, load, tables, plots = [] }: Kept) =>
  [
    `## ${title}`,
    text,
    `${at.slice(0, 10)}, ${host}, load ${load.map((each) => each.toFixed(1)).join(' to ')}.`,
    ...tables.map(tableOf),
    ...plots.map(({ name, title }) => `![${title}](benchmarks/${name}.svg)`),
    '',
  ].join('\n\n')

const tableOf = ({ head, rows }: Table): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
