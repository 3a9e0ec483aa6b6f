import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import type { Browser } from 'playwright-core'
import { createIndexer } from '../../adapters/files/indexer.js'
import { writeDuration } from '../../adapters/files/writeDuration.js'
import { createFilesHandler } from '../../rpc/http/files.js'
import { describeInBrowser, startBrowser } from '../support/browser.js'
import { createWorld, noon } from './fakes.js'
import { createWeb, fakeRateLimits } from './web.js'

const run = promisify(execFile)
const hour = 3_600
const name = 'camera0_2025-06-01_10-00-00-000000.mp4'
const bound = 2_000_000
/** Bytes per second. */
const throughput = 400_000

/** Writes an hour in parts of 200 ms, like MediaMTX: 30 s of video, 120 times. */
async function recordHour(file: string): Promise<void> {
  const clip = `${file}.clip.mp4`
  const source = 'testsrc=size=320x240:rate=25:duration=30,noise=alls=20:allf=t'
  const rate = ['-b:v', '240k', '-maxrate', '240k', '-bufsize', '240k', '-g', '25']
  const video = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', ...rate]
  await run('ffmpeg', ['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', source, ...video, clip])
  const parts = ['-movflags', '+empty_moov+default_base_moof+skip_trailer', '-frag_duration', '200000']
  await run('ffmpeg', ['-nostdin', '-v', 'error', '-stream_loop', '119', '-i', clip, '-c', 'copy', ...parts, file])
  await rm(clip)
  await writeDuration(file, hour * 1_000)
}

describeInBrowser('a recording of an hour in Chromium', function () {
  this.timeout(240_000)
  const web = createWeb()
  let browser: Browser | undefined
  let folder = ''
  before(async () => {
    browser = await startBrowser()
    folder = await mkdtemp(join(tmpdir(), 'playback-'))
    await recordHour(join(folder, 'hour.mp4'))
  })
  after(async () => {
    await browser?.close()
    await web.end()
    if (folder) await rm(folder, { recursive: true })
  })

  /** Serves a page with a video and the downloads of the service. Returns the URLs of both. */
  async function serve(path: string) {
    const world = createWorld()
    const found = { name, camera: 'camera0', path, bytes: 0, modifiedAt: 0, createdAt: 0 } as const
    const options = world.options({}, { files: { ...world.options().files, find: async () => found } })
    const download = createFilesHandler({ services: options, rateLimits: fakeRateLimits() })
    const { port } = await web.serve(async (request, response) => {
      if (request.url?.startsWith('/files/')) return download(request, response)
      response.writeHead(200, { 'Content-Type': 'text/html' }).end('<link rel=icon href=data:,><video muted></video>')
    })
    const credential = { kind: 'token', id: 'viewer/ann' } as const
    const grant = { subject: `recordings/camera0/${name}`, user: 'ann', expiresAt: noon + 60_000, credential }
    const page = `http://127.0.0.1:${port}/`
    return { page, video: `${page}files/recordings/${name}?camera=camera0&sig=${options.links.sign(grant)}` }
  }

  for (const format of ['fmp4', 'mp4'] as const)
    it(`shows its duration at once, and its middle, within 2 MB (${format})`, async () => {
      const path = join(folder, 'camera0', name)
      await mkdir(join(folder, 'camera0'), { recursive: true })
      await copyFile(join(folder, 'hour.mp4'), path)
      await utimes(path, noon / 1000, noon / 1000)
      const indexer = createIndexer({ dirs: [folder], clock: { now: Date.now }, path: '' })
      const never = new AbortController().signal
      const [file] = await indexer.unindexed(never)
      if (!file) throw new Error('the recording was not found')
      expect(await indexer.index(file, format, never)).to.be.greaterThan(20 * bound)

      const urls = await serve(path)
      const page = await (browser as Browser).newPage()
      const network = await page.context().newCDPSession(page)
      await network.send('Network.enable')
      // Slower than any processor that decodes: otherwise a busy host reads far ahead before it shows a picture.
      const slow = { offline: false, latency: 0, downloadThroughput: throughput, uploadThroughput: throughput }
      await network.send('Network.emulateNetworkConditions', slow)
      let received = 0
      network.on('Network.dataReceived', ({ dataLength }) => {
        received += dataLength
      })
      await page.goto(urls.page)
      received = 0
      const duration = await page.evaluate<number>(
        `new Promise((resolve, reject) => {
          const video = document.querySelector('video')
          video.onloadedmetadata = () => resolve(video.duration)
          video.onerror = () => reject(new Error(video.error.message))
          video.preload = 'metadata'
          video.src = ${JSON.stringify(urls.video)}
        })`,
      )
      expect(duration).to.be.closeTo(hour, 1)
      expect(received, 'bytes until the duration is shown').to.be.within(1, bound)
      const [time, readyState] = await page.evaluate<[number, number]>(
        `new Promise((resolve, reject) => {
          const video = document.querySelector('video')
          video.onseeked = () => resolve([video.currentTime, video.readyState])
          video.onerror = () => reject(new Error(video.error.message))
          video.currentTime = video.duration / 2
        })`,
      )
      expect(time).to.be.closeTo(duration / 2, 0.1)
      // HAVE_CURRENT_DATA: the picture of this time is there.
      expect(readyState).to.be.at.least(2)
      expect(received, 'bytes until the middle is shown').to.be.within(1, bound)
      await page.close()
    })
})
