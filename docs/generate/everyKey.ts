import { cameraFields } from '../../config/cameras.js'
import { type Setting, settings } from '../../config/schema.js'

const head = `# Configuration of the camera service: every key, with its default. To change a key, remove the # before it.
# Details: docs/configuration.md. Check a change with \`camera-service check-config\`; the service watches this file.
# Durations: 10s, 500ms, 1h30m, 2d. Sizes: 50M, 1G. Text with special characters needs quotes.
# Environment variables win over this file: server.port is CAMERA_SERVICE_SERVER_PORT.
`

/** The installed service keeps its data here, and not in the working directory. */
const installed = new Map([['data_dir', '/var/lib/camera-service']])

/** A comment of at most 110 characters a line. */
function comment(text: string, indent: string): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text
    .replaceAll('`', '')
    .replaceAll(/\[([^\]]+)\]\([^)]*\)/g, '$1')
    .split(/\s+/)) {
    if (line && indent.length + line.length + word.length > 107) {
      lines.push(line)
      line = ''
    }
    line = line ? `${line} ${word}` : word
  }
  return [...lines, line].map((each) => `${indent}# ${each}`)
}

const isPlain = (value: string) => value !== '' && !/^[\s[{&*!|>'"%@`]|: | #|:$/.test(value)
const written = ({ default: value, written: text }: Setting<unknown>) =>
  Array.isArray(value) ? `[${text === '[]' ? '' : text}]` : isPlain(text) ? text : `'${text}'`

const entry = (name: string, setting: Setting<unknown>, indent: string, key: string): string[] => {
  const value = installed.get(key)
  return [
    ...comment(`${setting.doc} Allowed: ${setting.reads.allowed}.`, indent),
    value === undefined ? `${indent}#${name}: ${written(setting)}` : `${indent}${name}: ${value}`,
  ]
}

/** Groups in the order of the schema, their keys before their groups. */
function group(prefix: string, indent: string): string[] {
  const keys: string[] = []
  const groups = new Map<string, string[]>()
  for (const [key, setting] of settings) {
    if (!key.startsWith(prefix) || key === 'cameras') continue
    const [name = '', ...rest] = key.slice(prefix.length).split('.')
    if (rest.length === 0) keys.push(...entry(name, setting, indent, key))
    else if (!groups.has(name)) groups.set(name, group(`${prefix}${name}.`, `${indent}  `))
  }
  const between = prefix === '' ? [''] : []
  return [...keys, ...[...groups].flatMap(([name, lines]) => [...between, `${indent}${name}:`, ...lines])]
}

const cameras = [
  '',
  '# RTSP and virtual cameras, and settings of single USB cameras. USB cameras need no entry. Each item has:',
  ...cameraFields.flatMap(({ key, allowed, doc }) => comment(`- ${key}: ${doc} Allowed: ${allowed}.`, '')),
  '#cameras:',
  '#  - name: yard',
  '#    source: rtsp://user:password@192.0.2.10/stream1',
  '#  - name: gate',
  '#    source: usb:SN0001',
  '#    size: 1920x1080',
]

/** The text of config/package/camera-service.yml. */
export const everyKey = (): string => `${head}\n${[...group('', ''), ...cameras].join('\n')}\n`
