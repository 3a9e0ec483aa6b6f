import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { methods } from '../../rpc/methods/index.js'
import { noticeShapes, sessionExpired } from '../../rpc/noticeShapes.js'
import { Camera, Status } from '../../rpc/schemas.js'
import { severities } from '../../rpc/topics.js'
import { apiVersion } from '../../rpc/version.js'
import { type Shape, shapeOf } from './shapes.js'

/** Shapes that are used in several places, with their type names. */
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

/** Returns a shape as a TypeScript type. */
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
  return `/** ${notes.join(' ')} */\n${memberName(name)}: { params: ${typeTextOf(shapeOf(params))}; result: ${typeTextOf(shapeOf(result))} }\n`
})

const text = `/** Generated from rpc/methods by docs/generate/contract.ts (\`make docs\`). Change the methods, not this file. API ${apiVersion}. */

export type Severity = ${severities.map(literal).join(' | ')}

${[...named].map(([shape, name]) => `export interface ${name} ${objectOf(shape)}`).join('\n\n')}

/** The params and result of each method. */
export interface Methods {
${methodTexts.join('')}}

/** The params of each topic's notifications. */
export interface Notifications {
${Object.entries(noticeShapes)
  .map(([topic, shape]) => `${memberName(topic)}: ${typeTextOf(shapeOf(shape))}\n`)
  .join('')}}

/** The notification \`session.expired\`, which needs no subscription. */
export interface SessionExpired ${objectOf(shapeOf(sessionExpired))}
`

/** Returns the text of rpc/client/contract.ts, formatted with the project's formatter. */
export const contractFile = (): string => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const biome = fileURLToPath(new URL('../../node_modules/.bin/biome', import.meta.url))
  return execFileSync(biome, ['format', '--stdin-file-path=rpc/client/contract.ts'], {
    cwd: root,
    input: text,
    encoding: 'utf8',
  })
}
