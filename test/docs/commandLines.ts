/** Finds the commands in the code of the documentation. */
import { fencedBlocks, indentedLines, inlineCode } from './code.js'

export interface CommandLine {
  words: string[]
  /** In a sentence, where a command may be only named. */
  isInline: boolean
}

/** Splits shell code into commands, and each into words. Knows quotes, comments and what separates commands. */
export function commandsIn(code: string): string[][] {
  const commands: string[][] = [[]]
  let word: string | undefined
  const endWord = () => {
    if (word !== undefined) commands.at(-1)?.push(word)
    word = undefined
  }
  const token = /'([^']*)'|"((?:\\.|[^"\\])*)"|\\\n|\\(.)|#[^\n]*|([|&;()<>\n]+)|([ \t]+)|([^\s'"\\|&;()<>]+)/gs
  for (const [whole, single, double, escaped, separator, space, plain] of code.matchAll(token)) {
    // A # inside of a word begins no comment.
    if (whole.startsWith('#') && word === undefined) continue
    if (separator !== undefined) {
      endWord()
      commands.push([])
    } else if (space !== undefined) endWord()
    else if (whole !== '\\\n')
      word = (word ?? '') + (single ?? double?.replaceAll(/\\(.)/g, '$1') ?? escaped ?? plain ?? whole)
  }
  endWord()
  return commands.filter((words) => words.length > 0)
}

const shells = ['', 'sh', 'bash', 'console']

/** All commands on a page. Those of lines in `language: bash` and the like, and those in sentences. */
export const commandLinesOf = (page: string): CommandLine[] => [
  ...[
    ...fencedBlocks(page)
      .filter(({ language }) => shells.includes(language))
      .map(({ text }) => text),
    indentedLines(page).join('\n'),
  ]
    .flatMap(commandsIn)
    .map((words) => ({ words, isInline: false })),
  ...inlineCode(page)
    .flatMap(commandsIn)
    .map((words) => ({ words, isInline: true })),
]

/** The words behind the name of the program, without `sudo -u USER` and variables before it. */
export function argumentsOf(words: readonly string[], program: readonly string[]): string[] | undefined {
  let rest = [...words]
  while (/^\w+=/.test(rest[0] ?? '')) rest = rest.slice(1)
  if (rest[0] === 'sudo') rest = rest.slice(rest[1] === '-u' ? 3 : 1)
  return program.every((word, at) => rest[at] === word) ? rest.slice(program.length) : undefined
}
