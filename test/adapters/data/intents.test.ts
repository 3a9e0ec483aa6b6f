import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createIntentStore } from '../../../adapters/data/intents.js'
import { because } from '../../../machines/domain/reason.js'
import type { RecordingIntent } from '../../../machines/domain/recording.js'

const intent: RecordingIntent = {
  camera: 'camera0',
  by: { user: 'ann', request: '1', session: 's' },
  format: 'mkv',
  duration: 60_000,
  startedAt: 1_000,
  gaps: [{ from: 2_000, to: 3_000, reason: because('unplugged') }],
}

describe('the list of running recordings', () => {
  let dir: string
  const messages: string[] = []
  const note = (message: string) => void messages.push(message)
  const log = { error: note, warn: note, info() {}, debug() {} }
  const open = () => createIntentStore({ dir, log, clock: { now: () => 0 } })

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'intents-'))
    messages.length = 0
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  it('is the same after a restart', async () => {
    const segmentLimits = { main: 2_700_000 }
    const store = await open()
    await store.save(intent)
    await store.save({ ...intent, camera: 'camera1', unfinished: ['a.mp4'], earlier: ['b.mp4'], segmentLimits })
    await store.save({ ...intent, gaps: [] })
    const next = await open()
    expect(await next.find('camera0')).to.deep.equal({ ...intent, gaps: [] })
    expect(await next.find('camera1')).to.deep.include({ unfinished: ['a.mp4'], earlier: ['b.mp4'], segmentLimits })
    expect(await next.find('camera2')).to.equal(undefined)
  })

  it('does not contain a recording that is over', async () => {
    const store = await open()
    await store.save(intent)
    await store.remove('camera0')
    expect(await store.find('camera0')).to.equal(undefined)
    expect(await (await open()).find('camera0')).to.equal(undefined)
  })

  it('writes nothing for a camera that is not recorded', async () => {
    await (await open()).remove('camera0')
    expect(await readdir(dir)).to.deep.equal([])
  })

  it('is kept under another name if it is damaged, and says what that means', async () => {
    await writeFile(join(dir, 'recordings.json'), '{"version":1,"recordings":[{"camera":"front"')
    expect(await (await open()).find('camera0')).to.equal(undefined)
    expect(messages.join()).to.match(/recordings of the last run are not continued/)
    const [damaged = ''] = (await readdir(dir)).filter((name) => name.includes('damaged'))
    expect(await readFile(join(dir, damaged), 'utf8')).to.include('"front"')
  })

  for (const [what, lose] of Object.entries({
    missing: (file: string) => rm(file),
    damaged: (file: string) => writeFile(file, '{"version":1,"recordings":[{"cam'),
  }))
    it(`continues the recordings of its copy when it is ${what}`, async () => {
      const store = await open()
      await store.save(intent)
      await store.save({ ...intent, camera: 'camera1' })
      await lose(join(dir, 'recordings.json'))
      const next = await open()
      expect(await next.find('camera0')).to.deep.equal(intent)
      expect(await next.find('camera1')).to.deep.equal({ ...intent, camera: 'camera1' })
      expect(messages).to.deep.equal([
        `state/recordings.json: the list of running recordings was ${what}: its copy recordings.previous.json is used`,
      ])
    })

  it('does not continue a recording that was stopped, whichever file is lost', async () => {
    const store = await open()
    await store.save(intent)
    await store.save({ ...intent, camera: 'camera1' })
    await store.remove('camera0')
    await rm(join(dir, 'recordings.json'))
    const next = await open()
    expect(await next.find('camera0')).to.equal(undefined)
    expect((await next.find('camera1'))?.camera).to.equal('camera1')
  })
})
