import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createProtection } from '../../../adapters/data/protection.js'
import type { MediaFile } from '../../../machines/domain/ports.js'
import { mostProtected } from '../../../machines/domain/protection.js'
import { Failure } from '../../../machines/domain/reason.js'

describe('protected recordings', () => {
  let dir = ''
  let lines: string[] = []
  /** Names without extension that do not exist. */
  let gone: string[] = []
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'protected-'))
    lines = []
    gone = []
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const at = (level: string) => (message: string) => void lines.push(`${level} ${message}`)
  const open = () =>
    createProtection({
      dir,
      clock: { now: () => 0 },
      log: { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') },
      files: { find: async (_, name) => (gone.includes(name) ? undefined : ({ name } as MediaFile)) },
    })
  const kept = async () => JSON.parse(await readFile(join(dir, 'protected.json'), 'utf8')).recordings
  const failureOf = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (error: unknown) => (error instanceof Failure ? error.code : error),
    )
  const fill = (names: string[]) =>
    writeFile(join(dir, 'protected.json'), JSON.stringify({ version: 1, recordings: names }))

  it('are kept over a restart, whatever their extension', async () => {
    const first = await open()
    await Promise.all([first.set('camera0_a.mp4', true), first.set('camera0_b.mkv', true)])
    const second = await open()
    expect(['camera0_a.mkv', 'camera0_b.mp4', 'camera0_c.mp4'].map(second.has)).to.deep.equal([true, true, false])
    await second.set('camera0_a.mkv', false)
    expect(await kept()).to.deep.equal(['camera0_b'])
  })

  it('come from the copy if the file is damaged', async () => {
    const first = await open()
    await first.set('camera0_a.mp4', true)
    await writeFile(join(dir, 'protected.json'), '{"version":1,"recordings":[')
    expect((await open()).has('camera0_a.mp4')).to.equal(true)
    expect(lines[0]).to.match(/^error state\/protected.json: the list of protected recordings was damaged: its copy/)
  })

  describe('that are lost, because the file and its copy are damaged', () => {
    const spoil = async (text = '{"version":1,"recordings":[') => {
      for (const name of ['protected.json', 'protected.previous.json']) await writeFile(join(dir, name), text)
    }
    const lost = async () => {
      await (await open()).set('camera0_a.mp4', true)
      await spoil()
      return open()
    }

    it('are missed, with the reason, also after a restart and after another recording was protected', async () => {
      const protection = await lost()
      expect(protection.loss()?.code).to.equal('protections_lost')
      expect(lines[0]).to.match(/^error state\/protected.json: .* was damaged: retention deletes nothing until/)
      const again = await open()
      expect(again.loss()?.code).to.equal('protections_lost')
      await again.set('camera0_b.mp4', true)
      const last = await open()
      expect([last.loss()?.code, last.has('camera0_b.mp4')]).to.deep.equal(['protections_lost', true])
      expect(lines).to.have.length(1)
    })

    it('are missed until a client accepts it, which is kept; the present ones stay', async () => {
      const protection = await lost()
      await protection.set('camera0_b.mp4', true)
      await protection.acceptLoss()
      expect(protection.loss()).to.equal(undefined)
      const again = await open()
      expect([again.loss(), again.has('camera0_b.mp4')]).to.deep.equal([undefined, true])
      expect(await kept()).to.deep.equal(['camera0_b'])
    })

    it('are missed as long as the acceptance cannot be saved', async () => {
      const protection = await lost()
      await rm(dir, { recursive: true })
      expect(await failureOf(protection.acceptLoss())).to.equal('not_written')
      expect(protection.loss()?.code).to.equal('protections_lost')
    })

    it('are missed if one file is damaged and the other one is missing, and not at the first start', async () => {
      expect((await open()).loss()).to.equal(undefined)
      for (const name of ['protected.json', 'protected.previous.json']) {
        await spoil('damaged')
        await rm(join(dir, name))
        expect((await open()).loss()?.code, name).to.equal('protections_lost')
      }
    })
  })

  it('do not change if the change cannot be saved', async () => {
    const protection = await open()
    await protection.set('camera0_a.mp4', true)
    await rm(dir, { recursive: true })
    expect(await failureOf(protection.set('camera0_b.mp4', true))).to.equal('not_written')
    expect(await failureOf(protection.set('camera0_a.mp4', false))).to.equal('not_written')
    expect(['camera0_a', 'camera0_b'].map(protection.has)).to.deep.equal([true, false])
  })

  it('have a limit; files that no longer exist are forgotten then', async () => {
    await fill(Array.from({ length: mostProtected }, (_, index) => `camera0_${index}`))
    const protection = await open()
    expect(await failureOf(protection.set('camera0_new.mp4', true))).to.equal('limit_reached')
    await protection.set('camera0_7.mp4', true)
    gone = ['camera0_3', 'camera0_4']
    await protection.set('camera0_new.mp4', true)
    expect(['camera0_3', 'camera0_5', 'camera0_new'].map(protection.has)).to.deep.equal([false, true, true])
    expect(await kept()).to.have.length(mostProtected - 1)
  })
})
