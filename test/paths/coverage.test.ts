import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { createMachine } from 'xstate'
import { machines } from '../../docs/generate/statecharts.js'
import { models } from './models/index.js'
import { coverageFile, coveragePage } from './page.js'
import { type Coverage, cover } from './search.js'

describe('generated paths', () => {
  const all: Coverage[] = []

  it('have a model for every machine', () => {
    const modelled = models.map(({ machine }) => machine.id)
    expect(modelled.toSorted()).to.deep.equal(machines.map(({ id }) => id).toSorted())
  })

  it('have outcomes for every effect and child', () => {
    for (const { machine, effects } of models)
      expect(Object.keys(effects).toSorted(), machine.id).to.deep.equal(
        Object.keys(machine.implementations.actors).toSorted(),
      )
  })

  for (const model of models)
    it(`cover all states and transitions of ${model.machine.id}`, () => {
      const coverage = cover(model)
      all.push(coverage)
      expect(coverage.missing).to.deep.equal([])
    })

  it('are counted in docs/statecharts/coverage.md (run `make docs`)', () => {
    expect(readFileSync(coverageFile, 'utf8')).to.equal(coveragePage(all))
  })

  it('report each state and transition that no path reaches, also a forbidden event', () => {
    const machine = createMachine({
      id: 'lamp',
      initial: 'off',
      on: { 'lamp.break': '.broken' },
      states: {
        off: { on: { 'lamp.press': [{ guard: () => false, target: 'broken' }, { target: 'on' }] } },
        on: { after: { 1000: 'off' }, on: { 'lamp.break': undefined } },
        broken: {},
      },
    })
    const lamp = { machine, starts: { start: undefined }, effects: {}, bound: 10 }
    expect(cover({ ...lamp, events: [{ type: 'lamp.press' }] })).to.deep.include({
      states: 4,
      transitions: 5,
      missing: [
        'state lamp.broken',
        'lamp: lamp.break → lamp.broken',
        'lamp.off: lamp.press #1 [guard] → lamp.broken',
        'lamp.on: lamp.break → itself',
      ],
      paths: [['start', 'lamp.press (1)', 'after 1000']],
    })
    const { missing } = cover({ ...lamp, events: [{ type: 'lamp.press' }, { type: 'lamp.break' }] })
    expect(missing).to.deep.equal(['lamp.off: lamp.press #1 [guard] → lamp.broken'])
  })

  it('never hang in a circle of transitions without an event', () => {
    const circle = createMachine({ id: 'circle', initial: 'a', states: { a: { always: 'b' }, b: { always: 'a' } } })
    const model = { machine: circle, starts: { start: undefined }, events: [], effects: {}, bound: 10 }
    expect(() => cover(model)).to.throw(/Infinite loop detected/)
  })
})
