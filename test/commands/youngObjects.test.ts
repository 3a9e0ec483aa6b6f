import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'

const module = fileURLToPath(new URL('../../commands/launch/youngObjects.ts', import.meta.url))

/** In a process of its own, because the space of this one has grown. Prints its bytes after each load. */
const program = `
import { getHeapSpaceStatistics } from 'node:v8'
import { limitYoungObjects } from ${JSON.stringify(module)}

let startIsOver
limitYoungObjects((act) => { startIsOver = act })
const bytesAfterLoad = () => {
  let kept = []
  for (let made = 0; made < 2_000_000; made += 1) {
    kept.push({ made })
    if (kept.length > 10_000) kept = []
  }
  return getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size
}
const small = bytesAfterLoad()
startIsOver()
process.stdout.write(JSON.stringify({ small, large: bytesAfterLoad() }))
`

describe('the launcher and young objects', () => {
  it('keeps their space small during the start, and lets it grow under load afterwards', async () => {
    const words = ['--import=tsx', '--input-type=module', '-e', program]
    const { stdout } = await promisify(execFile)(process.execPath, words)
    const { small, large } = JSON.parse(stdout)
    expect(small).to.be.at.most(4 * 2 ** 20)
    expect(large).to.be.above(small)
  })
})
