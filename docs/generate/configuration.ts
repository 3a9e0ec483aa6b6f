import { cameraFields } from '../../config/cameras.js'
import { clientFields } from '../../config/clients.js'
import { environmentName, type Setting, settings } from '../../config/schema.js'
import { unusedKeys } from '../../config/unused.js'
import { code, table } from './table.js'

const head = `<!-- Generated from config/schema.ts by docs/generate/configuration.ts. Change the schema, not this page. -->

# Configuration

Every key has a default. Later sources override earlier ones:

1. the defaults below,
2. a YAML file: \`--config FILE\`, else the path in \`CAMERA_SERVICE_CONFIG\`,
3. the environment: \`CAMERA_SERVICE_\` and the key in upper case with \`_\` for each dot,
4. flags: \`--data-dir DIR\`.

\`config/examples/camera-service.yml\` is an example. \`check-config\` reads the same sources and lists all faults with the
key, the value, the rule, and the line, variable or flag that sets it. Its exit status is 78 if there is a fault.

- Durations: \`10s\`, \`500ms\`, \`1h30m\`, \`2d\`. A number without a unit has the unit in the row of its key.
- Sizes: \`50M\`, \`1G\`, in powers of 1024. Bit rates: \`2M\`, \`800k\`, in powers of 1000.
- Booleans: \`true\`, \`yes\`, \`on\`, \`1\` and \`false\`, \`no\`, \`off\`, \`0\`.
- In the environment, the items of a list are separated by commas. Lists of groups are YAML or JSON.
- Text with \`#\`, \`:\` or other special characters of YAML needs quotes: in YAML, \` #\` starts a comment.
- An unknown key is a fault; the message suggests the nearest known key. Keys of earlier services that have no meaning
  here are [listed below](#unused-keys). They only cause a warning.
- Every variable that begins with \`CAMERA_SERVICE_\` is checked like a key. In Kubernetes a Service called \`camera\` or
  \`camera-service\` injects such variables: set \`enableServiceLinks: false\`.
`

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

const items = (fields: typeof cameraFields) =>
  table(
    ['Key', 'Allowed', 'Meaning'],
    fields.map(({ key, allowed, doc }) => [code(key), allowed, doc]),
  )

/** The text of docs/configuration.md. */
export function configurationPage(): string {
  const groups = new Map<string, [string, Setting<unknown>][]>()
  for (const [key, setting] of settings) {
    const group = key.includes('.') ? key.slice(0, key.lastIndexOf('.')) : 'Top level'
    groups.set(group, [...(groups.get(group) ?? []), [key, setting]])
  }
  return `${head}
${[...groups].map(([group, members]) => section(group, members)).join('\n')}
## Items of cameras

${items(cameraFields)}

## server.tls.clients

Each item assigns a user and a right to clients with a certificate.

${items(clientFields)}

## Unused keys

${unusedKeys.map(code).join(', ')}.
`
}
