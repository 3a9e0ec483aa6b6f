import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { openSharedFile, type SharedFile } from '../../../adapters/data/sharedFile.js'
import { ServiceError } from '../../../machines/domain/errors.js'
import type { Log } from '../../../machines/domain/ports.js'

interface Names {
  names: readonly string[]
}

describe('a file that the service and the command line share', () => {
  let dir = ''
  let errors: string[] = []
  let opened: SharedFile<Names>[] = []
  const note = (message: string) => void errors.push(message)
  const log: Log = { error: note, warn: note, info: () => {}, debug: () => {} }

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shared-'))
    errors = []
    opened = []
  })
  afterEach(async () => {
    await Promise.all(opened.map((file) => file.close()))
    await rm(dir, { recursive: true })
  })

  const path = () => join(dir, 'names.json')
  const open = async (damaged: 'empty' | 'refuse' = 'empty') => {
    const file = await openSharedFile<Names>({
      dir,
      name: 'names.json',
      what: 'list of names',
      parse: ({ names }) => (Array.isArray(names) ? { names } : undefined),
      empty: { names: [] },
      damaged,
      clock: { now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6) },
      log,
    })
    opened.push(file)
    return file
  }
  const add = (name: string) => (value: Names) =>
    value.names.includes(name) ? value : { names: [...value.names, name] }
  const rejection = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (error: unknown) => error,
    )
  const changed = (file: SharedFile<Names>) =>
    new Promise<readonly string[]>((resolve) => file.onChange(({ names }) => resolve(names)))

  it('keeps what was put in, for us alone', async () => {
    const file = await open()
    expect(file.value()).to.deep.equal({ names: [] })
    await file.change(add('ann'))
    expect(file.value()).to.deep.equal({ names: ['ann'] })
    expect((await open()).value()).to.deep.equal({ names: ['ann'] })
    expect((await stat(path())).mode & 0o777).to.equal(0o600)
  })

  it('loses no change, however many change it at once', async () => {
    const files = await Promise.all([open(), open(), open()])
    const names = Array.from({ length: 12 }, (_, index) => `name${index}`)
    await Promise.all(names.map((name, index) => files[index % 3]?.change(add(name))))
    expect([...(await open()).value().names].sort()).to.deep.equal([...names].sort())
  })

  it('tells within a second what somebody else has changed', async () => {
    const [ours, theirs] = [await open(), await open()]
    const told = changed(ours)
    const began = performance.now()
    await theirs.change(add('bea'))
    expect(await told).to.deep.equal(['bea'])
    expect(performance.now() - began).to.be.lessThan(1_000)
    expect(ours.value()).to.deep.equal({ names: ['bea'] })
  })

  it('is not written when nothing changes', async () => {
    const file = await open()
    await file.change(add('ann'))
    const before = (await stat(path())).ino
    await file.change(add('ann'))
    expect((await stat(path())).ino).to.equal(before)
  })

  it('hands on what a change refuses, and changes nothing', async () => {
    const file = await open()
    const refused = new ServiceError('invalidState')
    const rejected = await rejection(
      file.change(() => {
        throw refused
      }),
    )
    expect(rejected).to.equal(refused)
    await file.change(add('ann'))
    expect(file.value()).to.deep.equal({ names: ['ann'] })
  })

  it('holds at once what must hold, also when it cannot be written, and writes it later', async () => {
    const file = await open()
    await file.change(add('ann'))
    // A folder stands where the temporary file would be.
    await mkdir(`${path()}.tmp/x`, { recursive: true })
    const told = changed(file)
    const error = await rejection(file.change(add('bea'), { atOnce: true }))
    expect(error).to.be.instanceOf(ServiceError)
    expect((error as ServiceError).data).to.deep.include({
      reason: 'dependency_failed',
      dependency: 'storage',
      detail: 'the list of names cannot be read or written (EISDIR)',
    })
    expect(await told).to.deep.equal(['ann', 'bea'])
    expect(JSON.stringify(await rejection(file.change(add('cid'))))).not.to.contain(dir)
    expect(file.value(), 'what need not hold at once does not').to.deep.equal({ names: ['ann', 'bea'] })
    await rm(`${path()}.tmp`, { recursive: true })
    await file.change(add('dan'))
    expect((await open()).value()).to.deep.equal({ names: ['ann', 'bea', 'dan'] })
  })

  for (const [what, text] of Object.entries({
    'cut off': '{"version":1,"names":["an',
    empty: '',
    'of another shape': '{"version":1,"names":5}',
    'a list': '[]',
  })) {
    it(`is kept aside with the first change when it is damaged (${what})`, async () => {
      await writeFile(path(), text)
      expect(((await rejection(open('refuse'))) as Error).message).to.equal(
        'the list of names (state/names.json) is damaged',
      )
      const file = await open()
      expect(file.value()).to.deep.equal({ names: [] })
      expect(errors).to.have.length(1)
      expect(await readdir(dir)).to.include('names.json')
      await file.change(add('ann'))
      expect(await readFile(join(dir, 'names.json.damaged-2026-01-02T03-04-05-006Z'), 'utf8')).to.equal(text)
      expect((await open()).value()).to.deep.equal({ names: ['ann'] })
    })
  }

  it('that is damaged later changes nothing of what is in force', async () => {
    const file = await open()
    await file.change(add('ann'))
    await writeFile(path(), 'rubbish')
    await file.change(add('bea'))
    expect(file.value()).to.deep.equal({ names: ['ann', 'bea'] })
    expect((await open()).value()).to.deep.equal({ names: ['ann', 'bea'] })
    expect((await readdir(dir)).some((name) => name.includes('damaged'))).to.equal(true)
  })

  it('of a newer version is left alone', async () => {
    const text = '{"version":2,"names":["ann"]}'
    await writeFile(path(), text)
    expect(((await rejection(open())) as Error).message).to.equal(
      'the list of names (state/names.json) was written by a newer version',
    )
    expect(await readFile(path(), 'utf8')).to.equal(text)
  })
})
