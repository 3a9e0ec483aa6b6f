import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { equivalents, lineOf } from './equivalent.js'
import { mutantsOf, mutated, prelude } from './mutants.js'

const chart = `export const lampMachine = setup({
  types: { context: {} as { code: 'a' } },
  guards: { isDark: ({ context }) => context.light < 2 },
  actions: { shine: emit({ type: 'lamp.shines' }) },
}).createMachine({
  initial: 'off',
  states: {
    off: { on: { 'lamp.press': { guard: 'isDark', target: 'lit', actions: ['count', 'shine'] } } },
    lit: { after: { 1000: 'off' } },
  },
})
`
const mutants = mutantsOf('lamp.ts', chart)

describe('the mutants of a statechart', () => {
  it('change guards, targets, actions, transitions, operators, numbers and types of events', () => {
    expect(mutants.map(({ line, what }) => `${line} ${what}`)).to.deep.equal([
      '3 < → >=',
      '3 < → <=',
      '3 2 → 4',
      "4 'lamp.shines' → ''",
      '6 target off → lit',
      '8 drop transition lamp.press',
      '8 drop guard',
      '8 negate guard',
      '8 target lit → off',
      '8 drop actions',
      '8 drop one of actions',
      '8 drop one of actions',
      '9 drop transition 1000',
      '9 target off → lit',
    ])
  })

  it('are the text with one change, after imports in the same line', () => {
    const texts = mutants.map((mutant) => mutated(chart, mutant))
    expect(texts.every((text) => text.startsWith(prelude) && mutantsOf('lamp.ts', text).length > 0)).to.equal(true)
    expect(texts[7]).to.include(`{ guard: __not('isDark'), target: 'lit', actions`)
    expect(texts[10]).to.include(`actions: [ 'shine']`)
    expect(texts.map((text) => text.split('\n').length)).to.deep.equal(texts.map(() => chart.split('\n').length))
  })

  it('that are listed as equivalent exist', () => {
    const found = (file: string) =>
      mutantsOf(file, readFileSync(file, 'utf8')).map((mutant) => ({ what: mutant.what, line: lineOf(mutant) }))
    const stale = equivalents.filter(
      ({ file, what, line }) => !found(file).some((one) => one.what === what && one.line.includes(line)),
    )
    expect(stale).to.deep.equal([])
  })
})
