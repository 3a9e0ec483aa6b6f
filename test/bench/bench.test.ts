import { expect } from 'chai'
import { overBudget } from './judge.js'
import { pageOf } from './page.js'
import type { Kept, Part } from './part.js'
import { plotOf } from './plot.js'
import { quantile } from './timing.js'

const kept = (figures: Record<string, number>): Kept => ({
  at: '2026-01-02T03:04:05.000Z',
  host: 'a host',
  load: [0.5, 12],
  tables: [{ head: ['What', 'ms'], rows: [['a step', 7]] }],
  figures,
})

describe('the benchmarks', () => {
  it('name each ratio that is over budget, below it, or missing', () => {
    const budget = {
      slow: { most: 2 },
      scarce: { least: 0.5 },
      fine: { most: 2 },
      enough: { least: 0.5 },
      gone: { most: 1 },
    }
    const figures = { slow: 2.001, scarce: 0.4999, fine: 2, enough: 0.5, unnamed: 99 }
    const [first, second, third, ...more] = overBudget(figures, budget)
    expect(first).to.include('slow').and.include('≤ 2')
    expect(second).to.include('scarce').and.include('≥ 0.5')
    expect(third).to.include('gone').and.include('not measured')
    expect(more).to.deep.equal([])
  })

  it('write a page of the parts that were measured, with date, load, and the goals that are missed', () => {
    const part = (name: string): Part => ({
      name,
      title: `Title of ${name}`,
      text: 'What it is.',
      measure: () => Promise.reject(new Error('not called')),
    })
    const figures = { 'idle connection: KB': 30, 'start, embedded: ms': 400 }
    const page = pageOf([part('one'), part('two')], { one: kept(figures) })
    expect(page).to.include('## Title of one').and.include('2026-01-02, a host, load 0.5 to 12.0')
    expect(page).to.include('| a step | 7 |').and.not.include('Title of two')
    const goals = page.split('Missed')
    expect(goals[0])
      .to.match(/start \(ms\), embedded.*yes/)
      .and.match(/one of 10,000 idle connections.*no/)
    expect(goals[1]).to.include('- one of 10,000 idle connections').and.not.include('- start (ms), embedded')
  })

  it('draw each line from zero on, within the picture', () => {
    const lines = [
      {
        label: 'a <service>',
        points: [
          [0, 0],
          [50, 5],
          [100, 10],
        ] as [number, number][],
      },
    ]
    const svg = plotOf({ name: 'plot', title: 'Cost', x: 'n', y: 'ms', lines })
    expect(svg).to.include('points="60,250 300,145 540,40"')
    expect(svg).to.include('a &lt;service>')
    expect(svg).to.not.match(/NaN|Infinity|undefined/)
  })

  it('know quantiles of unsorted values', () => {
    const values = Array.from({ length: 101 }, (_, index) => 100 - index)
    expect([0, 0.5, 0.99, 1].map((share) => quantile(values, share))).to.deep.equal([0, 50, 99, 100])
    expect(quantile([], 0.5)).to.be.NaN
  })
})
