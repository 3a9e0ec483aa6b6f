import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { pictureSize } from '../../../adapters/ffmpeg/jpeg.js'
import { type Run, run } from '../../../adapters/ffmpeg/run.js'
import { createThumbnails } from '../../../adapters/ffmpeg/thumbnails.js'
import type { Failure } from '../../../machines/domain/reason.js'
import { later } from '../../support/later.js'

describe('thumbnails', () => {
  let dir: string
  let runs: string[]
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'thumbnails-'))
    runs = []
  })
  afterEach(() => rm(dir, { recursive: true }))

  const counted: Run = (command, args, options) => {
    runs.push(args.join(' '))
    return run(command, args, options)
  }
  const film = async (): Promise<string> => {
    const path = join(dir, 'film.mp4')
    const pattern = ['-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=10', '-t', '0.5', '-pix_fmt', 'yuv420p']
    await run('ffmpeg', ['-loglevel', 'error', ...pattern, '-c:v', 'libx264', '-preset', 'ultrafast', path])
    return path
  }
  const codeOf = (promise: Promise<unknown>) =>
    promise.then(
      () => 'it was made',
      (error: Failure) => error.code,
    )

  it('are small pictures of the first keyframe, and are made once', async () => {
    const thumbnails = createThumbnails({ runDir: dir, run: counted })
    const path = await film()
    const both = await Promise.all([thumbnails.of({ path, createdAt: 1 }), thumbnails.of({ path, createdAt: 1 })])
    const again = await thumbnails.of({ path, createdAt: 1 })
    expect(pictureSize(again)).to.deep.equal({ width: 320, height: 180 })
    expect(both[0].equals(again)).to.equal(true)
    expect(runs).to.have.length(1)
    await thumbnails.of({ path, createdAt: 2 })
    expect(runs).to.have.length(2)
    expect(await readdir(dir)).to.deep.equal(['film.mp4'])
  })

  it('of a file without a picture fail, leave nothing behind, and are tried again', async () => {
    const thumbnails = createThumbnails({ runDir: dir, run: counted })
    const path = join(dir, 'empty.mp4')
    await writeFile(path, '')
    expect(await codeOf(thumbnails.of({ path, createdAt: 1 }))).not.to.equal('it was made')
    await codeOf(thumbnails.of({ path, createdAt: 1 }))
    expect(runs).to.have.length(2)
    expect(await readdir(dir)).to.deep.equal(['empty.mp4'])
  })

  it('are aborted when the service stops', async () => {
    const thumbnails = createThumbnails({ runDir: dir, run: counted })
    const path = await film()
    const made = codeOf(thumbnails.of({ path, createdAt: 1 }))
    thumbnails.close()
    expect(await made).to.equal('service_stopping')
    expect(await codeOf(thumbnails.of({ path, createdAt: 2 }))).to.equal('service_stopping')
    expect(await readdir(dir)).to.deep.equal(['film.mp4'])
  })

  it('are made two at a time, and refused when too many wait', async () => {
    const open: ReturnType<typeof later<never>>[] = []
    const slow: Run = () => {
      const one = later<never>()
      open.push(one)
      return one.promise
    }
    const thumbnails = createThumbnails({ runDir: dir, run: slow })
    const all = Array.from({ length: 203 }, (_, createdAt) => codeOf(thumbnails.of({ path: 'a.mp4', createdAt })))
    expect(await all.at(-1)).to.equal('limit_reached')
    expect(open).to.have.length(2)
  })
})
