import { expect } from 'chai'
import { backOff, nextSeed } from '../../machines/domain/backOff.js'

const middle = 2 ** 31

describe('the back-off', () => {
  const delay = (attempts: number, seed = middle) => backOff({ attempts, seed, first: 100, most: 1_000 })

  it('doubles with each attempt, up to the longest delay', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 99].map((attempts) => delay(attempts))).to.deep.equal([
      ...[100, 100, 200, 400, 800],
      ...[1_000, 1_000, 1_000],
    ])
    expect(backOff({ attempts: 21, seed: middle, first: 1, most: 2 ** 40 })).to.equal(2 ** 20)
    expect(backOff({ attempts: 99, seed: middle, first: 1, most: 2 ** 40 })).to.equal(2 ** 20)
  })

  it('differs by at most a quarter, by its seed', () => {
    expect([delay(1, 0), delay(1, 2 ** 32 - 1)]).to.deep.equal([75, 125])
  })

  it('has another seed each time, of 32 bits', () => {
    const seeds = [1]
    for (let n = 0; n < 100; n += 1) seeds.push(nextSeed(seeds.at(-1) ?? 0))
    expect(new Set(seeds).size).to.equal(101)
    for (const seed of seeds) expect(seed).to.be.within(0, 2 ** 32 - 1)
    expect(nextSeed(1)).to.equal(1_015_568_748)
  })
})
