import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { checkExternal } from '../../../adapters/mediamtx/external.js'
import { freePort } from '../../support/ports.js'
import { type Answer, type FakeRequest, fakeServer, never, ok, page, refusal } from './fakeServer.js'

const notConfigured = "path 'camera-service-check' is not configured"
const listed: Answer = { json: { segments: [{ start: '2000-01-01T00:00:00Z' }] } }

describe('the check of an external media server', () => {
  const closers: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  /** `recordings`: answers to the list of recordings. `statuses`: answers to DESCRIBE. The last one is repeated. */
  const arrange = async ({
    recordings = [listed],
    statuses = [401],
    timeout = 8_000,
  }: {
    recordings?: Answer[]
    statuses?: number[]
    timeout?: number
  }) => {
    const recordingsDir = await mkdtemp(join(tmpdir(), 'external-'))
    closers.push(() => rm(recordingsDir, { recursive: true }))
    const next = <T>(list: T[]): T | undefined => (list.length > 1 ? list.shift() : list[0])
    const server = await fakeServer(({ method, path }: FakeRequest) => {
      if (path.startsWith('/v3/recordings/get/')) return next(recordings)
      return method === 'GET' ? page([]) : ok
    })
    closers.push(server.close)
    let questions = 0
    const rtsp = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => {
        const status = next(statuses)
        if (status === 401) questions++
        socket.end(`RTSP/1.0 ${status} Words\r\nCSeq: 1\r\n\r\n`)
      })
    })
    const port = await freePort()
    await new Promise<void>((resolve) => rtsp.listen(port, '127.0.0.1', resolve))
    closers.push(() => rtsp.close())
    const pathDefaults = { closeAfter: 1, startTimeout: 1, partDuration: 1, segmentDuration: 1, recordPath: '/x' }
    const check = () =>
      checkExternal(
        {
          apiUrl: server.url,
          timeout,
          rtsp: { host: '127.0.0.1', port },
          recordingsDir,
          pathDefaults,
          questions: () => questions,
        },
        never(),
      )
    return { check, recordingsDir, server }
  }

  it('waits until an accepted path is applied', async () => {
    const refusals = Array.from({ length: 3 }, () => refusal(notConfigured))
    const { check, recordingsDir } = await arrange({
      recordings: [...refusals, listed],
      statuses: [...Array.from({ length: 15 }, () => 400), 401],
    })
    expect(await check()).to.deep.equal({ silent: [], misconfigured: [] })
    expect(await readdir(recordingsDir)).to.deep.equal([])
  })

  it('reports a server that allows every client to read', async () => {
    const { check } = await arrange({ statuses: [200] })
    expect((await check()).misconfigured[0]).to.match(/^the media server allows every client to read/)
  })

  it('reports a path that is never applied', async () => {
    const { check, server } = await arrange({ recordings: [refusal(notConfigured)], timeout: 200 })
    expect(await check()).to.deep.equal({
      silent: [],
      misconfigured: [`paths cannot be set: the media server refused the request: ${notConfigured}`],
    })
    expect(server.requests.at(-1)?.method).to.equal('DELETE')
  })
  it('does not call a server misconfigured that does not answer', async () => {
    const { check, server } = await arrange({})
    for (const close of closers.splice(1).reverse()) await close()
    const { silent, misconfigured } = await check()
    expect(misconfigured).to.deep.equal([])
    expect(silent).to.have.length(2)
    expect(silent[0]).to.match(/^nothing answers at the RTSP port/)
    expect(silent[1]).to.equal('the API cannot be used: the media server does not answer (connection refused)')
    expect(server.requests).to.deep.equal([])
  })
})
