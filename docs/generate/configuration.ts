/** Writes docs/configuration.md from the schema; with `--check` it only tells, by exit code 1, whether that is stale. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { cameraFields } from '../../config/cameras.js'
import { clientFields } from '../../config/clients.js'
import { environmentName, type Setting, settings } from '../../config/schema.js'
import { unusedKeys } from '../../config/unused.js'
import { code, table } from './table.js'

const target = fileURLToPath(new URL('../configuration.md', import.meta.url))

function section(group: string, members: [string, Setting<unknown>][]): string {
  const rows = members.map(([key, { reads, written, doc }]) => [
    code(key),
    reads.allowed,
    code(written),
    doc,
    code(environmentName(key)),
  ])
  return `## ${group}\n\n${table(['Key', 'Allowed', 'Default', 'Meaning', 'Environment'], rows)}\n`
}

/** The text of docs/configuration.md. */
export function configurationPage(): string {
  const groups = new Map<string, [string, Setting<unknown>][]>()
  for (const [key, setting] of settings) {
    const group = key.includes('.') ? key.slice(0, key.lastIndexOf('.')) : 'Top level'
    groups.set(group, [...(groups.get(group) ?? []), [key, setting]])
  }
  return `<!-- Written from config/schema.ts by docs/generate/configuration.ts; change the schema, not this page. -->

# Configuration

Every key has a default, so none must be set. Later sources win over earlier ones:

1. the defaults below,
2. a YAML file: \`--config FILE\`, else the path in \`CAMERA_SERVICE_CONFIG\`,
3. the environment: \`CAMERA_SERVICE_\` and the key in upper case with \`_\` for each dot,
4. flags: \`--data-dir DIR\`.

\`config/examples/camera-service.yml\` is a file to start from. \`check-config\` reads the same sources, tells every fault
at once (key, value, rule, and where it was set: the line, the variable or the flag) and ends with code 78 if there is any.

- Durations are written \`10s\`, \`500ms\`, \`1h30m\`, \`2d\`; a bare number has the unit that the key's row names.
- Sizes are written \`50M\`, \`1G\` in powers of 1024; bit rates \`2M\`, \`800k\` in powers of 1000.
- Truth values are \`true\`, \`yes\`, \`on\`, \`1\` and \`false\`, \`no\`, \`off\`, \`0\`.
- In the environment a list is written with commas; \`cameras\` as YAML or JSON.
- An unknown key is a fault that names the nearest known one, if one is near. Keys of earlier services that mean nothing here are
  [listed below](#keys-without-use); they only cause a warning.
- Names in the environment that begin with \`CAMERA_SERVICE_\` are checked like keys. In Kubernetes a Service called
  \`camera\` or \`camera-service\` injects such names: set \`enableServiceLinks: false\`.

${[...groups].map(([group, members]) => section(group, members)).join('\n')}
## Items of cameras

${table(
  ['Key', 'Allowed', 'Meaning'],
  cameraFields.map(({ key, allowed, doc }) => [code(key), allowed, doc]),
)}

## server.tls.clients

Who the clients are by their certificates: a list of

${table(
  ['Key', 'Allowed', 'Meaning'],
  clientFields.map(({ key, allowed, doc }) => [code(key), allowed, doc]),
)}

## Keys without use

${unusedKeys.map(code).join(', ')}.
`
}

function main() {
  const fresh = configurationPage()
  if (!process.argv.includes('--check')) return writeFileSync(target, fresh)
  if (existsSync(target) && readFileSync(target, 'utf8') === fresh) return
  console.error('docs/configuration.md is not what docs/generate/configuration.ts would write')
  process.exitCode = 1
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()
