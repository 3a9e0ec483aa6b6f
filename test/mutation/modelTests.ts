import { expect } from 'chai'
import { check, sequences } from '../paths/check.js'
import { models } from '../paths/models/index.js'
import { cover } from '../paths/search.js'

/** Their search for paths takes seconds. Their own tests notice more. */
const large = ['camera', 'fleet', 'recording', 'retention']

/** The tests of `test/paths/` for some machines, with fewer random sequences. */
export function testModels(ids: readonly string[]): void {
  for (const model of models.filter(({ machine }) => ids.includes(machine.id)))
    describe(`the paths of ${model.machine.id}`, () => {
      it('survive random sequences', () => {
        const options = { runs: 60, seed: 1, again: 'make fuzz' }
        check(model, sequences({ maxLength: 30 }), options)
      })

      if (large.includes(model.machine.id)) return
      it('cover all states and transitions', () => {
        expect(cover(model).missing).to.deep.equal([])
      })
    })
}
