import { expect } from 'chai'
import type { MediaFile } from '../../machines/domain/ports.js'
import { methods } from '../../rpc/methods/index.js'
import { contract, faults } from './contract.js'
import { type Client, createStage, createWorld, noon, type World } from './fakes.js'

const broken = (bytes: number, second: number): MediaFile => ({
  name: `camera0_2025-06-01_10-00-0${second}-000000.mp4`,
  camera: 'camera0',
  path: '/nowhere/quarantine/x.mp4',
  bytes,
  modifiedAt: noon - 3_600_000,
  createdAt: noon - 3_600_000,
  quarantined: true,
})

describe('quarantined recordings', () => {
  const stage = createStage()
  let world: World
  let admin: Client

  beforeEach(async () => {
    world = createWorld()
    world.quarantined = [broken(0, 1), broken(700, 2)]
    const { port } = await stage.serve(world.options())
    admin = await stage.connect(port, { role: 'admin' })
  })
  afterEach(() => stage.end())

  const call = async (name: string, params?: object) => {
    const { result, error } = await admin.call(name, params)
    expect(error).to.equal(undefined)
    const documented = contract.find(({ method }) => method === name)
    expect(faults(documented?.result ?? {}, result)).to.deep.equal([])
    expect(faults(methods.find((method) => method.name === name)?.result ?? {}, result)).to.deep.equal([])
    return result
  }

  it('are listed with the reason on request, and not among the recordings', async () => {
    const { files, total } = await call('list_recordings', { quarantined: true })
    expect(total).to.equal(2)
    expect(files[0]).to.include({
      filename: 'camera0_2025-06-01_10-00-01-000000.mp4',
      file_size: 0,
      device: 'camera0',
      quarantined: true,
      reason: 'file_empty',
    })
    expect(files[1]).to.include({ quarantined: true, reason: 'file_without_media' }).and.not.have.property('truncated')
    const plain = await call('list_recordings')
    expect(plain.files.map(({ quarantined }: { quarantined?: true }) => quarantined)).to.deep.equal([undefined])
    expect((await admin.call('list_snapshots', { quarantined: true })).result?.total).to.equal(1)
  })

  it('are counted in get_storage_info', async () => {
    expect(await call('get_storage_info')).to.include({ quarantined_files: 2, quarantined_size: 700 })
  })

  it('are deleted by their names, also while the camera records', async () => {
    await call('delete_recording', { filename: 'camera0_2025-06-01_10-00-02-000000.mp4' })
    expect(world.quarantined.map(({ bytes }) => bytes)).to.deep.equal([0])
    expect(world.recordings).to.have.length(1)
  })

  it('are not reached by names that are no file names', async () => {
    for (const filename of ['quarantine/camera0_2025-06-01_10-00-02-000000.mp4', '../quarantine/x.mp4', '.x.mp4']) {
      const { error } = await admin.call('delete_recording', { filename })
      expect(error, filename).to.deep.include({ code: -32602 })
    }
  })
})
