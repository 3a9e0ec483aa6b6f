import { expect } from 'chai'
import { createEncryptionReader, type Encryption } from '../../../adapters/mediamtx/encryption.js'
import { fakeServer, keptLog, never, rejection } from './fakeServer.js'
import { arrangeProcess, hasMediamtx } from './real.js'

const none = { hls: false, webrtc: false }
const both = { hls: true, webrtc: true }

describe('the encryption of an external media server', () => {
  const closers: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  const arrange = async (needed: Encryption, global: object) => {
    const world = { global }
    const server = await fakeServer(() => ({ json: world.global }))
    closers.push(server.close)
    const log = keptLog()
    const reader = createEncryptionReader({ apiUrl: server.url, timeout: 2_000, needed, log })
    return { world, server, log, reader }
  }

  it('is read by protocol', async () => {
    const { reader, world, log } = await arrange(both, { ...both, hlsEncryption: true, webrtcEncryption: true })
    expect(reader.encrypted()).to.deep.equal(none)
    await reader.read(never())
    expect(reader.encrypted()).to.deep.equal(both)
    // The server was started again with another configuration.
    world.global = { hls: false, webrtc: true, hlsEncryption: false, webrtcEncryption: true }
    await reader.read(never())
    expect(reader.encrypted()).to.deep.equal({ hls: false, webrtc: true })
    expect(log.lines).to.deep.equal([])
  })

  it('is missed once for each protocol that browsers would block', async () => {
    const { reader, log } = await arrange({ hls: true, webrtc: false }, { ...both })
    await reader.read(never())
    await reader.read(never())
    expect(log.lines).to.have.length(1)
    expect(log.lines[0]).to.match(
      /^warn the external media server is misconfigured .*browsers block its HLS, .*set hlsEncryption, hlsServerCert/,
    )
  })

  it('is not missed if no page needs it', async () => {
    const { reader, log } = await arrange(none, { ...both })
    await reader.read(never())
    expect(log.lines).to.deep.equal([])
  })

  it('stays as it was while the server does not answer, and reading ends with its signal', async () => {
    const { reader, server } = await arrange(both, { ...both, hlsEncryption: true, webrtcEncryption: true })
    await reader.read(never())
    await server.close()
    closers.splice(0)
    await reader.read(never())
    expect(reader.encrypted()).to.deep.equal(both)
    expect((await rejection(reader.read(AbortSignal.abort(new Error('stopped'))))).message).to.equal('stopped')
  })

  it('is read from a real MediaMTX', async function () {
    if (!(await hasMediamtx())) this.skip()
    const { server, apiUrl, log, clean } = await arrangeProcess()
    closers.push(clean)
    await server.start({ kind: 'managed', why: '' }, () => {}, never())
    const reader = createEncryptionReader({ apiUrl, timeout: 2_000, needed: both, log: keptLog() })
    await reader.read(never())
    expect(reader.encrypted()).to.deep.equal(none)
    const global = await (await fetch(`${apiUrl}/v3/config/global/get`)).json()
    expect(global).to.include({ hls: true, hlsEncryption: false, webrtc: true, webrtcEncryption: false })
    expect(log.lines.filter((line) => line.startsWith('error'))).to.deep.equal([])
  })
})
