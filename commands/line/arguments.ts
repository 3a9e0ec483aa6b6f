import { parseArgs } from 'node:util'
import { hintOf } from '../../machines/domain/nearest.js'
import { type Command, UsageError } from './command.js'
import { readers } from './requests.js'
import {
  type CommandEntry,
  commandTable,
  commonOptions,
  connectionOptions,
  type OptionEntry,
  optionsOf,
} from './table.js'

/** The options of all commands: an option takes a value in all commands or in none. */
const options: ReadonlyMap<string, OptionEntry> = new Map(
  commandTable.flatMap((entry) => Object.entries(optionsOf(entry))),
)
const optionTypes = Object.fromEntries(
  [...options].map(([name, { value, short }]) => [
    name,
    { type: value === undefined ? ('boolean' as const) : ('string' as const), ...(short !== undefined && { short }) },
  ]),
)
const firstWords = [...new Set(commandTable.map(({ name }) => name.split(' ')[0] ?? '')), 'help']

/** Reads the words behind the name of the script. Throws UsageError. */
export function parseArguments(argv: readonly string[]): Command {
  const { words, values } = tokensOf(argv)
  const [word = 'serve', ...rest] = words
  if (!firstWords.includes(word))
    throw new UsageError(`${JSON.stringify(word)} is not a known command${hintOf(word, firstWords)}`)
  if (word === 'help') return helpFor(rest)
  if (values.has('help')) return words.length === 0 ? { name: 'help' } : { name: 'help', of: topicOf(word, rest) }
  if (values.has('version')) return { name: 'version' }
  const { entry, behind } = entryOf(word, rest)
  checkOptions(entry, values)
  checkWords(entry, behind)
  const reader = readers[entry.name]
  if (reader === undefined) throw new Error(`the command ${entry.name} has no reader`)
  return reader({ words: behind, values })
}

function tokensOf(argv: readonly string[]) {
  // Not strict: the messages of Node do not name the nearest option.
  const { tokens } = parseArgs({
    args: [...argv],
    options: optionTypes,
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const values = new Map<string, string>()
  const words: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value)
    if (token.kind !== 'option') continue
    const { name, rawName, value, inlineValue } = token
    const option = options.get(name)
    if (option === undefined)
      throw new UsageError(`${rawName} is not a known flag${hintOf(name, options.keys(), '--')}`)
    if (values.has(name)) throw new UsageError(`--${name} is given twice`)
    const takesValue = option.value !== undefined
    if (!takesValue && value !== undefined) throw new UsageError(`--${name} takes no value`)
    // `-` alone stands for standard input or output; a negative number is a wrong value, not a flag.
    const isFlag = !inlineValue && value !== undefined && /^-[^\d.]/.test(value)
    if (takesValue && (!value || isFlag)) throw new UsageError(`--${name} needs a value`)
    values.set(name, value ?? '')
  }
  return { words, values }
}

const subcommandsOf = (word: string): string[] =>
  commandTable.flatMap(({ name }) => (name.startsWith(`${word} `) ? [name.slice(word.length + 1)] : []))

/** `keys create` for `keys create --help`, `keys` for `keys --help`. */
const topicOf = (word: string, [act = '']: readonly string[]): string =>
  subcommandsOf(word).includes(act) ? `${word} ${act}` : word

function helpFor([word, ...rest]: readonly string[]): Command {
  if (word === undefined) return { name: 'help' }
  if (firstWords.includes(word)) return { name: 'help', of: topicOf(word, rest) }
  throw new UsageError(`help does not know the command ${JSON.stringify(word)}${hintOf(word, firstWords)}`)
}

/** The entry of a command or a subcommand, and the words behind its name. */
function entryOf(word: string, rest: readonly string[]): { entry: CommandEntry; behind: readonly string[] } {
  const names = subcommandsOf(word)
  const [act = '', ...behind] = rest
  const whole = names.length > 0 ? `${word} ${act}` : word
  const entry = commandTable.find(({ name }) => name === whole)
  if (entry !== undefined) return { entry, behind: names.length > 0 ? behind : rest }
  if (act === '') throw new UsageError(`${word} needs one of ${names.join(', ')}`)
  throw new UsageError(`${word} has no ${JSON.stringify(act)}: use ${names.join(', ')}${hintOf(act, names)}`)
}

const shared = new Set([...Object.keys(commonOptions), ...Object.keys(connectionOptions)])
/** So many commands are named in a message. */
const few = 3

function checkOptions(entry: CommandEntry, values: ReadonlyMap<string, string>): void {
  const own = optionsOf(entry)
  for (const name of values.keys()) {
    if (Object.hasOwn(own, name)) continue
    const others = commandTable.filter((each) => Object.hasOwn(optionsOf(each), name)).map((each) => each.name)
    if (others.length <= few && !shared.has(name)) throw new UsageError(`--${name} is only for ${others.join(' and ')}`)
    throw new UsageError(
      `${entry.name} has no --${name}${hintOf(name, Object.keys(own), '--')}: see camera-service ${entry.name} --help`,
    )
  }
}

function checkWords({ name, words = [] }: CommandEntry, given: readonly string[]): void {
  const missing = words[given.length]
  if (missing !== undefined && !missing.optional) throw new UsageError(`${name} needs ${missing.needs}`)
  if (given.length > words.length) throw new UsageError(`${name} does not take ${JSON.stringify(given[words.length])}`)
}
