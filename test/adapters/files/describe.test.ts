import { appendFile, mkdtemp, readFile, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { describeRecording } from '../../../adapters/files/describe.js'
import { look } from '../../../adapters/files/mediaFiles.js'
import { closed } from './media.js'

describe('describing a recording', () => {
  let dir = ''
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'describe-'))
  })
  after(() => rm(dir, { recursive: true }))

  it('returns the size of the closed file, also if its last part was written after the first look', async () => {
    const path = join(dir, 'camera0.mp4')
    await closed(path, 2)
    const whole = await readFile(path)
    await truncate(path, whole.length - 10_000)
    const file = await look(path, 'camera0.mp4', 'camera0')
    await appendFile(path, whole.subarray(whole.length - 10_000))
    const described = file && (await describeRecording(file))
    expect(described).to.deep.include({ bytes: whole.length, duration: 2000, complete: true })
    expect(described?.modifiedAt).to.equal(Math.round((await stat(path)).mtimeMs))
  })
})
