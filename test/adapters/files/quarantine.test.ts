import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createMediaFiles } from '../../../adapters/files/mediaFiles.js'
import { createQuarantine } from '../../../adapters/files/quarantine.js'
import type { CameraId } from '../../../machines/domain/camera.js'
import { closed, growing, plain } from './media.js'

const name = (second: number, end = '.mp4') => `camera0_2026-01-01_00-00-0${second}-000000${end}`
const all = { limit: 100, offset: 0 }
const never = new AbortController().signal

describe('the quarantine', () => {
  let media = ''
  let dir = ''
  const at = (...path: string[]) => join(dir, ...path)
  before(async () => {
    media = await mkdtemp(join(tmpdir(), 'quarantine-media-'))
    await Promise.all([
      growing(join(media, 'open.mp4'), 2),
      closed(join(media, 'closed.mp4'), 2),
      plain(join(media, 'plain.mp4'), 1),
    ])
    const open = await readFile(join(media, 'open.mp4'))
    await writeFile(join(media, 'header.mp4'), open.subarray(0, open.indexOf('moof') - 4))
    // The first part lacks the end of its data.
    await writeFile(join(media, 'cutPart.mp4'), open.subarray(0, open.indexOf('mdat') + 20))
    await writeFile(join(media, 'zeros.mp4'), Buffer.alloc(50_000))
    await writeFile(join(media, 'halfHeader.mp4'), open.subarray(0, 60))
  })
  after(() => rm(media, { recursive: true }))
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'quarantine-'))
    await mkdir(at('camera0'))
    await mkdir(at('camera1'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const make = () => ({
    quarantine: createQuarantine({ recordingsDir: dir }),
    files: createMediaFiles({ recordingsDir: dir, snapshotsDir: at('camera1') }),
  })
  const put = (source: string, to: string) => copyFile(join(media, source), at(...to.split('/')))
  const namesOf = async (cameras?: CameraId[]) =>
    (await make().quarantine.suspects(cameras, never)).map((one) => one.name)

  it('suspects files without a header, without a whole part, and empty ones', async () => {
    await writeFile(at('camera0', name(1)), '')
    for (const [index, source] of ['header', 'cutPart', 'zeros', 'halfHeader'].entries())
      await put(`${source}.mp4`, `camera0/${name(index + 2)}`)
    await writeFile(at('camera0', name(6, '.mkv')), '')
    await writeFile(at(name(7)), '')
    const suspects = await make().quarantine.suspects(undefined, never)
    expect(suspects.map(({ name, camera, reason }) => [name, camera, reason.code]).sort()).to.deep.equal([
      [name(1), 'camera0', 'file_empty'],
      [name(2), 'camera0', 'file_without_media'],
      [name(3), 'camera0', 'file_without_media'],
      [name(4), 'camera0', 'file_without_media'],
      [name(5), 'camera0', 'file_without_media'],
      [name(6, '.mkv'), 'camera0', 'file_empty'],
      [name(7), 'camera0', 'file_empty'],
    ])
  })

  it('does not suspect what can be played, what is no recording of ours, and what leaves a doubt', async () => {
    for (const [index, source] of ['open', 'closed', 'plain'].entries())
      await put(`${source}.mp4`, `camera0/${name(index + 1)}`)
    await put('open.mp4', `camera0/${name(4)}`)
    await truncate(at('camera0', name(4)), (await stat(join(media, 'open.mp4'))).size - 100)
    // Matroska without a duration may be played.
    await writeFile(at('camera0', name(5, '.mkv')), 'rubbish')
    await writeFile(at('camera0', 'holiday.mp4'), '')
    await writeFile(at('camera0', 'camera1_2026-01-01_00-00-01-000000.mp4'), '')
    await mkdir(at('camera0', name(6)))
    await symlink(join(media, 'zeros.mp4'), at('camera0', name(7)))
    expect(await namesOf()).to.deep.equal([])
  })

  it('looks at the given cameras only', async () => {
    await writeFile(at('camera0', name(1)), '')
    const other = name(1).replace('camera0', 'camera1')
    await writeFile(at('camera1', other), '')
    expect(await namesOf(['camera1'])).to.deep.equal([other])
    expect(await namesOf(['camera7'])).to.deep.equal([])
  })

  it('finds a file that cannot be read harmless', async () => {
    if (process.getuid?.() === 0) await symlink('/nowhere', at('camera0', name(1)))
    else await writeFile(at('camera0', name(1)), 'secret', { mode: 0o000 })
    expect(await namesOf()).to.deep.equal([])
  })

  it('moves a file aside under its name, where it is listed, found and deleted', async () => {
    await put('zeros.mp4', `camera0/${name(1)}`)
    await put('closed.mp4', `camera0/${name(2)}`)
    await writeFile(at('camera0', name(3)), '')
    const { quarantine, files } = make()
    for (const suspect of await quarantine.suspects(undefined, never))
      expect(await quarantine.move(suspect)).to.equal(suspect.name)
    expect((await readdir(at('quarantine'))).sort()).to.deep.equal([name(1), name(3)])
    expect(await readdir(at('camera0'))).to.deep.equal([name(2)])
    expect((await files.list('recordings', all)).files.map((one) => one.name)).to.deep.equal([name(2)])
    const { files: aside, total } = await files.list('recordings', { ...all, quarantined: true })
    expect(aside.map(({ name, bytes, camera, quarantined }) => ({ name, bytes, camera, quarantined }))).to.deep.equal([
      { name: name(3), bytes: 0, camera: 'camera0', quarantined: true },
      { name: name(1), bytes: 50_000, camera: 'camera0', quarantined: true },
    ])
    expect(total).to.equal(2)
    expect(await files.quarantined()).to.deep.equal({ files: 2, bytes: 50_000 })
    const { size } = await stat(at('camera0', name(2)))
    expect((await files.sizes()).recordings).to.equal(50_000 + size)
    expect(await files.find('recordings', name(1))).to.include({ camera: 'camera0', quarantined: true })
    expect(await files.remove('recordings', name(2), { quarantined: true })).to.equal(false)
    expect(await files.remove('recordings', name(1))).to.equal(true)
    expect(await files.remove('recordings', name(3).replace('.mp4', ''), { quarantined: true })).to.equal(true)
    expect(await files.quarantined()).to.deep.equal({ files: 0, bytes: 0 })
  })

  it('never overwrites a file', async () => {
    const { quarantine } = make()
    await mkdir(at('quarantine'))
    await writeFile(at('quarantine', name(1)), 'earlier')
    await put('zeros.mp4', `camera0/${name(1)}`)
    const [suspect] = await quarantine.suspects(undefined, never)
    const other = name(1, '_2.mp4')
    expect(suspect && (await quarantine.move(suspect))).to.equal(other)
    expect(await readFile(at('quarantine', name(1)), 'utf8')).to.equal('earlier')
    expect((await stat(at('quarantine', other))).size).to.equal(50_000)
  })

  it('leaves a file that has changed, is gone, or holds media now', async () => {
    const { quarantine } = make()
    await put('header.mp4', `camera0/${name(1)}`)
    await writeFile(at('camera0', name(2)), '')
    await writeFile(at('camera0', name(3)), '')
    const suspects = await quarantine.suspects(undefined, never)
    await put('open.mp4', `camera0/${name(1)}`)
    await writeFile(at('camera0', name(2)), 'first bytes')
    await rm(at('camera0', name(3)))
    for (const suspect of suspects) expect(await quarantine.move(suspect), suspect.name).to.equal(undefined)
    expect((await readdir(at('camera0'))).sort()).to.deep.equal([name(1), name(2)])
  })

  it('moves nothing out of the folder of the recordings', async () => {
    const { quarantine, files } = make()
    const elsewhere = await mkdtemp(join(tmpdir(), 'elsewhere-'))
    await writeFile(join(elsewhere, name(9)), 'not ours')
    await symlink(elsewhere, at('quarantine'))
    await writeFile(at('camera0', name(1)), '')
    const [suspect] = await quarantine.suspects(undefined, never)
    const failure = await (suspect && quarantine.move(suspect))?.then(
      () => undefined,
      (error: Error) => error.message,
    )
    expect(failure).to.equal('the file cannot be moved aside (ENOTDIR)')
    expect(await readdir(at('camera0'))).to.deep.equal([name(1)])
    expect(await files.list('recordings', { ...all, quarantined: true })).to.deep.equal({ files: [], total: 0 })
    expect(await files.find('recordings', name(9))).to.equal(undefined)
    await rm(elsewhere, { recursive: true })
  })

  it('examines a file that can be played only once', async () => {
    const { quarantine } = make()
    await put('closed.mp4', `camera0/${name(1)}`)
    await utimes(at('camera0', name(1)), 1_700_000_000, 1_700_000_000)
    expect(await quarantine.suspects(undefined, never)).to.deep.equal([])
    // Damage that the file's time does not show is not seen: the file is not read again.
    await writeFile(at('camera0', name(1)), Buffer.alloc(50_000))
    await utimes(at('camera0', name(1)), 1_700_000_000, 1_700_000_000)
    expect(await quarantine.suspects(undefined, never)).to.deep.equal([])
    await utimes(at('camera0', name(1)), 1_700_000_001, 1_700_000_001)
    expect(await quarantine.suspects(undefined, never)).to.have.length(1)
  })
})
