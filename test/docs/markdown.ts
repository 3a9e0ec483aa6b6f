/** Reads the pages of the documentation. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { fence } from './code.js'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Paths of all pages, from the root of the repository. */
export const pages: readonly string[] = ['', 'docs/', 'docs/decisions/', 'docs/statecharts/'].flatMap((folder) =>
  readdirSync(root + folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => folder + name),
)

export const pageText = (path: string): string => readFileSync(root + path, 'utf8')

/** The anchors of the headings of a page, as GitHub makes them. */
export function anchorsOf(page: string): string[] {
  const seen = new Map<string, number>()
  return [...page.replaceAll(fence, '').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => {
    const anchor = heading
      .replaceAll(/\]\([^)]*\)/g, '')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
    const count = seen.get(anchor) ?? 0
    seen.set(anchor, count + 1)
    return count === 0 ? anchor : `${anchor}-${count}`
  })
}

/** The targets of the links of a page, without those of other hosts. */
export const linksOf = (page: string): string[] =>
  [
    ...page
      .replaceAll(fence, '')
      .replaceAll(/`[^`]+`/g, '')
      .matchAll(/\]\(([^)\s]+)\)/g),
  ]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))

const cellsOf = (line: string): string[] => line.split(/(?<!\\)\|/).map((cell) => cell.trim())

/** The cells of all columns with this title. */
export function column(page: string, title: string): string[] {
  let at = -1
  return page.split('\n').flatMap((line) => {
    if (!line.startsWith('|')) at = -1
    else if (cellsOf(line).includes(title)) at = cellsOf(line).indexOf(title)
    else if (at > 0 && !line.startsWith('|-')) return [cellsOf(line)[at] ?? '']
    return []
  })
}
