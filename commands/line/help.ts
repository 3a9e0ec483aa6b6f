import {
  type CommandEntry,
  commandTable,
  commonOptions,
  connectionOptions,
  exitStatuses,
  type Group,
  groups,
  type OptionEntry,
  usageOf,
} from './table.js'

/** Columns of a terminal that has no other width. */
const width = 100

/** The text of `--help`. */
export function helpText(): string {
  const sections = (Object.keys(groups) as Group[]).map((group) => {
    const entries = commandTable.filter((entry) => entry.group === group)
    return [groups[group], ...entries.flatMap((entry) => columns(usageOf(entry), entry.summary))].join('\n')
  })
  return [
    'Usage: camera-service [command] [options]',
    ...sections,
    ['Options of every command', ...optionLines(commonOptions)].join('\n'),
    [
      'camera-service COMMAND --help prints the options and examples of a command.',
      'Commands that ask a service find the one of this host by its data directory; see camera-service status --help.',
      'Every key of the configuration can also be set in the environment: server.port as CAMERA_SERVICE_SERVER_PORT.',
    ].join('\n'),
    ['Exit status', ...statusLines(exitStatuses)].join('\n'),
  ].join('\n\n')
}

/** The text of `record --help`. `keys`: all its subcommands. */
export function commandHelp(name: string): string {
  const entries = commandTable.filter((entry) => entry.name === name || entry.name.startsWith(`${name} `))
  return entries.length === 0 ? helpText() : entries.map(entryHelp).join('\n\n\n')
}

function entryHelp(entry: CommandEntry): string {
  const { summary, options, connects, details = [], examples, statuses = [] } = entry
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [[title, ...lines].join('\n')]
  return [
    `Usage: camera-service ${usageOf(entry)} [options]`,
    wrapped(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`, width).join('\n'),
    ...details.map((paragraph) => wrapped(paragraph, width).join('\n')),
    ...section('Options', optionLines(options ?? {})),
    ...section('Which service', optionLines(connects ? connectionOptions : {})),
    ...section('Options of every command', optionLines(commonOptions)),
    ...section(
      examples.length === 1 ? 'Example' : 'Examples',
      examples.flatMap(({ line, does }) => [`  $ ${line}`, `      ${does}.`]),
    ),
    ...section('Exit status, besides the common ones', statusLines(statuses)),
  ].join('\n\n')
}

const optionLines = (options: Readonly<Record<string, OptionEntry>>): string[] =>
  Object.entries(options).flatMap(([name, { value, short, help }]) =>
    columns(
      [...(short === undefined ? [] : [`-${short},`]), `--${name}`, ...(value === undefined ? [] : [value])].join(' '),
      help,
    ),
  )

const statusLines = (statuses: readonly (readonly [number, string])[]): string[] =>
  statuses.map(([status, meaning]) => `  ${String(status).padStart(3)}  ${meaning}`)

/** A term of at most 20 characters and its text beside it; a longer term has a line of its own. */
function columns(term: string, text: string): string[] {
  const indent = 24
  const lines = wrapped(text, width - indent).map((line) => ' '.repeat(indent) + line)
  const [first = '', ...rest] = lines
  const head = `  ${term}`
  if (head.length > indent - 2) return [head, ...lines]
  return [head + first.slice(head.length), ...rest]
}

/** Lines of at most so many columns. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= columns) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
