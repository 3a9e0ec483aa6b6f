import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createRetentionStore } from '../../../adapters/data/retention.js'

describe('the stored retention policy', () => {
  let dir: string
  let errors: string[]
  const clock = { now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6) }
  const log = { error: (message: string) => void errors.push(message), warn: () => {}, info: () => {}, debug: () => {} }
  const store = () => createRetentionStore({ dir, clock, log })
  const file = () => join(dir, 'retention.json')

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'retention-'))
    errors = []
  })
  afterEach(() => rm(dir, { recursive: true }))

  it('is undefined at first, then the policy that was set last', async () => {
    expect(await store().load()).to.equal(undefined)
    const first = store()
    await Promise.all([
      first.save({ type: 'age', maxAgeDays: 7, enabled: true }),
      first.save({ type: 'size', maxSizeGb: 0.5, enabled: false }),
    ])
    expect(await store().load()).to.deep.equal({ policy: { type: 'size', maxSizeGb: 0.5, enabled: false } })
  })

  for (const text of [
    '',
    '{"version":1,"type":"age","enab',
    'null',
    '[]',
    '{"version":1,"type":"age","enabled":true}',
    '{"version":1,"type":"size","maxSizeGb":-1,"enabled":true}',
  ]) {
    it(`deletes nothing when it is damaged, also after a restart: ${text || 'empty'}`, async () => {
      await writeFile(file(), text)
      const loaded = await store().load()
      expect(loaded).to.deep.equal({
        policy: { type: 'manual', enabled: false },
        reason: 'the stored policy was damaged: set it again',
      })
      expect(errors).to.deep.equal([
        'state/retention.json: the retention policy was damaged: ' +
          'nothing is deleted automatically until it is set again',
      ])
      expect(await store().load()).to.deep.equal({ policy: { type: 'manual', enabled: false } })
      expect(await readFile(join(dir, 'retention.json.damaged-2026-01-02T03-04-05-006Z'), 'utf8')).to.equal(text)
      expect(await readdir(dir)).to.have.length(2)
    })
  }

  it('deletes nothing after a restart when a damaged file could not be replaced', async () => {
    await writeFile(file(), '{"version":1')
    await mkdir(`${file()}.tmp/x`, { recursive: true })
    for (const start of ['first', 'second']) {
      const loaded = await store().load()
      expect(loaded?.policy, start).to.deep.equal({ type: 'manual', enabled: false })
    }
  })

  it('does not change the file of a newer version', async () => {
    await writeFile(file(), '{"version":2}')
    expect(
      await store()
        .load()
        .catch((error: Error) => error.message),
    ).to.equal(
      'state/retention.json: the retention policy ' +
        'was written by a newer version of this service: start that one, or move the file away',
    )
    expect(await readFile(file(), 'utf8')).to.equal('{"version":2}')
  })

  it('rejects with one sentence without a path when it cannot be written', async () => {
    await rm(dir, { recursive: true })
    expect(
      await store()
        .save({ type: 'manual', enabled: false })
        .catch((error: Error) => error.message),
    ).to.equal('the retention policy cannot be written (ENOENT)')
    dir = await mkdtemp(join(tmpdir(), 'retention-'))
  })
})
