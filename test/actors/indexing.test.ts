import { expect } from 'chai'
import { createActor, toPromise } from 'xstate'
import { indexingEffects } from '../../actors/effects/indexing.js'
import type { Unindexed } from '../../machines/domain/files.js'
import type { RecordingIntent } from '../../machines/domain/recording.js'
import type { CameraView, RecordingView, StorageView } from '../../machines/domain/views.js'
import type { Formats } from '../../machines/indexing.js'
import { createGate } from '../support/gate.js'

const name = (second: number) => `camera0_2026-01-01_00-00-0${second}-000000.mp4`
const startOf = (second: number) => Date.UTC(2026, 0, 1, 0, 0, second)
const file = (second: number, changes: Partial<Unindexed> = {}): Unindexed => ({
  ...{ name: name(second), camera: 'camera0', path: '/x/a.mp4', bytes: 100, modifiedAt: 1, inode: 1 },
  ...{ complete: true, duration: 1_000, isAtRest: true },
  ...changes,
})
const recording = (changes: Partial<RecordingView>): RecordingView => ({
  ...{ camera: 'camera0', status: 'RECORDING', growing: true, gaps: [], format: 'fmp4', by: 'ann', files: [] },
  ...changes,
})
const intent = (second: number, format: RecordingIntent['format']): RecordingIntent => ({
  ...{ camera: 'camera0', by: { user: 'ann', session: 's', request: 'r' }, format, gaps: [] },
  startedAt: startOf(second),
})

describe('the effects of indexing', () => {
  function make() {
    const { log, lines } = createGate()
    const world = {
      files: [] as Unindexed[] | Error,
      view: undefined as RecordingView | undefined,
      intent: undefined as RecordingIntent | undefined,
      storage: { state: 'ok', spare: 1_000 } as Pick<StorageView, 'state' | 'spare'>,
      indexed: [] as string[],
    }
    const effects = indexingEffects({
      indexer: {
        unindexed: async () => {
          if (world.files instanceof Error) throw world.files
          return world.files
        },
        index: async ({ name: each }, format) => {
          world.indexed.push(`${each} ${format}`)
          return 90
        },
      },
      intents: { find: async () => world.intent },
      cameras: (): Pick<CameraView, 'id' | 'recording'>[] =>
        world.view ? [{ id: 'camera0', recording: world.view }] : [{ id: 'camera0' }],
      storage: () => world.storage,
      log,
    })
    const find = (formats: Formats = {}) => {
      const actor = createActor(effects.findUnindexed, { input: { formats, format: 'fmp4' } }).start()
      return toPromise(actor)
    }
    const index = (one: Unindexed | undefined) => {
      const input = { file: one && { ...one, format: 'mp4' as const } }
      return toPromise(createActor(effects.indexFile, { input }).start())
    }
    const formats = async (known: Formats = {}) => (await find(known)).files.map(({ name: of, format }) => [of, format])
    return { world, find, formats, index, lines }
  }

  it('find the format: of an ended recording, of the running one, of one of an earlier run, else the default', async () => {
    const { world, formats } = make()
    world.files = [1, 2, 3, 4].map((second) => file(second))
    expect(await formats({ [name(1)]: 'mp4' })).to.deep.equal([
      [name(1), 'mp4'],
      ...[2, 3, 4].map((second) => [name(second), 'fmp4']),
    ])
    world.view = recording({ format: 'mp4', files: [name(2), name(4)] })
    expect(await formats()).to.deep.equal([
      [name(1), 'fmp4'],
      [name(2), 'mp4'],
      [name(3), 'fmp4'],
    ])
    world.view = undefined
    world.intent = intent(3, 'mp4')
    expect((await formats()).map(([, format]) => format)).to.deep.equal(['fmp4', 'fmp4', 'mp4', 'mp4'])
  })

  it('leave files alone that may be open, are not at rest, or will be converted to Matroska', async () => {
    const { world, find } = make()
    world.files = [file(1), file(2, { isAtRest: false }), file(3), file(4)]
    world.view = recording({ files: [name(1), name(3)] })
    const { files, waiting } = await find()
    expect(files.map((one) => one.name)).to.deep.equal([name(1)])
    expect(waiting).to.deep.equal([2, 3, 4].map(name))
    world.view = recording({ files: [name(1), name(3)], format: 'mkv' })
    expect((await find()).files).to.deep.equal([])
    world.view = undefined
    world.intent = intent(3, 'mkv')
    expect((await find()).waiting).to.deep.equal([2, 3, 4].map(name))
  })

  it('report a folder that cannot be read', async () => {
    const { world, find, lines } = make()
    world.files = new Error('EIO')
    expect(await find().catch((error: Error) => error.message)).to.equal('EIO')
    expect(lines[0]).to.match(/^warn the recordings cannot be searched .*EIO/)
  })

  it('make no copy of a file that a recording has opened meanwhile', async () => {
    const { world, index } = make()
    world.view = recording({ files: [name(1)] })
    expect(await index(file(1))).to.equal(undefined)
    expect(await index(undefined)).to.equal(undefined)
    expect(world.indexed).to.deep.equal([])
  })

  for (const [title, storage] of [
    ['the copy would bring the warning', { state: 'ok', spare: 99 }],
    ['the disk is nearly full', { state: 'warning', spare: 1_000 }],
    ['the disk cannot be measured', { state: 'blind', spare: 1_000 }],
    ['the disk was not measured yet', { state: 'unknown' }],
  ] as const)
    it(`make no copy while ${title}`, async () => {
      const { world, index } = make()
      world.storage = storage
      const code = await index(file(1)).catch((error: { code: string }) => error.code)
      expect([code, world.indexed]).to.deep.equal(['storage_full', []])
    })

  it('make a copy in the format of the recording', async () => {
    const { world, index } = make()
    expect(await index(file(1))).to.equal(90)
    expect(world.indexed).to.deep.equal([`${name(1)} mp4`])
  })
})
