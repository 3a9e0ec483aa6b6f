import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import { faultOfPlace, openSaved } from '../../commands/client/saved.js'

describe('a file that is being saved', () => {
  let dir = ''
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'saved-'))
  })
  afterEach(() => rm(dir, { recursive: true }))
  const open = () => openSaved(join(dir, 'a.mp4'), { force: false, output: new PassThrough() })

  it('is not left behind if it is dropped before the system has created it', async () => {
    // It is a race of the system's threads: one in a hundred files was left.
    for (let run = 0; run < 10; run += 1)
      await Promise.all(Array.from({ length: 200 }, async () => (await open()).drop()))
    expect(await readdir(dir)).to.deep.equal([])
  })

  it('has a fault in words if its folder is missing', async () => {
    const { stream, drop } = await openSaved(join(dir, 'none', 'a.mp4'), { force: false, output: new PassThrough() })
    const error = await new Promise((resolve) => stream.once('error', resolve))
    await drop()
    expect(faultOfPlace(error)?.message).to.equal('the file cannot be written (ENOENT): name another one with -o')
    expect(faultOfPlace(new Error('else'))).to.equal(undefined)
  })

  it('is not left behind after its first bytes, nor by a second drop', async () => {
    const saved = await open()
    await new Promise((resolve) => saved.stream.write('media', resolve))
    await saved.drop()
    await saved.drop()
    expect(await readdir(dir)).to.deep.equal([])
  })
})
