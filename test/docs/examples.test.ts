import { expect } from 'chai'
import { type Example, runExamples } from '../../docs/generate/examples.js'
import { samples } from '../../docs/generate/samples.js'
import { methods } from '../../rpc/methods/index.js'
import { contract, faults } from '../rpc/contract.js'

describe('docs: API examples', () => {
  let examples: Map<string, Example>
  before(async () => {
    examples = await runExamples()
  })

  it('exist for each method, and for nothing else', () => {
    expect(Object.keys(samples)).to.have.members(methods.map(({ name }) => name))
  })

  it('succeed with the documented result', () => {
    for (const { name, result } of methods) {
      const example = examples.get(name)
      expect(example?.error, name).to.equal(undefined)
      if (samples[name]?.cut !== undefined) continue
      expect(faults(result, example?.result), name).to.deep.equal([])
      const documented = contract.find(({ method }) => method === name)
      if (documented !== undefined) expect(faults(documented.result, example?.result), name).to.deep.equal([])
    }
  })

  it('are the same in each run and on each host', async () => {
    expect([...(await runExamples())]).to.deep.equal([...examples])
    expect(JSON.stringify([...examples])).not.to.match(/"\/(?!files|thumbnails|cameras|data|subject)|SECRET/)
  })
})
