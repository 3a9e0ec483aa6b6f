import { execFileSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { createPictures } from '../../../adapters/ffmpeg/pictures.js'
import { framesToMeasure, settledAfter } from '../../../adapters/ffmpeg/warmUp.js'
import { csi, encoded, fake, folder, log, never, runWith, systemClock, webcam } from './support.js'

describe('the warm-up of a camera', () => {
  for (const [story, brightness, skip] of [
    ['none, if it is bright at once', [120, 121, 119, 120, 120], 0],
    ['until its brightness has settled', [4, 30, 80, 117, 120, 121, 120], 3],
    ['until it has settled from too bright', [240, 200, 140, 100, 99, 100], 3],
    ['all but the last, if it does not settle', [10, 20, 30, 40, 50], 4],
    ['none, if it is dark everywhere', [16, 16, 17, 16], 0],
    ['none, if nothing is known', [], 0],
  ] as const)
    it(`skips ${story}`, () => expect(settledAfter(brightness)).to.equal(skip))

  it('is bounded, for a slow and a fast camera', () =>
    expect([1, 15, 30, 120].map((fps) => framesToMeasure({ fps }))).to.deep.equal([5, 8, 12, 12]))

  describe('of a camera that is dark at first', () => {
    let dir = ''
    let remove = async () => {}
    const at = (...parts: string[]) => join(dir, ...parts)
    /** Frames that become brighter until the third one. */
    const brightening = (format: readonly string[]): Buffer =>
      execFileSync(
        'ffmpeg',
        [
          ...['-v', 'error', '-nostdin', '-f', 'lavfi', '-i', 'color=gray:size=320x180:rate=15'],
          ...['-vf', "eq=eval=frame:brightness='-0.4+0.2*min(n,2)'", '-frames:v', '8', ...format, '-'],
        ],
        { maxBuffer: 1e8 },
      )
    beforeEach(async () => {
      const made = await folder()
      dir = made.dir
      remove = made.remove
      for (const name of ['bin', 'run', 'snapshots']) await mkdir(at(name))
      // Writes all frames for a measurement, else the first one that is not skipped.
      await fake(
        at('bin'),
        'v4l2-ctl',
        `echo "$@" > "${at('asked')}"
for word in "$@"; do case "$word" in --stream-to=*) cp "${at('frames')}" "\${word#--stream-to=}";; esac; done`,
      )
    })
    afterEach(() => remove())

    const pictures = (skipFrames: number | 'auto') =>
      createPictures({
        snapshotsDir: () => at('snapshots'),
        runDir: at('run'),
        reader: {
          keyframe: () => Promise.reject(new Error('the stream does not run')),
          kept: () => undefined,
          address: (name) => `rtsp://h/${name}`,
        },
        pipelines: { still: async () => undefined },
        // The host may be busy.
        limits: { direct: 30_000, ffmpeg: 30_000, stream: 30_000 },
        ...{ clock: systemClock, log, skipFrames, run: runWith(at('bin')) },
      })
    const asked = () => readFile(at('asked'), 'utf8')
    const luma = (file: string): number =>
      execFileSync('ffmpeg', ['-v', 'error', '-i', file, '-f', 'rawvideo', '-pix_fmt', 'gray', '-'])[0] ?? 0

    for (const [fourcc, format] of [
      ['MJPG', ['-c:v', 'mjpeg', '-f', 'mjpeg']],
      ['YUYV', ['-f', 'rawvideo', '-pix_fmt', 'yuyv422']],
    ] as const)
      it(`is measured once, takes the last ${fourcc} frame, and is used then`, async () => {
        await writeFile(at('frames'), brightening(format))
        const { grabDirect } = pictures('auto')
        const first = await grabDirect('camera0', webcam, encoded(fourcc), never)
        expect(await asked()).to.match(/--stream-skip=0 --stream-count=8 /)
        expect(first.skippedFrames).to.equal(7)
        expect(luma(first.file)).to.be.above(110)
        const second = await grabDirect('camera0', webcam, encoded(fourcc), never)
        expect(await asked()).to.match(/--stream-skip=2 --stream-count=1 /)
        expect(second.skippedFrames).to.equal(2)
      })

    it('is measured again for another device', async () => {
      await writeFile(at('frames'), brightening(['-c:v', 'mjpeg', '-f', 'mjpeg']))
      const { grabDirect } = pictures('auto')
      await grabDirect('camera0', webcam, encoded(), never)
      await grabDirect('camera0', { ...webcam, node: '/dev/video43' }, encoded(), never)
      expect(await asked()).to.match(/--stream-count=8 /)
    })

    it('is as long as the configuration says, of the camera first', async () => {
      await writeFile(at('frames'), brightening(['-c:v', 'mjpeg', '-f', 'mjpeg']))
      const { grabDirect } = pictures(9)
      await grabDirect('camera0', webcam, encoded(), never)
      expect(await asked()).to.match(/--stream-skip=9 --stream-count=1 /)
      const { skippedFrames } = await grabDirect('camera0', webcam, encoded(), never, 0)
      expect(skippedFrames).to.equal(0)
      expect(await asked()).to.match(/--stream-skip=0 --stream-count=1 /)
    })

    for (const [kind, device] of [
      ['USB', webcam],
      ['CSI', csi],
    ] as const)
      it(`is measured by ffmpeg, too: ${kind}`, async () => {
        // ffmpeg reads the frames of a file in place of the device.
        await writeFile(at('frames'), brightening(['-c:v', 'mjpeg', '-f', 'mjpeg']))
        const real = execFileSync('sh', ['-c', 'command -v ffmpeg'], { encoding: 'utf8' }).trim()
        await fake(
          at('bin'),
          'ffmpeg',
          `while [ "$1" != /dev/video42 ]; do shift; done; shift
exec ${real} -nostdin -y -v error -f mjpeg -i "${at('frames')}" "$@"`,
        )
        const { grabByFfmpeg } = pictures('auto')
        const first = await grabByFfmpeg('camera0', device, encoded(), never)
        expect([first.skippedFrames, luma(first.file) > 110]).to.deep.equal([7, true])
        expect((await grabByFfmpeg('camera0', device, encoded(), never)).skippedFrames).to.equal(2)
        expect((await grabByFfmpeg('camera0', device, encoded(), never, 1)).skippedFrames).to.equal(1)
      })
  })
})
