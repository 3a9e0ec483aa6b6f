import { bundleWeights } from '../../support/weights.js'
import type { Part } from '../part.js'

const least = 15_000

export const weight: Part = {
  name: 'weight',
  title: 'Weight of the bundle (kB)',
  text: 'All of it is in memory. `test/bench/weights.json` is the limit.',
  async measure() {
    const { bytes } = await bundleWeights()
    const heavy = [...bytes].filter(([, each]) => each >= least)
    return {
      tables: [{ head: ['Package', 'kB'], rows: heavy.map(([name, each]) => [name, Math.ceil(each / 1_000)]) }],
      figures: {},
    }
  },
}
