import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { bundleWeights } from '../support/weights.js'

/** Kilobytes of packages; what is not named here may have `others`. */
const budget: Record<string, number> = JSON.parse(
  readFileSync(new URL('../bench/weights.json', import.meta.url), 'utf8'),
)

describe('conventions: the weight of the bundle', () => {
  it('is within test/bench/weights.json for each package: all of it is in memory for years', async () => {
    const { bytes } = await bundleWeights()
    const tooHeavy = [...bytes].flatMap(([name, each]) => {
      const most = budget[name] ?? budget.others ?? 0
      const weight = Math.ceil(each / 1_000)
      return weight > most ? [`${name}: ${weight} kB, ${most} are allowed`] : []
    })
    expect(tooHeavy).to.deep.equal([])
    // A package that is gone frees its share.
    const unused = Object.keys(budget).filter((name) => name !== 'others' && !bytes.has(name))
    expect(unused).to.deep.equal([])
  })

  it('contains each package once', async () => {
    // Two kilobytes: winston needs it as CommonJS, got as a module.
    expect((await bundleWeights()).twice).to.deep.equal(['is-stream'])
  })
})
