import { expect } from 'chai'
import { parse } from 'yaml'
import { configurationText } from '../../adapters/mediamtx/configurationFile.js'
import { MEDIAMTX_VERSION } from '../../adapters/mediamtx/download.js'
import { pathBody } from '../../adapters/mediamtx/pathBody.js'
import { isReasonCode } from '../../machines/domain/reason.js'
import { column, pageText } from './markdown.js'

const page = pageText('docs/mediamtx.md')
const codeIn = (cells: string[]): string[] =>
  cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, word = '']) => word))

const pathDefaults = {
  closeAfter: 1,
  startTimeout: 1,
  partDuration: 1,
  segmentDuration: 1,
  recordPath: '/r/%path/%path_%Y-%m-%d_%H-%M-%S-%f',
}
const written: Record<string, unknown> = parse(
  configurationText({
    ports: { api: 1, rtsp: 2, hls: 3, webrtc: 4, webrtcUdp: 5 },
    host: '127.0.0.1',
    offers: { hls: true, webrtc: true },
    media: { hlsVariant: 'fmp4', webrtcHosts: [], trustedProxies: [], tls: { certFile: '/c', keyFile: '/k' } },
    pathDefaults,
    auth: { address: 'http://127.0.0.1:6/media/auth' },
  }),
)
const bodies = [
  pathBody({ name: 'camera0', source: { command: 'x' } }, true, pathDefaults),
  pathBody({ name: 'camera0', source: { url: 'rtsps://h/x', transport: 'tcp', fingerprint: 'f' } }, true, pathDefaults),
]

describe('docs: page of MediaMTX', () => {
  it('has the version that is tested and downloaded', () =>
    expect(column(page, 'Version')[0]).to.equal(MEDIAMTX_VERSION))

  it('has every field that the service sets, and no other', () => {
    expect(codeIn(column(page, 'Fields'))).to.have.members(Object.keys(written))
    expect(codeIn(column(page, 'Path fields'))).to.have.members([...new Set(bodies.flatMap(Object.keys))])
  })

  it('names reason codes that exist', () =>
    expect(codeIn(column(page, 'If it is missing')).filter((code) => !isReasonCode(code))).to.deep.equal([]))
})
