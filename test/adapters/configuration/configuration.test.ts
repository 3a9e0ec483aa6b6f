import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createConfigFile } from '../../../adapters/configuration/file.js'
import { createConfigHistory } from '../../../adapters/configuration/history.js'
import { Failure } from '../../../machines/domain/reason.js'
import { createGate } from '../../support/gate.js'
import { until } from '../../support/until.js'

const failureOf = (done: Promise<unknown>) =>
  done.then(
    () => 'done',
    (error: Error) => (error instanceof Failure ? [error.code, error.message] : error),
  )

describe('the configuration file', () => {
  let dir = ''
  let path = ''
  const disposers: (() => void)[] = []
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'configuration-'))
    path = join(dir, 'service.yml')
    await writeFile(path, 'a: 1\n')
  })
  afterEach(async () => {
    for (const dispose of disposers.splice(0)) dispose()
    await rm(dir, { recursive: true })
  })

  /** Counts the reports. */
  function watched(text = 'a: 1\n') {
    const file = createConfigFile({ path, text })
    const counter = { file, reports: 0 }
    disposers.push(file.watch(() => void counter.reports++))
    return counter
  }

  it('reports a file that is written in place, replaced by a rename, or removed', async () => {
    const counter = watched()
    await writeFile(path, 'a: 2\n')
    await until('the write is reported', () => counter.reports > 0)
    const before = counter.reports
    await writeFile(`${path}~`, 'a: 3\n')
    await rename(`${path}~`, path)
    await until('the rename is reported', () => counter.reports > before)
    expect(await counter.file.read()).to.equal('a: 3\n')
    const last = counter.reports
    await rm(path)
    await until('the removal is reported', () => counter.reports > last)
    expect(await failureOf(counter.file.read())).to.deep.equal([
      'config_unreadable',
      'the configuration file cannot be read (ENOENT)',
    ])
  })

  it('reports a file that has changed between the start and the first look', async () => {
    const counter = watched('a: 0\n')
    await until('the change is reported', () => counter.reports === 1)
  })

  it('reports neither its own writes nor other files of the folder', async () => {
    const counter = watched()
    await counter.file.write('a: 2\n')
    await writeFile(join(dir, 'other.yml'), 'b: 1')
    // The report of a later change shows that the earlier events were handled.
    await writeFile(`${path}~`, 'a: 10\n')
    await rename(`${path}~`, path)
    await until('the change is reported', () => counter.reports > 0)
    expect(counter.reports).to.equal(1)
  })

  it('keeps the mode of the file, and the original beside it, but only the first', async () => {
    await chmod(path, 0o640)
    const { file } = watched()
    await file.write('a: 2\n')
    await file.write('a: 3\n')
    expect(await readFile(path, 'utf8')).to.equal('a: 3\n')
    expect((await stat(path)).mode & 0o777).to.equal(0o640)
    expect(await readFile(`${path}.backup`, 'utf8')).to.equal('a: 1\n')
    expect((await readdir(dir)).sort()).to.deep.equal(['service.yml', 'service.yml.backup'])
  })

  it('writes through a symbolic link', async () => {
    await mkdir(join(dir, 'real'))
    await rename(path, join(dir, 'real/service.yml'))
    await symlink('real/service.yml', path)
    await watched().file.write('a: 2\n')
    expect(await readFile(join(dir, 'real/service.yml'), 'utf8')).to.equal('a: 2\n')
  })

  it('refuses a write to a folder that cannot be written, and leaves the file', async () => {
    const { file } = watched()
    // A folder in place of the temporary file fails for root as well.
    await mkdir(`${path}.tmp`)
    const [code, message] = (await failureOf(file.write('a: 2\n'))) as string[]
    expect(code).to.equal('config_read_only')
    expect(message).to.match(/^the configuration file cannot be written \(E\w+\)$/)
    expect(await readFile(path, 'utf8')).to.equal('a: 1\n')
    await rm(`${path}.tmp`, { recursive: true }).catch(() => {})
  })

  it('does not write over a text that it does not expect', async () => {
    const { file } = watched()
    await file.write('a: 2\n', 'a: 1\n')
    await writeFile(path, 'a: edited\n')
    expect(((await failureOf(file.write('a: 1\n', 'a: 2\n'))) as string[])[0]).to.equal('config_conflict')
    expect(await readFile(path, 'utf8')).to.equal('a: edited\n')
  })

  it('refuses everything without a file', async () => {
    const file = createConfigFile({ text: '' })
    expect(file.isThere).to.equal(false)
    expect(((await failureOf(file.read())) as string[])[0]).to.equal('config_no_file')
    expect(((await failureOf(file.write(''))) as string[])[0]).to.equal('config_no_file')
  })

  for (const [what, content, words] of [
    ['in Latin-1', Buffer.from('cameras:\n  - { name: Café }\n', 'latin1'), /not UTF-8 \(line 2\): save it as UTF-8$/],
    ['in UTF-16', Buffer.from('\ufeffdata_dir: /data\n', 'utf16le'), /is UTF-16: save it as UTF-8$/],
  ] as const)
    it(`refuses a file ${what} while it runs, and does not write over it`, async () => {
      await writeFile(path, content)
      const file = createConfigFile({ path, text: '' })
      const refused = (await failureOf(file.read())) as string[]
      expect(refused[0]).to.equal('config_unreadable')
      expect(refused[1]).to.match(words)
      await failureOf(file.write('new', 'old'))
      expect(await readFile(path)).to.deep.equal(content)
    })

  it('refuses a file that is too large', async () => {
    await writeFile(path, Buffer.alloc(1_048_577, 'a'))
    expect(((await failureOf(createConfigFile({ path, text: '' }).read())) as string[])[0]).to.equal(
      'config_unreadable',
    )
  })
})

describe('the history of the configuration', () => {
  let dir = ''
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'configuration-'))
  })
  afterEach(() => rm(dir, { recursive: true }))
  const open = () => createConfigHistory({ dir, clock: { now: () => 7 }, log: createGate().log })
  const version = (text: string, user = 'ann') => ({ text, user, origin: 'client' as const })

  it('keeps the last versions with time and author, over restarts, readable only by the owner', async () => {
    const history = open()
    const numbers: number[] = []
    for (const text of ['a', 'b', 'c']) numbers.push(await history.keep(version(text), 2))
    expect(numbers).to.deep.equal([1, 2, 3])
    expect(await open().list()).to.deep.equal([
      { version: 2, at: 7, ...version('b') },
      { version: 3, at: 7, ...version('c') },
    ])
    expect((await stat(join(dir, 'configuration.json'))).mode & 0o777).to.equal(0o600)
  })

  it('does not keep the same text twice in a row', async () => {
    const history = open()
    await history.keep(version('a'), 10)
    expect(await history.keep(version('a', 'bob'), 10)).to.equal(1)
    expect(await history.list()).to.have.length(1)
  })

  it('can be read again after a failure', async () => {
    await mkdir(join(dir, 'configuration.json'))
    const history = open()
    await history.list().catch(() => 'a folder cannot be read')
    await rm(join(dir, 'configuration.json'), { recursive: true })
    expect(await history.list()).to.deep.equal([])
  })

  it('starts empty if the file is damaged', async () => {
    await writeFile(join(dir, 'configuration.json'), '{"version":1,"versions":[{}]}')
    const history = open()
    expect(await history.list()).to.deep.equal([])
    expect(await history.keep(version('a'), 10)).to.equal(1)
  })
})
