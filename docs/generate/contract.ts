import { severities } from '../../rpc/filters.js'
import { methods } from '../../rpc/methods/index.js'
import { Camera, Status } from '../../rpc/schemas.js'
import { SessionExpired } from '../../rpc/session.js'
import { topics } from '../../rpc/topics/index.js'
import { apiVersion } from '../../rpc/version.js'
import { formatted } from './formatted.js'
import { type Shape, shapeOf } from './shapes.js'

/** The shapes that have a type of their own. */
const named = new Map<Shape, string>([
  [shapeOf(Camera), 'Camera'],
  [shapeOf(Status), 'Status'],
])

const literal = (value: unknown) => JSON.stringify(value)
const memberName = (name: string) => (/^[a-z_$][\w$]*$/i.test(name) ? name : `'${name}'`)
const commentOf = ({ description }: Shape) =>
  description === undefined ? '' : `/** ${description.replaceAll('*/', '* /')} */\n`

const objectOf = ({ properties = {}, required = [] }: Shape) =>
  `{\n${Object.entries(properties)
    .map(
      ([name, shape]) =>
        `${commentOf(shape)}${memberName(name)}${required.includes(name) ? '' : '?'}: ${typeTextOf(shape)}\n`,
    )
    .join('')}}`

/** A shape as a TypeScript type. */
function typeTextOf(shape: Shape): string {
  const name = named.get(shape)
  if (name !== undefined) return name
  if (shape.const !== undefined) return literal(shape.const)
  if (shape.enum !== undefined) return shape.enum.map(literal).join(' | ')
  if (shape.anyOf !== undefined) return shape.anyOf.map(typeTextOf).join(' | ')
  switch (shape.type) {
    case 'array':
      return `(${typeTextOf(shape.items ?? {})})[]`
    case 'integer':
      return 'number'
    case 'string':
    case 'number':
    case 'boolean':
    case 'null':
      return shape.type
    case 'object': {
      const [values] = Object.values(shape.patternProperties ?? {})
      if (values !== undefined) return `Record<string, ${typeTextOf(values)}>`
      return Object.keys(shape.properties ?? {}).length === 0 ? 'Record<string, never>' : objectOf(shape)
    }
    default:
      return 'unknown'
  }
}

const methodTexts = methods.map(({ name, summary, role, params, result, deprecated }) => {
  const notes = [
    summary,
    role === 'none' ? 'Role: none needed.' : `Role: ${role}.`,
    ...(deprecated ? [`@deprecated use ${deprecated.use}`] : []),
  ]
  const types = `{ params: ${typeTextOf(shapeOf(params))}; result: ${typeTextOf(shapeOf(result))} }`
  return `/** ${notes.join(' ')} */\n${memberName(name)}: ${types}\n`
})

const text = `/**
 * Generated from rpc/methods by docs/generate/contract.ts (\`make docs\`): change the methods, not this file.
 * API ${apiVersion}.
 */

export type Severity = ${severities.map(literal).join(' | ')}

${[...named].map(([shape, name]) => `export interface ${name} ${objectOf(shape)}`).join('\n\n')}

/** The params and the result of each method. */
export interface Methods {
${methodTexts.join('')}}

/** The params of the notifications of each topic. */
export interface Notifications {
${topics.map(({ name, params }) => `${memberName(name)}: ${typeTextOf(shapeOf(params))}\n`).join('')}}

/** The notification \`session.expired\`, which is sent without a subscription. */
export interface SessionExpired ${objectOf(shapeOf(SessionExpired))}
`

/** The text of rpc/client/contract.ts, formatted. */
export const contractFile = (): string => formatted('rpc/client/contract.ts', text)

/** Names of a shape and of the shapes in it: `device`, `filters.device`. */
const namesIn = ({ properties = {} }: Shape, before = ''): string[] =>
  Object.entries(properties).flatMap(([name, shape]) => [`${before}${name}`, ...namesIn(shape, `${before}${name}.`)])

const params = methods.map(({ name, params, aliases = {} }) => {
  const names = [...namesIn(shapeOf(params)), ...Object.keys(aliases)]
  return `${memberName(name)}: [${names.map((each) => `'${each}'`).join(', ')}],`
})

/** The text of commands/client/paramNames.ts, formatted. */
export const paramNamesFile = (): string =>
  formatted(
    'commands/client/paramNames.ts',
    `import type { Methods } from '../../rpc/client/index.js'

/**
 * The params of each method, those of an object in them as \`filters.device\`. Generated from rpc/methods by
 * docs/generate/contract.ts (\`make docs\`): change the methods, not this file.
 */
export const paramNames: Readonly<Record<keyof Methods, readonly string[]>> = {
${params.join('\n')}
}
`,
  )
