import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'

const module = fileURLToPath(new URL('../../commands/launch/memory.ts', import.meta.url))

/** In a process of its own, because the heap of this one has grown. */
const printed = async (program: string) => {
  const text = `
import { getHeapSpaceStatistics } from 'node:v8'
import { limitMemory } from ${JSON.stringify(module)}
let startIsOver
limitMemory((act) => { startIsOver = act })
const bytesOf = (name) => getHeapSpaceStatistics().find(({ space_name }) => space_name === name).space_size
${program}`
  const { stdout } = await promisify(execFile)(process.execPath, ['--import=tsx', '--input-type=module', '-e', text])
  return JSON.parse(stdout)
}

describe('the launcher and memory', () => {
  it('keeps young objects in a small space during the start, and lets it grow under load afterwards', async () => {
    const { small, large } = await printed(`
const bytesAfterLoad = () => {
  let kept = []
  for (let made = 0; made < 2_000_000; made += 1) {
    kept.push({ made })
    if (kept.length > 10_000) kept = []
  }
  return bytesOf('new_space')
}
const small = bytesAfterLoad()
startIsOver()
process.stdout.write(JSON.stringify({ small, large: bytesAfterLoad() }))`)
    expect(small).to.be.at.most(4 * 2 ** 20)
    expect(large).to.be.above(small)
  })

  it('lets old objects take half as much again at most, before it collects them', async () => {
    const most = (isOver: boolean) =>
      printed(`
if (${isOver}) startIsOver()
const living = Array.from({ length: 400_000 }, (_, made) => ({ made, text: [made] }))
const waiting = []
let most = 0
// Each object lives long enough to become old.
for (let made = 0; made < 12_000_000; made += 1) {
  waiting[made % 200_000] = { made }
  if (made % 100_000 === 0) most = Math.max(most, bytesOf('old_space'))
}
process.stdout.write(JSON.stringify({ most, living: living.length }))`)
    const [start, later] = await Promise.all([most(false), most(true)])
    expect(later.most).to.be.below(start.most)
  })
})
