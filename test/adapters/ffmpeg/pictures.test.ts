import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { pictureSize } from '../../../adapters/ffmpeg/jpeg.js'
import { createPictures, type PicturesOptions } from '../../../adapters/ffmpeg/pictures.js'
import { quantiser } from '../../../adapters/ffmpeg/savePicture.js'
import type { CameraId } from '../../../machines/domain/camera.js'
import type { Picture, PictureOptions } from '../../../machines/domain/ports.js'
import {
  copied,
  demo,
  encoded,
  failure,
  fake,
  filesIn,
  folder,
  log,
  never,
  runWith,
  systemClock,
  until,
  webcam,
} from './support.js'

const asked: PictureOptions = { format: 'jpg', quality: 90 }
const instant = Date.UTC(2026, 0, 2, 3, 4, 5, 6)
const busy = 'device_busy: the device is busy: another program uses it'
const address = (name: string) => `rtsp://127.0.0.1/${name}`
const gone = 'device_gone: the device is gone'

/** Width, height and shape of the pixels, as a viewer takes them. */
const shapeOf = (file: string) => {
  const entries = 'stream=width,height,sample_aspect_ratio'
  return promisify(execFile)('ffprobe', ['-v', 'error', '-show_entries', entries, '-of', 'csv=p=0', file])
}

