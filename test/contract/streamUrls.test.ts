import { expect } from 'chai'
import { ConfigurationError, loadConfiguration } from '../../config/load.js'
import { ServiceError } from '../../machines/domain/errors.js'
import { readStreamUrl } from '../../machines/domain/streamUrl.js'
import {
  type RunningMediaServer,
  realVersion,
  removeFolder,
  startMediaServer,
  temporaryFolder,
} from './mediaServer/servers.js'

/** A URL as somebody writes it → the form that is stored and sent to the media server. */
const accepted: readonly (readonly [given: string, canonical: string])[] = [
  // Unchanged.
  ['rtsp://10.0.0.9/stream', 'rtsp://10.0.0.9/stream'],
  ['rtsp://user:password@10.0.0.9:554/stream', 'rtsp://user:password@10.0.0.9:554/stream'],
  ['rtsps://cam.example:8322/A?b=C', 'rtsps://cam.example:8322/A?b=C'],
  ['rtsp://user:p%40ss%3Aw%2Frd@10.0.0.9', 'rtsp://user:p%40ss%3Aw%2Frd@10.0.0.9'],
  ['rtsp://10.0.0.9/a%20b/c%2Fd', 'rtsp://10.0.0.9/a%20b/c%2Fd'],
  ['rtsp://10.0.0.9/user=u&password=p_channel=1.sdp?real', 'rtsp://10.0.0.9/user=u&password=p_channel=1.sdp?real'],
  ['rtsp://10.0.0.9//a?b?c[1]', 'rtsp://10.0.0.9//a?b?c[1]'],
  ['rtsp://[::1]:8554/x', 'rtsp://[::1]:8554/x'],
  ['rtsp://cam_1.local.:554/x', 'rtsp://cam_1.local.:554/x'],
  // Scheme, host and port.
  ['RTSP://10.0.0.9/Stream', 'rtsp://10.0.0.9/Stream'],
  ['Rtsps://Cam.Example/x', 'rtsps://cam.example/x'],
  ['rtsp://[2001:DB8:0:0::1]/x', 'rtsp://[2001:db8::1]/x'],
  ['rtsp://0x7f.1:8554/x', 'rtsp://127.0.0.1:8554/x'],
  ['rtsp://10.0.0.9:00554/x', 'rtsp://10.0.0.9:554/x'],
  ['rtsp://bücher.example/x', 'rtsp://xn--bcher-kva.example/x'],
  // User and password.
  ['rtsp://:@10.0.0.9/x', 'rtsp://10.0.0.9/x'],
  ['rtsp://user:100%@10.0.0.9/x', 'rtsp://user:100%25@10.0.0.9/x'],
  ['rtsp://user:50%off@10.0.0.9/x', 'rtsp://user:50%25off@10.0.0.9/x'],
  ['rtsp://user:se@cret@10.0.0.9/x', 'rtsp://user:se%40cret@10.0.0.9/x'],
  ['rtsp://user:a:b@10.0.0.9/x', 'rtsp://user:a%3Ab@10.0.0.9/x'],
  ['rtsp://user:a^b{c}d|e`@10.0.0.9/x', 'rtsp://user:a%5Eb%7Bc%7Dd%7Ce%60@10.0.0.9/x'],
  ['rtsp://us"er:<[x]>@10.0.0.9/x', 'rtsp://us%22er:%3C%5Bx%5D%3E@10.0.0.9/x'],
  ["rtsp://user:!$&'()*+,;=@10.0.0.9/x", 'rtsp://user:%21%24%26%27%28%29%2A%2B%2C%3B%3D@10.0.0.9/x'],
  ['rtsp://user:pässwört@10.0.0.9/x', 'rtsp://user:p%C3%A4ssw%C3%B6rt@10.0.0.9/x'],
  ['rtsp://josé:日本😀@10.0.0.9/x', 'rtsp://jos%C3%A9:%E6%97%A5%E6%9C%AC%F0%9F%98%80@10.0.0.9/x'],
  // Path and query.
  ['rtsp://10.0.0.9/Tür', 'rtsp://10.0.0.9/T%C3%BCr'],
  ['rtsp://10.0.0.9/a|b{c}^d"e<f>`g', 'rtsp://10.0.0.9/a%7Cb%7Bc%7D%5Ed%22e%3Cf%3E%60g'],
  ['rtsp://10.0.0.9/100%', 'rtsp://10.0.0.9/100%25'],
  ['rtsp://10.0.0.9/%zz/x', 'rtsp://10.0.0.9/%25zz/x'],
  ['rtsp://10.0.0.9/x?q=ä|{}"<>&r=100%', 'rtsp://10.0.0.9/x?q=%C3%A4%7C%7B%7D%22%3C%3E&r=100%25'],
  ['rtsp://10.0.0.9?x=1', 'rtsp://10.0.0.9?x=1'],
]

