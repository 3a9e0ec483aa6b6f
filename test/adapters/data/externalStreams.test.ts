import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createExternalStore } from '../../../adapters/data/externalStreams.js'
import type { ExternalState } from '../../../machines/domain/external.js'

const yard: ExternalState = {
  streams: [{ url: 'rtsp://a:secret@10.0.0.9/x', name: 'Yard', type: 'generic_rtsp', addedAt: 5 }],
  interval: 0,
}

const [entry] = yard.streams

describe('the stored external streams', () => {
  let dir = ''
  let errors: string[] = []
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'external-'))
    errors = []
  })
  afterEach(() => rm(dir, { recursive: true }))
  const note = (message: string, fields = {}) => void errors.push(message + JSON.stringify(fields))
  const store = () =>
    createExternalStore({
      dir,
      log: { error: note, warn: note, info: note, debug: note },
      clock: { now: () => Date.UTC(2026, 0, 2) },
    })
  const file = () => join(dir, 'external_streams.json')

  it('are empty without a file', async () => {
    expect(await store().load()).to.deep.equal({ streams: [] })
  })

  it('are loaded as they were saved, from a file that only its owner may read', async () => {
    await store().save(yard)
    expect(await store().load()).to.deep.equal(yard)
    expect((await stat(file())).mode & 0o777).to.equal(0o600)
    await chmod(file(), 0o644)
    await store().load()
    expect((await stat(file())).mode & 0o777).to.equal(0o600)
  })

  it('with a URL of an earlier version come in the present form', async () => {
    const [stream] = yard.streams
    await writeFile(file(), JSON.stringify({ version: 1, streams: [{ ...stream, url: 'RTSP://a:secret@0xa.9/x' }] }))
    expect((await store().load()).streams).to.deep.equal([{ ...stream, url: 'rtsp://a:secret@10.0.0.9/x' }])
  })

  it('leave out one whose URL is refused today, and say so without its URL', async () => {
    const text = JSON.stringify({ version: 1, streams: [{ ...entry, url: 'http://secret@10.0.0.8/' }, entry] })
    await writeFile(file(), text)
    expect((await store().load()).streams).to.deep.equal([entry])
    expect(errors).to.have.length(1)
    expect(errors[0]).not.to.contain('secret')
  })

  it('accept a name of 64 characters in any script', async () => {
    const state: ExternalState = { streams: yard.streams.map((stream) => ({ ...stream, name: '🎥'.repeat(64) })) }
    await store().save(state)
    expect(await store().load()).to.deep.equal(state)
  })

  it('are saved one after the other', async () => {
    const one = store()
    await Promise.all([one.save(yard), one.save({ streams: [] }), one.save({ ...yard, interval: 7 })])
    expect(await store().load()).to.deep.equal({ ...yard, interval: 7 })
  })

  for (const [what, text] of Object.entries({
    'cut off': '{"version": 1, "streams": [',
    'not an object': '[]',
    'without streams': '{"version": 1}',
    'with one stream twice': JSON.stringify({
      version: 1,
      streams: [entry, { ...entry, url: 'rtsp://10.0.0.9:554/x' }],
    }),
    'with a negative interval': JSON.stringify({ version: 1, streams: [], interval: -1 }),
  })) {
    it(`are empty when the file is damaged (${what}), which is kept and reported without its content`, async () => {
      await writeFile(file(), text)
      expect(await store().load()).to.deep.equal({ streams: [] })
      const kept = 'external_streams.json.damaged-2026-01-02T00-00-00-000Z'
      expect((await readdir(dir)).sort()).to.deep.equal([
        'external_streams.json',
        kept,
        'external_streams.previous.json',
      ])
      expect(await readFile(join(dir, kept), 'utf8')).to.equal(text)
      expect(await store().load(), 'after a restart').to.deep.equal({ streams: [] })
      expect(errors).to.have.length(1)
      expect(errors[0]).not.to.contain('secret')
    })
  }

  for (const [what, lose] of Object.entries({
    missing: (path: string) => rm(path),
    damaged: (path: string) => writeFile(path, '{"version": 1, "streams": ['),
  }))
    it(`are those of the copy when the file is ${what}, still for the owner alone`, async () => {
      const first = store()
      await first.save(yard)
      await first.save({ ...yard, interval: 7 })
      await lose(file())
      expect(await store().load()).to.deep.equal({ ...yard, interval: 7 })
      expect(errors).to.have.length(1)
      expect(errors[0]).to.contain('its copy external_streams.previous.json is used').and.not.to.contain('secret')
      for (const name of await readdir(dir)) {
        const { mode } = await stat(join(dir, name))
        if (!name.includes('damaged')) expect(mode & 0o777, name).to.equal(0o600)
      }
    })

  it('of a newer version are not changed', async () => {
    await writeFile(file(), '{"version": 2}')
    const outcome = await store()
      .load()
      .catch((error: Error) => error.message)
    expect(outcome).to.contain('newer version')
    expect(await readdir(dir)).to.deep.equal(['external_streams.json'])
  })

  it('reject with one sentence without a path when they cannot be written', async () => {
    await rm(dir, { recursive: true })
    const outcome = await store()
      .save(yard)
      .catch((error: Error) => error.message)
    expect(outcome).to.equal('the list of external streams cannot be written (ENOENT)')
    dir = await mkdtemp(join(tmpdir(), 'external-'))
  })
})
