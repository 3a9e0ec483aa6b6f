import { expect } from 'chai'
import { createMediaServer } from '../../../adapters/mediamtx/mediaServer.js'
import type { CameraId } from '../../../machines/domain/camera.js'
import { keptLog, never } from '../../adapters/mediamtx/fakeServer.js'
import { settled } from '../../adapters/mediamtx/settled.js'
import { until } from '../../support/until.js'
import {
  describeMediaServers,
  type RunningMediaServer,
  removeFolder,
  startMediaServer,
  temporaryFolder,
} from './servers.js'

describeMediaServers('media server, drift of its paths', (kind) => {
  let server: RunningMediaServer
  let dir: string
  let media: ReturnType<typeof settled>
  beforeEach(async () => {
    dir = await temporaryFolder()
    server = await startMediaServer({ kind, dir })
    const pathDefaults = {
      closeAfter: 10_000,
      startTimeout: 20_500,
      partDuration: 200,
      segmentDuration: 3_600_000,
      recordPath: `${dir}/recordings/%path/%path_%Y-%m-%d_%H-%M-%S-%f`,
    }
    const apiUrl = `http://127.0.0.1:${server.apiPort}`
    media = settled(createMediaServer({ apiUrl, timeout: 5_000, threshold: 5, pathDefaults, log: keptLog() }))
    await media.publish({ name: 'camera0', source: { command: 'sleep 60' } })
    await media.publish({ name: 'camera1', source: { url: 'rtsp://user:p%40ss@127.0.0.1:1/x?a=b' } })
  })
  afterEach(async () => {
    await server?.stop()
    await removeFolder(dir)
  })

  const patch = (name: string, body: object) => server.api('PATCH', `config/paths/patch/${name}`, body)
  const drift = () => media.drift(never())
  const record = async (name: CameraId) => {
    const { body } = await server.api('GET', `config/paths/get/${name}`)
    return (body as { record?: boolean }).record
  }

  it('is none after a publication, a change of record, and a sync', async () => {
    expect(await drift()).to.deep.equal([])
    await media.setRecording('camera0', true, never())
    await until('the change', async () => (await record('camera0')) === true)
    await media.settled(never())
    expect(await drift()).to.deep.equal([])
    await media.sync(never())
    await media.settled(never())
    expect(await drift()).to.deep.equal([])
  })

  it('is none while a recording has shorter files than configured, and afterwards', async () => {
    const lengthOf = async () => {
      const { body } = await server.api('GET', 'config/paths/get/camera0')
      return (body as { recordSegmentDuration?: string }).recordSegmentDuration
    }
    for (const [length, shown] of [
      [2_700_000, '45m0s'],
      [undefined, '1h0m0s'],
    ] as const) {
      await media.setRecording('camera0', true, never(), length)
      await media.settled(never())
      await until('the change', async () => (await record('camera0')) === true && (await lengthOf()) === shown)
      expect(await drift()).to.deep.equal([])
      await media.setRecording('camera0', false, never())
      await media.settled(never())
    }
  })

  it('is found in each setting of a path, and repaired', async () => {
    await media.setRecording('camera0', true, never())
    await media.settled(never())
    expect((await patch('camera0', { record: false, runOnDemandCloseAfter: '3s' })).status).to.equal(200)
    expect((await patch('camera1', { source: 'rtsp://127.0.0.1:1/y' })).status).to.equal(200)
    const found = await until('both drifts', async () => {
      const all = await drift()
      return all.length === 2 && all
    })
    expect(found).to.deep.equal([
      { camera: 'camera0', differs: ['runOnDemandCloseAfter', 'record'], inUse: true },
      { camera: 'camera1', differs: ['source'], inUse: false },
    ])
    await media.repair(['camera0', 'camera1'], never())
    await media.settled(never())
    await until('the repair', async () => (await drift()).length === 0)
    expect(await record('camera0')).to.equal(true)
  })

  it('is found if a path is removed, and repaired', async () => {
    expect((await server.api('DELETE', 'config/paths/delete/camera0')).status).to.equal(200)
    await until('the drift', async () => (await drift()).some(({ differs }) => differs.length === 0))
    expect((await drift()).map(({ camera }) => camera)).to.deep.equal(['camera0'])
    await media.repair(['camera0'], never())
    await media.settled(never())
    await until('the repair', async () => (await drift()).length === 0)
  })
})
