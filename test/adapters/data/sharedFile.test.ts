import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import sinon from 'sinon'
import Type, { type Static } from 'typebox'
import { openSharedFile, type SharedFile } from '../../../adapters/data/sharedFile.js'
import { ServiceError } from '../../../machines/domain/errors.js'
import type { Log } from '../../../machines/domain/ports.js'

const Names = Type.Object({ names: Type.Array(Type.String()) })
type Names = Static<typeof Names>

describe('a state file that several processes change', () => {
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
  const open = async (whenDamaged?: string, keepsCopy = false) => {
    const file = await openSharedFile({
      dir,
      name: 'names.json',
      what: 'the list of names',
      schema: Names,
      empty: { names: [] },
      keepsCopy,
      ...(whenDamaged !== undefined && { whenDamaged }),
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
    new Promise<readonly string[]>((resolve) => file.onChange(({ value }) => resolve(value.names)))

  it('holds its value, readable for the owner alone', async () => {
    const file = await open()
    expect(file.value()).to.deep.equal({ names: [] })
    await file.change(add('ann'))
    expect(file.value()).to.deep.equal({ names: ['ann'] })
    expect((await open()).value()).to.deep.equal({ names: ['ann'] })
    expect((await stat(path())).mode & 0o777).to.equal(0o600)
  })

  it('loses no change when many are made at once', async () => {
    const files = await Promise.all([open(), open(), open()])
    const names = Array.from({ length: 12 }, (_, index) => `name${index}`)
    await Promise.all(names.map((name, index) => files[index % 3]?.change(add(name))))
    expect([...(await open()).value().names].sort()).to.deep.equal([...names].sort())
  })

  it('reports the change of another process', async () => {
    const [ours, theirs] = [await open(), await open()]
    const reported = changed(ours)
    await theirs.change(add('bea'))
    expect(await reported).to.deep.equal(['bea'])
    expect(ours.value()).to.deep.equal({ names: ['bea'] })
  })

  it('is not written when nothing changes', async () => {
    const file = await open()
    await file.change(add('ann'))
    const before = (await stat(path())).ino
    await file.change(add('ann'))
    expect((await stat(path())).ino).to.equal(before)
  })

  it('rejects with the error of a change, and changes nothing', async () => {
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

  it('keeps an urgent change in force when it cannot be written, and writes it with the next change', async () => {
    const file = await open()
    await file.change(add('ann'))
    // A folder stands where the temporary file would be.
    await mkdir(`${path()}.tmp/x`, { recursive: true })
    const reported = changed(file)
    const error = await rejection(file.change(add('bea'), { atOnce: true }))
    expect(error).to.be.instanceOf(ServiceError)
    expect((error as ServiceError).data).to.deep.include({
      reason: 'dependency_failed',
      dependency: 'storage',
      detail: 'the list of names cannot be written (EISDIR)',
    })
    expect(await reported).to.deep.equal(['ann', 'bea'])
    expect(JSON.stringify(await rejection(file.change(add('cid'))))).not.to.contain(dir)
    expect(file.value(), 'the other change is not in force').to.deep.equal({ names: ['ann', 'bea'] })
    await rm(`${path()}.tmp`, { recursive: true })
    await file.change(add('dan'))
    expect((await open()).value()).to.deep.equal({ names: ['ann', 'bea', 'dan'] })
  })

  it('writes an urgent change again every 30 s until it succeeds', async () => {
    const timers = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const file = await open()
      await mkdir(`${path()}.tmp/x`, { recursive: true })
      await rejection(file.change(add('ann'), { atOnce: true }))
      await timers.tickAsync(30_000)
      // Runs after the retry, and fails as well.
      expect(await rejection(file.change(add('bea')))).to.be.instanceOf(ServiceError)
      await rm(`${path()}.tmp`, { recursive: true })
      await timers.tickAsync(30_000)
      await file.close()
    } finally {
      timers.restore()
    }
    expect((await open()).value()).to.deep.equal({ names: ['ann'] })
  })

  it('notices a change of another process to a file that is missing at first', async () => {
    const file = await open()
    const reported = changed(file)
    await writeFile(path(), '{"version":1,"names":["eve"]}')
    expect(await reported).to.deep.equal(['eve'])
  })

  it('is not read again after its end', async () => {
    const [ours, theirs] = [await open(), await open()]
    await ours.close()
    const reported = changed(theirs)
    await writeFile(path(), '{"version":1,"names":["eve"]}')
    await reported
    expect(ours.value()).to.deep.equal({ names: [] })
  })

  for (const [what, text] of Object.entries({
    'cut off': '{"version":1,"names":["an',
    empty: '',
    'of another shape': '{"version":1,"names":5}',
    'a list': '[]',
  })) {
    it(`is kept under another name with the first change when it is damaged (${what})`, async () => {
      await writeFile(path(), text)
      expect(((await rejection(open('restore it'))) as Error).message).to.equal(
        'state/names.json: the list of names is damaged: restore it',
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

  it('keeps its last good value when it is damaged later', async () => {
    const file = await open()
    await file.change(add('ann'))
    await writeFile(path(), 'rubbish')
    await file.change(add('bea'))
    expect(file.value()).to.deep.equal({ names: ['ann', 'bea'] })
    expect((await open()).value()).to.deep.equal({ names: ['ann', 'bea'] })
    expect((await readdir(dir)).some((name) => name.includes('damaged'))).to.equal(true)
  })

  for (const [what, lose] of Object.entries({
    missing: () => rm(path()),
    damaged: () => writeFile(path(), '{"version":1,"names":["an'),
  }))
    it(`is its copy when it is ${what} at the start; the copy never has a right that was taken away`, async () => {
      const file = await open(undefined, true)
      await file.change(add('ann'))
      await file.change(add('bea'))
      await file.change(({ names }) => ({ names: names.filter((name) => name !== 'ann') }))
      await file.close()
      await lose()
      expect((await open(undefined, true)).value()).to.deep.equal({ names: ['bea'] })
      expect(errors).to.deep.equal([
        `state/names.json: the list of names was ${what}: its copy names.previous.json is used`,
      ])
      expect((await open(undefined, true)).value(), 'the next start').to.deep.equal({ names: ['bea'] })
      expect(errors).to.have.length(1)
    })

  it('is empty when it is deleted while it is in use, also after a restart', async () => {
    const file = await open(undefined, true)
    await file.change(add('ann'))
    const reported = changed(file)
    await rm(path())
    expect(await reported).to.deep.equal([])
    expect((await open(undefined, true)).value()).to.deep.equal({ names: [] })
  })

  it('does not change the file of a newer version', async () => {
    const text = '{"version":2,"names":["ann"]}'
    await writeFile(path(), text)
    expect(((await rejection(open())) as Error).message).to.equal(
      'state/names.json: the list of names ' +
        'was written by a newer version of this service: start that one, or move the file away',
    )
    expect(await readFile(path(), 'utf8')).to.equal(text)
  })
})
