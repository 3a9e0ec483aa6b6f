import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect } from 'chai'
import { type DataDirectory, openDataDirectory } from '../../../adapters/data/directory.js'
import { fake } from '../ffmpeg/support.js'

describe('the data directory', () => {
  let root = ''
  let opened: DataDirectory[] = []
  let children: ChildProcess[] = []
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'data-directory-'))
  })
  afterEach(async () => {
    for (const child of children)
      if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await once(child, 'exit')
    await Promise.all(opened.map((directory) => directory.release()))
    await rm(root, { recursive: true })
    opened = []
    children = []
  })

  const openHere = async (dir: string) => {
    const directory = await openDataDirectory(dir)
    opened.push(directory)
    return directory
  }
  const refusal = (dir: string) =>
    openHere(dir).then(
      () => 'opened',
      (error: Error) => error.message,
    )
  /** Another process that opens the directory, and its output: `open` or the reason. */
  const openElsewhere = async (dir: string) => {
    const module = new URL('../../../adapters/data/directory.ts', import.meta.url).href
    const script = `
      import { openDataDirectory } from ${JSON.stringify(module)}
      try {
        await openDataDirectory(${JSON.stringify(dir)})
        console.log('open')
      } catch (error) {
        console.log(error.message)
      }
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    const [said] = await once(createInterface(child.stdout), 'line')
    return { said: String(said), child }
  }

  it('is created with private folders', async () => {
    const directory = await openHere(join(root, 'a', 'b'))
    const mode = async (path: string) => ((await stat(path)).mode & 0o7777).toString(8)
    expect(directory.dir).to.equal(join(root, 'a', 'b'))
    expect(directory.recordings).to.equal(join(root, 'a', 'b', 'recordings'))
    expect(await mode(directory.secrets)).to.equal('700')
    expect(await mode(directory.state)).to.equal('700')
    for (const path of [directory.dir, directory.recordings, directory.snapshots, directory.run])
      expect((await stat(path)).mode & 0o007, path).to.equal(0)
  })

  it('keeps the modes that an operator has set, except for the secrets', async () => {
    const first = await openHere(root)
    await first.release()
    await chmod(first.recordings, 0o775)
    await chmod(first.secrets, 0o755)
    const second = await openHere(root)
    expect((await stat(second.recordings)).mode & 0o777).to.equal(0o775)
    expect((await stat(second.secrets)).mode & 0o777).to.equal(0o700)
  })

  it('is locked for one service, under any name', async () => {
    await openHere(root)
    await symlink(root, `${root}-link`)
    try {
      const expected = (dir: string) => `data directory ${dir} is in use by another camera service (pid ${process.pid})`
      expect(await refusal(root)).to.equal(expected(root))
      expect(await refusal(`${root}-link`)).to.equal(expected(`${root}-link`))
    } finally {
      await rm(`${root}-link`)
    }
  })

  it('is unlocked by release, which may be called twice', async () => {
    const first = await openHere(root)
    await Promise.all([first.release(), first.release()])
    expect(await refusal(root)).to.equal('opened')
  })

  it('is unlocked when its service is killed, not before', async () => {
    const { said, child } = await openElsewhere(root)
    expect(said).to.equal('open')
    expect(await refusal(root)).to.equal(
      `data directory ${root} is in use by another camera service (pid ${child.pid})`,
    )
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await refusal(root)).to.equal('opened')
  })

  it('is not locked by the child processes of its service', async () => {
    const first = await openHere(root)
    const child = spawn('sleep', ['60'], { stdio: 'ignore' })
    children.push(child)
    await first.release()
    expect(await refusal(root)).to.equal('opened')
  })

  it('is not locked by a stale pid in the lock file', async () => {
    await writeFile(join(root, 'service.lock'), `${process.pid}\n`)
    expect(await refusal(root)).to.equal('opened')
    expect(await readFile(join(root, 'service.lock'), 'utf8')).to.equal(`${process.pid}\n`)
  })

  it('is opened by exactly one of several at once', async () => {
    const results = await Promise.all(Array.from({ length: 8 }, () => refusal(root)))
    expect(results.filter((result) => result === 'opened')).to.have.length(1)
    for (const result of results)
      if (result !== 'opened') expect(result).to.match(/ is in use by another camera service( \(pid \d+\))?$/)
  })

  it('names the fault when it cannot be used', async () => {
    await writeFile(join(root, 'file'), '')
    expect(await refusal(join(root, 'file'))).to.match(/ is not a folder/)
    expect(await refusal(join(root, 'file', 'below'))).to.match(/ is not a folder/)
    expect(await refusal('/proc/self/data')).to.match(
      /^data directory \/proc\/self\/data (is not writable|cannot be used) \([A-Z]+\)$/,
    )
  })

  it('is unlocked after a failed opening', async () => {
    await writeFile(join(root, 'run'), '')
    expect(await refusal(root)).to.match(/a folder of it is a file/)
    await rm(join(root, 'run'))
    expect(await refusal(root)).to.equal('opened')
  })

  it('names a missing program', async () => {
    const path = process.env.PATH
    process.env.PATH = root
    try {
      expect(await refusal(join(root, 'x'))).to.equal('the program flock (package util-linux) is missing')
    } finally {
      process.env.PATH = path
    }
  })

  it('does not take the flock of busybox, which has other options, for a held lock', async () => {
    const path = process.env.PATH
    await fake(root, 'flock', `echo 'flock: unrecognized option: exclusive' >&2; echo 'BusyBox v1.36.1' >&2; exit 1`)
    process.env.PATH = `${root}:${path}`
    try {
      expect(await refusal(join(root, 'x'))).to.equal(
        'the program flock is not that of util-linux, and lacks options: install the package util-linux',
      )
    } finally {
      process.env.PATH = path
    }
  })
})
