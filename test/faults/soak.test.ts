import { expect } from 'chai'
import { simulated } from './simulated/world.js'
import { soak } from './soak.js'

describe('random faults, on a simulated host', () => {
  for (const source of ['captured', 'network'] as const)
    it(`leave nothing behind and nothing stuck, with ${source} cameras`, async () => {
      let bursts = 0
      const isOver = () => bursts++ >= 5
      const { broken } = await soak(simulated, { seed: 1, source, isOver })
      expect(broken).to.deep.equal([])
    })
})
