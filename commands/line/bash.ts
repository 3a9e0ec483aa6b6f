import { type Choice, type CommandEntry, commandTable, connectionOptions, optionsOf } from './table.js'

/** The completion for bash, from the table of commands. Ids of cameras and names of files come from the service. */
export function bashCompletion(): string {
  const firsts = [...new Set(commandTable.map(({ name }) => name.split(' ')[0] ?? '')), 'help']
  const groups = firsts.map((first) => [first, subcommandsOf(first)] as const).filter(([, acts]) => acts.length > 0)
  const withValue = [
    ...new Set(
      commandTable.flatMap((entry) =>
        Object.entries(optionsOf(entry)).flatMap(([name, { value, short }]) =>
          value === undefined ? [] : [`--${name}`, ...(short === undefined ? [] : [`-${short}`])],
        ),
      ),
    ),
  ]
  return `# Completion of bash for camera-service. Written by: camera-service completion bash
_camera_service() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command='' count=0 word i
  local -a connection=()
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in
      ${[...Object.keys(connectionOptions), 'config', 'data-dir'].map((name) => `--${name}`).join('|')})
        connection+=("$word" "\${COMP_WORDS[i+1]}"); ((i++)) ;;
      ${withValue.join('|')}) ((i++)) ;;
      -*) ;;
      *)
        case $command in
          '') command=$word ;;
          ${groups.map(([first]) => first).join('|')}) command="$command $word" ;;
          *) ((count++)) ;;
        esac ;;
    esac
  done
  case "$command $prev" in
${commandTable.flatMap(valueCases).join('\n')}
  esac
  if [[ $cur == -* ]]; then
    case $command in
${commandTable.map((entry) => `      '${entry.name}') _camera_service_words '${flagsOf(entry)}' ;;`).join('\n')}
      *) _camera_service_words '--help --version --config --data-dir' ;;
    esac
    return
  fi
  case "$command $count" in
    ' 0') _camera_service_words '${firsts.join(' ')}' ;;
    'help 0') _camera_service_words '${firsts.join(' ')}' ;;
${groups.map(([first, acts]) => `    '${first} 0') _camera_service_words '${acts.join(' ')}' ;;`).join('\n')}
${commandTable.flatMap(wordCases).join('\n')}
  esac
}
_camera_service_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }
_camera_service_files() { mapfile -t COMPREPLY < <(compgen "$1" -- "$cur"); compopt -o filenames 2>/dev/null; }
_camera_service_ask() {
  _camera_service_words "$2 $("\${COMP_WORDS[0]}" completion "$1" "\${connection[@]}" 2>/dev/null </dev/null)"
}
complete -F _camera_service camera-service
`
}

const subcommandsOf = (first: string): string[] =>
  commandTable.flatMap(({ name }) => (name.startsWith(`${first} `) ? [name.slice(first.length + 1)] : []))

const flagsOf = (entry: CommandEntry): string =>
  Object.entries(optionsOf(entry))
    .flatMap(([name, { short }]) => [`--${name}`, ...(short === undefined ? [] : [`-${short}`])])
    .join(' ')

/** Completes the values of options. */
const valueCases = (entry: CommandEntry): string[] =>
  Object.entries(optionsOf(entry)).flatMap(([name, { value, short, is }]) => {
    if (value === undefined) return []
    const patterns = [`--${name}`, ...(short === undefined ? [] : [`-${short}`])]
    const pattern = patterns.map((flag) => `'${entry.name} ${flag}'`).join('|')
    return [`    ${pattern}) ${is === undefined ? ':' : completing(is)}; return ;;`]
  })

/** `explain` also takes words that are no cameras. */
const alsoOf = ({ name }: CommandEntry, index: number): string =>
  name === 'explain' && index === 0 ? 'recording mediamtx storage discovery' : ''

const wordCases = (entry: CommandEntry): string[] =>
  (entry.words ?? []).flatMap(({ is }, index) =>
    is === undefined ? [] : [`    '${entry.name} ${index}') ${completing(is, alsoOf(entry, index))} ;;`],
  )

function completing(is: Choice, also = ''): string {
  if (is === 'file') return '_camera_service_files -f'
  if (is === 'folder') return '_camera_service_files -d'
  if (is === 'camera') return `_camera_service_ask cameras '${also}'`
  if (is === 'media') return `_camera_service_ask media '${also}'`
  return `_camera_service_words '${is.join(' ')}'`
}
