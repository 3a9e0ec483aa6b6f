import { expect } from 'chai'
import { broken, runFault } from './engine.js'
import { faults } from './faults.js'
import { type Rows, tableOf } from './rows.js'
import { simulated } from './simulated/world.js'
import { sectionOf } from './table.js'

/** ms: a recording is asked for in steps of the simulated clock, and a file consists of parts. */
const tolerance = 200

describe('faults, on a simulated host', () => {
  const rows: Rows = {}
  for (const name of simulated.can)
    it(faults[name].what, async () => {
      const row = await runFault(simulated, name)
      rows[name] = row
      expect(broken(name, row, tolerance)).to.deep.equal([])
    })

  it('match the table of docs/reliability.md (run `make docs`)', () => {
    expect(tableOf(rows)).to.equal(sectionOf('simulated host'))
  })
})
