import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createClockStore } from '../../../adapters/data/clockStore.js'

describe('the stored time', () => {
  let dir: string
  let errors: string[]
  const start = Date.UTC(2026, 0, 2, 3, 4, 5, 6)
  const clock = { now: () => start, monotonic: () => performance.now() }
  const log = { error: (message: string) => void errors.push(message), warn: () => {}, info: () => {}, debug: () => {} }
  const store = () => createClockStore({ dir, clock, log })
  const file = () => join(dir, 'clock.json')

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'clock-'))
    errors = []
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  it('is undefined at first, then the record that was saved last', async () => {
    expect(await store().load()).to.equal(undefined)
    await store().save({ wall: start, expected: start })
    expect(await store().load()).to.deep.equal({ wall: start, expected: start })
    await store().save({ wall: start, expected: 0, steadyFor: 600_000 })
    expect(await store().load()).to.deep.equal({ wall: start, expected: 0, steadyFor: 600_000 })
    const stretch = { from: start - 5, to: start }
    const times = { boot: 'b', stretch, doubted: [stretch], wrong: [stretch], eras: [stretch] }
    await store().save({ wall: start, expected: start, ...times })
    expect(await store().load()).to.deep.equal({ wall: start, expected: start, ...times })
    await store().save({ wall: 5, steadyFor: 0 })
    expect(await store().load()).to.deep.equal({ wall: 5, steadyFor: 0 })
  })

  it('reads the wall clock, and a clock that only goes forward', () => {
    const [one, two] = [store().read(), store().read()]
    expect([one.wall, two.wall]).to.deep.equal([start, start])
    expect(two.monotonic).to.be.at.least(one.monotonic)
    expect(Number.isInteger(one.monotonic)).to.equal(true)
    expect(one.boot).to.match(/^[0-9a-f-]{36}$/)
    expect(two.boot).to.equal(one.boot)
  })

  for (const text of ['', '{"version":1}', '{"version":1,"wall":1e99}', '{"version":1,"wall":5,"expected":"x"}'])
    it(`makes the clock suspect when it is damaged, also after a restart: ${text || 'empty'}`, async () => {
      await writeFile(file(), text)
      const suspect = { wall: 0, expected: 0, steadyFor: 0 }
      expect(await store().load()).to.deep.equal(suspect)
      expect(await store().load()).to.deep.equal(suspect)
      expect(errors).to.deep.equal([
        'state/clock.json: the last time seen was damaged: ' +
          'deletion by age is suspended for 24 hours, or until cleanup_old_files is called',
      ])
      expect(await readFile(join(dir, 'clock.json.damaged-2026-01-02T03-04-05-006Z'), 'utf8')).to.equal(text)
      expect(await readdir(dir)).to.have.length(2)
    })

  it('rejects with one sentence without a path when it cannot be written', async () => {
    await rm(dir, { recursive: true })
    const failure = await store()
      .save({ wall: start })
      .catch((error: Error) => error.message)
    expect(failure).to.equal('the last time seen cannot be written (ENOENT)')
  })
})