describe('pictures', () => {
  let dir = ''
  let remove = async () => {}
  const at = (...parts: string[]) => join(dir, ...parts)

  beforeEach(async () => {
    const made = await folder()
    dir = made.dir
    remove = made.remove
    for (const name of ['bin', 'run', 'snapshots']) await mkdir(at(name))
  })
  afterEach(() => remove())

  const pictures = (options: Partial<PicturesOptions> = {}) =>
    createPictures({
      snapshotsDir: (camera) => at('snapshots', camera),
      runDir: at('run'),
      reader: { keyframe: () => Promise.reject(new Error('the stream does not run')), kept: () => undefined, address },
      pipelines: { still: async () => undefined },
      clock: systemClock,
      log,
      // The host may be busy.
      limits: { direct: 30_000, ffmpeg: 30_000, stream: 30_000 },
      run: runWith(at('bin')),
      ...options,
    })

  /** Installs a fake v4l2-ctl that writes `frame`. */
  const giving = async (frame: Uint8Array) => {
    await writeFile(at('frame'), frame)
    await fake(at('bin'), 'v4l2-ctl', `echo "$@" > "${at('asked')}"\n${forOutput(`cp "${at('frame')}"`)}`)
  }
  const holdLock = async () => {
    const holder = spawn('flock', ['--no-fork', at('run', 'camera0.lock'), 'sh', '-c', 'echo held; exec sleep 60'])
    await once(holder.stdout, 'data')
    return async () => {
      holder.kill()
      await once(holder, 'exit')
    }
  }

  describe('tier 0', () => {
    it('captures a frame from V4L2 and skips dark ones', async () => {
      await giving(image())
      const { file } = await pictures().grabDirect('camera0', webcam, encoded(), never)
      expect(await readFile(file)).to.deep.equal(image())
      expect(await readFile(at('asked'), 'utf8')).to.match(
        new RegExp(
          '^-d /dev/video42 --set-fmt-video=width=320,height=180,pixelformat=MJPG ' +
            '--stream-mmap=2 --stream-skip=4 --stream-count=1 --stream-to=',
        ),
      )
      expect(await filesIn(at('run'))).to.have.length(2)
    })

    it('adds the Huffman tables to a frame without them', async () => {
      const whole = image('-huffman', 'default')
      const tables = whole.indexOf(Buffer.from('ffc4', 'hex'))
      await giving(Buffer.concat([whole.subarray(0, tables), whole.subarray(tables + 420)]))
      const { file } = await pictures().grabDirect('camera0', webcam, encoded(), never)
      expect((await readFile(file)).length).to.equal(whole.length)
    })

    for (const [fourcc, pixels] of [
      ['YUYV', 'yuyv422'],
      ['NV12', 'nv12'],
      ['YU12', 'yuv420p'],
      ['GREY', 'gray'],
      ['NV24', 'nv24'],
      ['P010', 'p010le'],
      ['Y16', 'gray16le'],
      ['RGBP', 'rgb565le'],
    ] as const)
      it(`converts ${fourcc} to JPEG`, async () => {
        await giving(ffmpeg('-pix_fmt', pixels, '-f', 'rawvideo'))
        const { file } = await pictures().grabDirect('camera0', webcam, encoded(fourcc), never)
        expect(pictureSize(await readFile(file))).to.deep.equal({ width: 320, height: 180 })
      })

    it('rejects with device_busy although v4l2-ctl exits with 0', async () => {
      await fake(at('bin'), 'v4l2-ctl', 'echo "\t\tVIDIOC_REQBUFS returned -1 (Device or resource busy)"')
      expect(await failure(pictures().grabDirect('camera0', webcam, encoded(), never))).to.equal(busy)
    })

    it('rejects at once while the stream holds the device lock', async () => {
      await giving(image())
      const release = await holdLock()
      expect(await failure(pictures().grabDirect('camera0', webcam, encoded(), never))).to.equal(busy)
      expect(await failure(pictures().grabByFfmpeg('camera0', demo, encoded(), never))).to.equal(busy)
      await release()
    })

    it('rejects with the reason if there is no picture', async () => {
      const grab = () => failure(pictures().grabDirect('camera0', webcam, encoded('YUYV'), never))
      await fake(at('bin'), 'v4l2-ctl', 'echo "Cannot open device /dev/video42, exiting." >&2; exit 1')
      expect(await grab()).to.equal(gone)
      await fake(at('bin'), 'v4l2-ctl', 'exit 0')
      expect(await grab()).to.equal('no_frames: the device delivered no frame')
      await giving(Buffer.alloc(100))
      expect(await grab()).to.equal('no_picture: the device delivered a broken frame')
      expect(await failure(pictures().grabDirect('camera0', demo, encoded(), never))).to.equal(
        'not_a_usb_camera: this is not a USB camera',
      )
    })

    it('leaves no process and no file if the device hangs', async () => {
      await fake(at('bin'), 'v4l2-ctl', `echo $$ > "${at('pid')}"\n${forOutput(': >')}\nexec sleep 60`)
      const limits = { direct: 300, ffmpeg: 300, stream: 300 }
      expect(await failure(pictures({ limits }).grabDirect('camera0', webcam, encoded(), never))).to.equal(
        'timed_out: timed out after 0.3 s',
      )
      const pid = Number(await readFile(at('pid'), 'utf8'))
      expect(() => process.kill(pid, 0)).to.throw('ESRCH')
      expect(await filesIn(at('run'))).to.deep.equal(['camera0.lock'])
    })

    it('uses the MJPEG format of an H.264 camera, and rejects if it has none', async () => {
      await giving(image())
      const sizes = [{ width: 320, height: 180, rates: [15] }]
      const both = ['H264', 'MJPG'].map((fourcc) => ({ fourcc, description: '', sizes }))
      const probe = { capabilities: async () => ({ formats: both }) }
      await pictures({ probe }).grabDirect('camera0', webcam, copied, never)
      expect(await readFile(at('asked'), 'utf8')).to.match(/pixelformat=MJPG/)
      expect(await failure(pictures().grabDirect('camera0', webcam, copied, never))).to.equal(
        'format_not_offered: the camera offers H.264 only, which has no still pictures',
      )
    })

    it('asks an H.264 camera for its formats once each time it is plugged in', async () => {
      await giving(image())
      const sizes = [{ width: 320, height: 180, rates: [15] }]
      let asked = 0
      const capabilities = async () => {
        asked += 1
        return { formats: [{ fourcc: asked === 1 ? 'MJPG' : 'YUYV', description: '', sizes }] }
      }
      const { grabDirect } = pictures({ probe: { capabilities } })
      for (const plug of ['7', '7', '8'])
        await grabDirect('camera0', { ...webcam, plug }, copied, never).catch(() => {})
      expect(asked).to.equal(2)
      expect(await readFile(at('asked'), 'utf8')).to.match(/pixelformat=YUYV/)
    })
  })

  describe('tier 1', () => {
    it('captures the test pattern of a virtual camera', async () => {
      const { file } = await pictures().grabByFfmpeg('camera0', demo, encoded(), never)
      expect(pictureSize(await readFile(file))).to.deep.equal({ width: 320, height: 180 })
    })

    for (const [fourcc, frames] of [
      ['YVYU', ['-pix_fmt', 'yuyv422', '-f', 'rawvideo']],
      ['NV24', ['-pix_fmt', 'nv24', '-f', 'rawvideo']],
      ['P010', ['-pix_fmt', 'p010le', '-f', 'rawvideo']],
      ['HEVC', ['-c:v', 'libx265', '-x265-params', 'log-level=none', '-pix_fmt', 'yuv420p', '-f', 'hevc']],
    ] as const)
      it(`captures ${fourcc}, which ffmpeg cannot read from the device, with v4l2-ctl`, async () => {
        await giving(ffmpeg(...frames))
        const { file, skippedFrames } = await pictures().grabByFfmpeg('camera0', webcam, encoded(fourcc), never)
        expect(pictureSize(await readFile(file))).to.deep.equal({ width: 320, height: 180 })
        expect(skippedFrames).to.equal(fourcc === 'HEVC' ? 0 : 4)
        expect(await readFile(at('asked'), 'utf8')).to.contain(`pixelformat=${fourcc} --set-parm=15 --stream-mmap=4`)
        expect(await filesIn(at('run'))).to.have.length(2)
      })

    it('measures how long such a camera is dark, and takes the last frame', async () => {
      await giving(Buffer.concat(Array.from({ length: 6 }, () => ffmpeg('-pix_fmt', 'yuyv422', '-f', 'rawvideo'))))
      const taken = await pictures({ skipFrames: 'auto' }).grabByFfmpeg('camera0', webcam, encoded('YVYU'), never)
      expect(taken.skippedFrames).to.equal(5)
      expect(await readFile(at('asked'), 'utf8')).to.contain('--stream-skip=0 --stream-count=8')
    })

    it('captures such a format from the node that has it', async () => {
      await giving(ffmpeg('-pix_fmt', 'yuyv422', '-f', 'rawvideo'))
      const pipeline = encoded('YVYU')
      const other = { ...pipeline, mode: { ...pipeline.mode, node: '/dev/video43' } }
      await pictures().grabByFfmpeg('camera0', webcam, other, never)
      expect(await readFile(at('asked'), 'utf8')).to.match(/^-d \/dev\/video43 /)
    })

    it('rejects with the reason if such a device is busy, hangs or sends nothing', async () => {
      const grab = (options: Partial<PicturesOptions> = {}) =>
        failure(pictures(options).grabByFfmpeg('camera0', webcam, encoded('YVYU'), never))
      await fake(at('bin'), 'v4l2-ctl', 'echo "\t\tVIDIOC_REQBUFS returned -1 (Device or resource busy)"')
      expect(await grab()).to.equal(busy)
      await fake(at('bin'), 'v4l2-ctl', 'exit 0')
      expect(await grab()).to.equal('no_frames: the device delivered no frame')
      await fake(at('bin'), 'v4l2-ctl', `echo $$ > "${at('pid')}"\n${forOutput(': >')}\nexec sleep 60`)
      expect(await grab({ limits: { direct: 300, ffmpeg: 300, stream: 300 } })).to.equal(
        'timed_out: timed out after 0.3 s',
      )
      const pid = Number(await readFile(at('pid'), 'utf8'))
      expect(() => process.kill(pid, 0)).to.throw('ESRCH')
      expect(await filesIn(at('run'))).to.deep.equal(['camera0.lock'])
    })

    it('rejects with the reason that ffmpeg wrote', async () => {
      expect(await failure(pictures().grabByFfmpeg('camera0', webcam, encoded(), never))).to.equal(gone)
      expect(await filesIn(at('run'))).to.deep.equal(['camera0.lock'])
    })

    it('kills ffmpeg on abort', async () => {
      await fake(at('bin'), 'ffmpeg', `echo $$ > "${at('pid')}"\nexec sleep 60`)
      const ended = new AbortController()
      const failed = failure(pictures().grabByFfmpeg('camera0', webcam, encoded(), ended.signal))
      const pid = await until(
        'ffmpeg',
        async () => Number(await readFile(at('pid'), 'utf8').catch(() => '')) || undefined,
      )
      ended.abort(new Error('unplugged'))
      expect(await failed).to.equal('unplugged')
      expect(() => process.kill(pid, 0)).to.throw('ESRCH')
    })
  })

  describe('from the stream', () => {
    const keyframe = () =>
      ffmpeg('-c:v', 'libx264', '-preset', 'ultrafast', '-profile:v', 'baseline', '-pix_fmt', 'yuv420p', '-f', 'h264')

    it('copies the still of the pipeline if it is not too old', async () => {
      await writeFile(at('run', 'camera0.jpg'), image())
      const still = { file: at('run', 'camera0.jpg'), capturedAt: Date.now() - 500 }
      const { file, capturedAt } = await pictures({ pipelines: { still: async () => still } }).grabFromStream(
        'camera0',
        1_000,
        never,
      )
      expect([capturedAt, await readFile(file)]).to.deep.equal([still.capturedAt, image()])
      expect(file).to.not.equal(still.file)
    })

    it('waits for a keyframe if the still is too old', async () => {
      const still = { file: at('run', 'camera0.jpg'), capturedAt: Date.now() - 2_000 }
      const begun = Date.now()
      const { file, capturedAt } = await pictures({
        pipelines: { still: async () => still },
        reader: { keyframe: async () => keyframe(), kept: () => undefined, address },
      }).grabFromStream('camera0', 1_000, never)
      expect(pictureSize(await readFile(file))).to.deep.equal({ width: 320, height: 180 })
      expect(capturedAt).to.be.at.least(begun)
    })

    it('decodes the kept keyframe if it is not too old', async () => {
      const asked: string[] = []
      const begun = Date.now()
      const reader = {
        keyframe: async () => {
          asked.push('the next keyframe')
          return keyframe()
        },
        kept: () => ({ picture: keyframe(), codec: 'h264', age: 40_000 }) as const,
        address,
      }
      const { file, capturedAt } = await pictures({ reader }).grabFromStream('camera0', 40_000, never)
      expect(pictureSize(await readFile(file))).to.deep.equal({ width: 320, height: 180 })
      expect(capturedAt).to.be.within(begun - 40_000, Date.now() - 40_000)
      expect(asked).to.deep.equal([])
      await pictures({ reader }).grabFromStream('camera0', 39_999, never)
      expect(asked).to.deep.equal(['the next keyframe'])
    })

    it('waits for the next keyframe if the kept one is broken', async () => {
      const kept = () => ({ picture: Buffer.from('broken'), codec: 'h264', age: 0 }) as const
      const begun = Date.now()
      const { file, capturedAt } = await pictures({
        reader: { keyframe: async () => keyframe(), kept, address },
      }).grabFromStream('camera0', 40_000, never)
      expect(pictureSize(await readFile(file))).to.deep.equal({ width: 320, height: 180 })
      expect(capturedAt).to.be.at.least(begun)
      expect(await filesIn(at('run'))).to.have.length(1)
    })

    for (const [aspect, size] of [
      ['16/11', { width: 465, height: 180 }],
      ['1/2', { width: 320, height: 360 }],
    ] as const)
      it(`gives square pixels to a stream whose pixels are ${aspect}`, async () => {
        const anamorphic = () =>
          ffmpeg(
            '-vf',
            `setsar=${aspect}`,
            '-c:v',
            'libx264',
            '-preset',
            'ultrafast',
            '-pix_fmt',
            'yuv420p',
            '-f',
            'h264',
          )
        const { file } = await pictures({
          reader: { keyframe: async () => anamorphic(), kept: () => undefined, address },
        }).grabFromStream('camera0', 0, never)
        expect(pictureSize(await readFile(file))).to.deep.equal(size)
        const { width, height } = size
        expect((await shapeOf(file)).stdout.trim()).to.equal(`${width},${height},1:1`)
      })

    it('rejects with the error of the reader and leaves no file', async () => {
      expect(await failure(pictures().grabFromStream('camera0', 0, never))).to.equal('the stream does not run')
      expect(await filesIn(at('run'))).to.deep.equal([])
    })

    it('aborts the reader after the time limit', async () => {
      let released = false
      const waiting = (_: string, signal: AbortSignal) =>
        new Promise<Uint8Array>((_, reject) => {
          signal.addEventListener('abort', () => {
            released = true
            reject(signal.reason)
          })
        })
      const limits = { direct: 100, ffmpeg: 100, stream: 100 }
      expect(
        await failure(
          pictures({ reader: { keyframe: waiting, kept: () => undefined, address }, limits }).grabFromStream(
            'camera0',
            0,
            never,
          ),
        ),
      ).to.equal('timed_out: timed out after 0.1 s')
      expect(released).to.equal(true)
    })
  })

  describe('save', () => {
    const captured = async (bytes: Uint8Array = image()): Promise<Picture> => {
      await writeFile(at('run', 'captured.jpg'), bytes)
      return { file: at('run', 'captured.jpg'), capturedAt: instant }
    }
    const saved = () => filesIn(at('snapshots', 'camera0'))

    it('moves a picture that needs no conversion, without other files', async () => {
      expect(await pictures().save('camera0', await captured(), asked, never)).to.deep.equal({
        filename: 'camera0_2026-01-02_03-04-05-006.jpg',
        file: at('snapshots', 'camera0', 'camera0_2026-01-02_03-04-05-006.jpg'),
        bytes: image().length,
        width: 320,
        height: 180,
      })
      expect([await filesIn(at('run')), await saved()]).to.deep.equal([[], ['camera0_2026-01-02_03-04-05-006.jpg']])
    })

    it('keeps the picture for another caller, which gets the next name', async () => {
      const ways = pictures()
      const picture = await captured()
      await ways.save('camera0', picture, asked, never, { keep: true })
      await ways.save('camera0', picture, asked, never)
      expect(await saved()).to.deep.equal([
        'camera0_2026-01-02_03-04-05-006.jpg',
        'camera0_2026-01-02_03-04-05-007.jpg',
      ])
      expect(await filesIn(at('run'))).to.deep.equal([])
    })

    it('writes a still to the run folder', async () => {
      const ways = pictures()
      const picture = await captured()
      const first = await ways.save('camera0', picture, { ...asked, fleeting: true }, never, { keep: true })
      const second = await ways.save('camera0', picture, { ...asked, fleeting: true, width: 160 }, never)
      expect([first.width, second.width]).to.deep.equal([320, 160])
      expect(await filesIn(at('run'))).to.have.members([first.filename, second.filename])
      expect(await filesIn(at('snapshots'))).to.deep.equal([])
    })

    for (const [story, wish, size] of [
      ['keeps the proportions when the width is given', { width: 160 }, { width: 160, height: 90 }],
      ['keeps the proportions when the height is given', { height: 90 }, { width: 160, height: 90 }],
      ['fits the picture into the given width and height', { width: 100, height: 100 }, { width: 100, height: 56 }],
      ['fits the picture into a flat frame', { width: 320, height: 45 }, { width: 80, height: 45 }],
      ['never makes it larger by width', { width: 640 }, { width: 320, height: 180 }],
      ['never makes it larger by height', { height: 4320 }, { width: 320, height: 180 }],
      ['never makes it larger by both', { width: 7680, height: 4320, format: 'png' }, { width: 320, height: 180 }],
      ['makes it smaller if one side is', { width: 7680, height: 90 }, { width: 160, height: 90 }],
      ['leaves at least a pixel', { width: 16, height: 1 }, { width: 2, height: 1 }],
      ['writes PNG', { format: 'png' }, { width: 320, height: 180 }],
    ] as const)
      it(story, async () => {
        const { width, height, file } = await pictures().save('camera0', await captured(), { ...asked, ...wish }, never)
        expect({ width, height }).to.deep.equal(size)
        expect(pictureSize(await readFile(file))).to.deep.equal(size)
      })

    it('encodes again only for a lower quality', async () => {
      const bytes = async (quality: number) =>
        (await pictures().save('camera0', await captured(), { ...asked, quality }, never)).bytes
      expect(await bytes(100)).to.equal(image().length)
      expect(await bytes(20)).to.be.below(image().length * 0.8)
    })

    it('gives the next free name to a picture whose name is taken, and never replaces a snapshot', async () => {
      const wish = { ...asked, filename: 'yard' }
      await pictures().save('camera0', await captured(), wish, never)
      const before = await stat(at('snapshots', 'camera0', 'yard.jpg'))
      const again = await pictures().save('camera0', await captured(), { ...wish, quality: 10 }, never)
      const asPng = await pictures().save('camera0', await captured(), { ...wish, format: 'png' }, never)
      expect([again.filename, asPng.filename]).to.deep.equal(['yard-2.jpg', 'yard-3.png'])
      expect((await stat(at('snapshots', 'camera0', 'yard.jpg'))).mtimeMs).to.equal(before.mtimeMs)
      expect([await saved(), await filesIn(at('run'))]).to.deep.equal([['yard-2.jpg', 'yard-3.png', 'yard.jpg'], []])
    })

    it('assigns a name to one camera only, because clients find files by name', async () => {
      const ways = pictures()
      const wish = { ...asked, filename: 'tw' }
      await ways.save('camera0', await captured(), wish, never)
      await ways.save('camera1', await captured(), wish, never)
      await ways.save('camera1', await captured(), { ...wish, format: 'png' }, never)
      expect(await filesIn(at('snapshots', 'camera1'))).to.deep.equal(['tw-2.jpg', 'tw-3.png'])
    })

    it('assigns a name to only one of several cameras that request it at once', async () => {
      const ways = pictures()
      const picture = await captured()
      const cameras = ['camera0', 'camera1', 'camera2', 'camera3'] as const
      const saves = await Promise.all(
        cameras.map((camera) => ways.save(camera, picture, { ...asked, filename: 'tw' }, never, { keep: true })),
      )
      const names = saves.map(({ filename }) => filename).sort()
      expect([new Set(names).size, names.at(-1)]).to.deep.equal([4, 'tw.jpg'])
      const files = (await Promise.all(cameras.map((camera) => filesIn(at('snapshots', camera))))).flat()
      expect(files.sort()).to.deep.equal(names)
    })

    it('leaves the names that the pictures of another camera get by themselves to that camera', async () => {
      const picture = await captured()
      const save = async (camera: CameraId, wish: Partial<PictureOptions>) =>
        (await pictures().save(camera, picture, { ...asked, ...wish }, never, { keep: true })).filename
      const [stem = ''] = (await save('camera1', {})).split('.')
      const free = stem.replace('camera1_', 'camera2_')
      expect(await save('camera0', { filename: stem })).to.equal(`${stem}-2.jpg`)
      expect(await save('camera0', { filename: free })).to.equal(`${free}-2.jpg`)
      expect(await save('camera2', { filename: free })).to.equal(`${free}.jpg`)
      expect(await save('camera1', { format: 'png' })).not.to.equal(`${stem}.png`)
    })

    it('shortens a name that is too long for its number', async () => {
      const wish = { ...asked, filename: 'x'.repeat(251) }
      await pictures().save('camera0', await captured(), wish, never)
      const { filename } = await pictures().save('camera1', await captured(), wish, never)
      expect(filename).to.equal(`${'x'.repeat(249)}-2.jpg`)
    })

    it('keeps the proportions in a frame, unless the picture is to fill it', async () => {
      const frame = { ...asked, width: 100, height: 100 }
      const { width, height } = await pictures().save('camera0', await captured(), frame, never)
      expect({ width, height }).to.deep.equal({ width: 100, height: 56 })
      const filled = await pictures().save('camera0', await captured(), { ...frame, fit: 'fill' }, never)
      expect(filled).to.include({ width: 100, height: 100 })
      const { stdout } = await shapeOf(filled.file)
      expect(stdout.trim()).to.equal('100,100,1:1')
    })

    it('does not reveal a path if the folder cannot be created', async () => {
      await writeFile(at('snapshots', 'camera0'), '')
      const error = await failure(captured().then((picture) => pictures().save('camera0', picture, asked, never)))
      expect(error).to.equal('not_written: the picture could not be written (EEXIST)')
    })

    it('removes the temporary files of a killed service, once', async () => {
      await mkdir(at('snapshots', 'camera0'))
      for (const name of ['.picture-1.jpg', 'kept.jpg']) await writeFile(at('snapshots', 'camera0', name), '')
      await pictures().save('camera0', await captured(), asked, never)
      expect(await saved()).to.deep.equal(['camera0_2026-01-02_03-04-05-006.jpg', 'kept.jpg'])
    })

    it('rejects a broken picture and leaves no file', async () => {
      expect(
        await failure(
          captured(Buffer.from('noise')).then((picture) => pictures().save('camera0', picture, asked, never)),
        ),
      ).to.equal('no_picture: the captured picture is broken')
      expect([await saved(), await filesIn(at('run'))]).to.deep.equal([[], []])
    })

    it('leaves no file and no process after an abort', async () => {
      await fake(at('bin'), 'ffmpeg', `echo $$ > "${at('pid')}"\nexec sleep 60`)
      const ended = new AbortController()
      const failed = failure(
        captured().then((picture) => pictures().save('camera0', picture, { ...asked, width: 100 }, ended.signal)),
      )
      const pid = await until(
        'ffmpeg',
        async () => Number(await readFile(at('pid'), 'utf8').catch(() => '')) || undefined,
      )
      ended.abort(new Error('service stopping'))
      expect(await failed).to.equal('service stopping')
      expect(() => process.kill(pid, 0)).to.throw('ESRCH')
      expect([await saved(), await filesIn(at('run'))]).to.deep.equal([[], []])
    })

    it('maps quality to the scale of ffmpeg', () =>
      expect([1, 50, 100, 0, 1e9].map(quantiser)).to.deep.equal([31, 17, 2, 31, 2]))
  })
})

/** Returns a shell line that runs a command with the output file of v4l2-ctl as its last argument. */
const forOutput = (command: string): string =>
  `for arg; do case "$arg" in --stream-to=*) ${command} "\${arg#--stream-to=}";; esac; done`

function ffmpeg(...output: string[]): Buffer {
  const input = ['-v', 'error', '-nostdin', '-f', 'lavfi', '-i', 'testsrc2=size=320x180']
  return execFileSync('ffmpeg', [...input, '-frames:v', '1', ...output, '-'], { maxBuffer: 1e8 })
}

const made = new Map<string, Buffer>()
/** Returns a JPEG like those of the still tap. */
function image(...args: string[]): Buffer {
  const key = args.join(' ')
  const bytes = made.get(key) ?? ffmpeg('-c:v', 'mjpeg', '-q:v', '4', ...args, '-f', 'image2pipe')
  made.set(key, bytes)
  return bytes
}