/**
 * URLs that this service refuses, and a part of the rule or the hint. MediaMTX refuses some of them; others lead it to
 * another host or leak the query of a reader.
 */
const refused: Record<string, string> = {
  'rtsp://u:12#34@10.0.0.9/x': '%23',
  'rtsp://u:1/2@10.0.0.9': '%2F',
  'rtsp://u:1?2@10.0.0.9': '%3F',
  'rtsp://10.0.0.9/me@x': '%40',
  'rtsp://u:a b@10.0.0.9/x': '%20',
  'rtsp://u:a\\b@10.0.0.9/x': '%5C',
  'rtsp://u:a%b%20c@10.0.0.9/x': '%25',
  'rtsp://10.0.0.9/%20/100%': '%25',
  'rtsp://u@10.0.0.9/x': 'user and a password',
  'rtsp://u:@10.0.0.9/x': 'user and a password',
  'rtsp://:p@10.0.0.9/x': 'user and a password',
  'rtsp:///x': 'contain a host',
  'rtsp://u:p@/x': 'contain a host',
  'rtsp://ca{m/x': 'contain a host',
  'rtsp://10.0.0.9:/x': 'contain a host',
  'rtsp://10.0.0.9:99999/x': 'port from 1',
  'rtsp://10.0.0.9/x?$MTX_QUERY': 'not contain $',
  'http://10.0.0.9/x': 'begin with rtsp',
  'rtsp://10.0.0.9/\ud800': 'unpaired surrogates',
}

const faultOf = (text: string): string => {
  try {
    return `accepted as ${readStreamUrl(text).url}`
  } catch (error) {
    if (error instanceof ServiceError && error.key === 'invalidParams')
      return `${error.data.rule}; ${error.data.suggestion}`
    throw error
  }
}
const camerasWith = (url: string) => ({
  env: { CAMERA_SERVICE_CAMERAS: JSON.stringify([{ name: 'a', source: url }]) },
})

describe('stream URLs', () => {
  it('have one canonical form in the API and in the configuration', () => {
    for (const [given, canonical] of accepted) {
      expect(readStreamUrl(given).url, given).to.equal(canonical)
      expect(readStreamUrl(canonical).url, canonical).to.equal(canonical)
      expect(loadConfiguration(camerasWith(given)).config.cameras[0]?.source, given).to.deep.equal({
        kind: 'rtsp',
        url: canonical,
      })
    }
  })

  for (const [text, words] of Object.entries(refused)) {
    it(`${JSON.stringify(text)} is refused with a hint`, () => {
      expect(faultOf(text)).to.contain(words)
      expect(() => loadConfiguration(camerasWith(text))).to.throw(ConfigurationError)
    })
  }

  describe(`and MediaMTX ${realVersion ?? '(none on PATH)'}`, () => {
    let dir: string
    let server: RunningMediaServer

    before(async function () {
      if (realVersion === undefined) return this.skip()
      dir = await temporaryFolder()
      const paths = Object.fromEntries(
        accepted.map(([given], index) => [
          `camera${index}`,
          { source: readStreamUrl(given).url, sourceOnDemand: true },
        ]),
      )
      server = await startMediaServer({ kind: 'real', dir, paths })
    })
    after(async () => {
      await server?.stop()
      if (dir !== undefined) await removeFolder(dir)
    })

    const add = async (source: string) => {
      const { status } = await server.api('POST', 'config/paths/add/tried', { source, sourceOnDemand: true })
      if (status === 200) await server.api('DELETE', 'config/paths/delete/tried')
      return status
    }

    it('starts with every canonical URL in its configuration file', async () => {
      const { body } = await server.api('GET', 'config/paths/list?itemsPerPage=1000')
      const { items } = body as { items: { name: string; source: string }[] }
      const sources = Object.fromEntries(items.map(({ name, source }) => [name, source]))
      for (const [index, [, canonical]] of accepted.entries()) expect(sources[`camera${index}`]).to.equal(canonical)
    })

    it('accepts every canonical URL by its API', async () => {
      for (const [given] of accepted) expect(await add(readStreamUrl(given).url), given).to.equal(200)
    })

    it('refuses no text that we would send unchanged', async () => {
      const raw = [...accepted.map(([given]) => given), ...Object.keys(refused)]
      const refusedByServer: string[] = []
      for (const text of raw) if ((await add(text)) !== 200) refusedByServer.push(text)
      expect(refusedByServer).to.have.length.greaterThan(15)
      for (const text of refusedByServer) {
        const isEncoded = accepted.some(([given, canonical]) => given === text && canonical !== text)
        expect(isEncoded || text in refused, text).to.equal(true)
      }
    })
  })
})
