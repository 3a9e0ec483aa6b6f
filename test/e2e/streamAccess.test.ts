import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { expect } from 'chai'
import { play, watch } from './media.js'
import { describeKinds, type Service, sideBySide, startService, virtual } from './service.js'

interface Urls {
  stream_url: string
  streams: { rtsp: string; hls?: string; webrtc?: string }
  expires_at: string
}

describeKinds('stream access', (kind) => {
  let service: Service
  before(async () => {
    service = await startService({ kind, cameras: ['watched', 'other'].map(virtual) })
  })
  after(() => service?.end())

  const refused = (url: string) =>
    play(url, 1).then(
      () => 'it played',
      (error: Error) => (/401/.test(error.message) ? 'refused' : error.message),
    )
  /** Resolves with the time from the end of the credential to the end of the reader, in ms. */
  const cutAfter = async (url: string, expiresAt: number) => {
    const viewer = watch(url)
    try {
      await service.until('the first frames', () => viewer.frames() > 0)
      await service.until('the viewer is cut', () => !viewer.isRunning())
      return Date.now() - expiresAt
    } finally {
      await viewer.end()
    }
  }
  /** Not before the credential; clocks and rounding may differ by 100 ms. */
  const onTime = (late: number) => expect(late).to.be.at.least(-100)

  sideBySide({
    'plays the URL of get_stream_url, and no changed one': async () => {
      const device = 'camera1'
      const { stream_url } = await service.call<Urls>('get_stream_url', { device })
      expect(await play(stream_url, 5)).to.equal(5)
      const [plain = '', query = ''] = stream_url.split('?')
      expect(await refused(plain)).to.equal('refused')
      expect(await refused(stream_url.replace(device, 'camera0')), 'of another camera').to.equal('refused')
      expect(await refused(`${plain}?${query.slice(0, -4)}AAAA`), 'forged').to.equal('refused')
      expect(service.log.join('\n')).to.not.contain(query.slice(4))
    },

    'ends a reader after a URL of 5 s': async () => {
      const device = 'camera0'
      await service.call('start_streaming', { device })
      const { stream_url, expires_at } = await service.call<Urls>('get_stream_url', { device, expires_in: 5 })
      onTime(await cutAfter(stream_url, Date.parse(expires_at)))
      expect(await refused(stream_url)).to.equal('refused')
    },

    'ends a reader after the 5 s token of its client': async () => {
      const device = 'camera0'
      const caller = await service.client('viewer')
      await caller.call('authenticate', { auth_token: await service.token('viewer', 5_000) })
      const { stream_url, expires_at } = await caller.call<Urls>('get_stream_url', { device })
      onTime(await cutAfter(stream_url, Date.parse(expires_at)))
    },

    'refuses a publisher with the password from the command line of ffmpeg': async () => {
      const device = 'camera1'
      const { stream_url } = await service.call<Urls>('get_stream_url', { device })
      await play(stream_url, 5)
      const shown = new RegExp(`rtsp://[^\\s@]+@127\\.0\\.0\\.1:${service.ports.rtsp}/${device}(?=\\s|$)`)
      const url = await service.until('its command line', async () => shown.exec(await commandLines())?.[0])
      expect(await failureOf(url)).to.match(/401/)
      expect(await failureOf(url.replace(device, 'camera0')), 'of another camera').to.match(/401/)
      expect(service.log.join('\n')).to.contain('no_new_pipeline').and.not.contain(new URL(url).password)
    },

    'refuses other publishers and other users of the API': async () => {
      const { rtsp, api } = service.ports
      expect(await failureOf(`rtsp://127.0.0.1:${rtsp}/camera1`)).to.match(/401/)
      expect((await fetch(`http://127.0.0.1:${api}/v3/paths/list`)).status).to.equal(401)
      expect(
        (await fetch(`http://127.0.0.1:${api}/v3/config/paths/delete/camera0`, { method: 'DELETE' })).status,
      ).to.equal(401)
    },

    ...(kind === 'managed' && {
      'serves HLS to a signed URL until its end': async () => {
        const { streams, expires_at } = await service.call<Urls>('get_stream_url', { device: 'camera0', expires_in: 5 })
        const index = streams.hls ?? ''
        const variants = await (await fetch(index)).text()
        const playlist = new URL(variants.split('\n').find((line) => line.includes('.m3u8')) ?? '', index)
        expect((await fetch(playlist)).status).to.equal(200)
        await service.until('the playlist is refused', async () => (await fetch(playlist)).status === 401)
        onTime(Date.now() - Date.parse(expires_at))
        expect((await fetch(index)).status).to.equal(401)
        expect((await fetch(`http://127.0.0.1:${service.ports.hls}/camera0/index.m3u8`)).status).to.equal(401)
      },
    }),
  })
})

/** Publishes to a URL. Resolves with the error of ffmpeg. */
const failureOf = (url: string): Promise<string> => {
  const source = '-v error -nostdin -re -f lavfi -i testsrc=size=160x120:rate=5 -t 3 -c:v libx264'
  const parameters = `${source} -pix_fmt yuv420p -f rtsp -rtsp_transport tcp`.split(' ')
  return new Promise((resolve) =>
    execFile('ffmpeg', [...parameters, url], { timeout: 10_000 }, (error) => resolve(error?.message ?? 'it was taken')),
  )
}

/** Resolves with the command lines of all processes, one a line, like `ps`. */
const commandLines = async (): Promise<string> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return lines.map((line) => line.replaceAll('\0', ' ')).join('\n')
}
