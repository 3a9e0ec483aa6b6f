import { expect } from 'chai'
import Type, { type TSchema } from 'typebox'
import { ServiceError } from '../../machines/domain/errors.js'
import type { Method } from '../../rpc/method.js'
import { methods } from '../../rpc/methods/index.js'
import { checkShape, rules } from '../../rpc/shape.js'

/** What the error says about a value of the param `of`. */
function wrongWith(schema: TSchema, value: unknown): unknown {
  const one = { name: 'one', params: Type.Object({ of: schema }) } as unknown as Method
  try {
    return checkShape(one, { of: value })
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    return `${error.data.param}: ${error.data.details ?? `${error.data.param} ${error.data.rule}`}`
  }
}

describe('the shape of params', () => {
  for (const [schema, value, words] of [
    [Type.String(), 5, 'of: of must be text'],
    [Type.Boolean(), 'yes', 'of: of must be true or false'],
    [Type.Integer(), 1.5, 'of: of must be a whole number'],
    [Type.Integer({ minimum: 1, maximum: 60 }), 0, 'of: of must be from 1 to 60'],
    [Type.Integer({ minimum: 1 }), 0, 'of: of must be at least 1'],
    [Type.Integer({ maximum: 60 }), 61, 'of: of must be at most 60'],
    [Type.Number({ exclusiveMinimum: 0 }), 0, 'of: of must be more than 0'],
    [Type.Literal('red'), 'blue', 'of: of must be red'],
    [Type.Enum(['red', 'green']), 'blue', 'of: of must be one of red, green'],
    [Type.String({ minLength: 1 }), '', 'of: of must not be empty'],
    [Type.String({ minLength: 2 }), 'a', 'of: of must have at least 2 characters'],
    [Type.String({ maxLength: 1 }), 'ab', 'of: of must have at most 1 character'],
    [Type.String({ pattern: '^a$' }), 'b', 'of: of has the wrong form'],
    [Type.String({ pattern: '^a$', description: 'An a' }), 'b', 'of: of has the wrong form; allowed: An a'],
    [Type.String({ pattern: '^a$', examples: ['a'] }), 'b', 'of: of has the wrong form: write it as in a'],
    [Type.Array(Type.String({ pattern: '^a$' })), ['a', 'b'], 'of: item 2 of of has the wrong form'],
    [Type.Union([Type.Object({}), Type.Null()]), [], 'of: of must be an object or null'],
    [Type.Array(Type.String(), { minItems: 1 }), [], 'of: of must not be empty'],
    [Type.Array(Type.String(), { maxItems: 1 }), ['a', 'b'], 'of: of must have at most 1 item'],
    [Type.Array(Type.String()), ['a', 7], 'of: item 2 of of must be text'],
    [Type.Union([Type.String(), Type.Array(Type.String())]), 5, 'of: of must be text or a list'],
    [Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1 })]), [], 'of: of must not be empty'],
    [Type.Union([Type.String(), Type.Array(Type.String())]), [7], 'of: item 1 of of must be text'],
    [Type.Object({ a: Type.String() }), { a: 1 }, 'of.a: of.a must be text'],
    [Type.Object({ a: Type.String() }), [], 'of: of must be an object'],
  ] as const)
    it(`${JSON.stringify(value)} is refused: ${words}`, () => {
      expect(wrongWith(schema, value)).to.equal(words)
    })

  it('refuses a misspelt param, and ignores others that are not known', () => {
    const params = Type.Object({ dry_run: Type.Optional(Type.Boolean()), duration: Type.Optional(Type.Integer()) })
    const method = { name: 'clean', params, aliases: { seconds: 'duration' } } as unknown as Method
    const wrong = (values: object) => {
      try {
        return checkShape(method, values)
      } catch (error) {
        return error instanceof ServiceError ? `${error.data.param} ${error.data.rule}` : error
      }
    }
    for (const key of ['dryrun', 'dryRun', 'dry-run', 'DRY_RUN', 'dry_rum'])
      expect(wrong({ [key]: true })).to.equal(`${key} is not known: write dry_run`)
    for (const key of ['duraton', 'durations', 'duartion'])
      expect(wrong({ [key]: 5 })).to.equal(`${key} is not known: write duration`)
    for (const values of [
      { whatever: 1 },
      { dry_run: true, dryrun: true },
      { seconds: 5 },
      { run: true },
      { dratons: 5 },
      { duration: 5, duraton: 6 },
    ])
      expect(wrong(values)).to.include(values)
  })

  it('has words for each rule that the schemas of the methods use', () => {
    const used = new Set<string>()
    const walk = (schema: object): void => {
      for (const [keyword, value] of Object.entries(schema)) {
        used.add(keyword)
        const inner = keyword === 'properties' ? Object.values(value) : [value].flat()
        for (const each of inner) if (typeof each === 'object' && each !== null) walk(each)
      }
    }
    for (const { params } of methods) walk(params)
    const notRules = ['description', 'default', 'examples', 'properties', 'items', '~kind', '~optional', 'title']
    const apart = ['required', 'additionalProperties']
    expect([...used].filter((keyword) => !(keyword in rules) && ![...notRules, ...apart].includes(keyword))).to.be.empty
  })
})
