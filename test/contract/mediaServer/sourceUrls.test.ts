import { expect } from 'chai'
import {
  describeMediaServers,
  type RunningMediaServer,
  removeFolder,
  startMediaServer,
  temporaryFolder,
} from './servers.js'
import { sourceUrls } from './sourceUrls.js'

describeMediaServers('media server, source URLs', (kind) => {
  let server: RunningMediaServer
  let dir: string
  before(async () => {
    dir = await temporaryFolder()
    server = await startMediaServer({ kind, dir })
  })
  after(async () => {
    await server?.stop()
    await removeFolder(dir)
  })

  for (const { url, accepted } of sourceUrls)
    it(`${accepted ? 'accepts' : 'refuses'} ${JSON.stringify(url)}`, async () => {
      // On demand, so that the server does not connect.
      const { status, body } = await server.api('POST', 'config/paths/replace/source', {
        source: url,
        sourceOnDemand: true,
      })
      expect([status, (body as { status: string }).status]).to.deep.equal(accepted ? [200, 'ok'] : [400, 'error'])
    })

  const refusals: [url: string, error: string][] = [
    ['RTSP://camera.example/a', "invalid source: 'RTSP://camera.example/a'"],
    ['rtsp://user:50%@camera.example/a', "'rtsp://user:50%@camera.example/a' is not a valid URL"],
    ['rtsp://user@camera.example/a', 'username and password must be both provided'],
  ]
  for (const [url, error] of refusals)
    it(`names the fault of ${url} and adds no path`, async () => {
      const { status, body } = await server.api('POST', 'config/paths/add/added', { source: url, sourceOnDemand: true })
      expect({ status, body }).to.deep.equal({ status: 400, body: { status: 'error', error } })
      expect((await server.api('GET', 'config/paths/get/added')).status).to.equal(404)
    })

  it('exits with 1 at the start when one path of the file has a refused URL', async () => {
    const folder = await temporaryFolder()
    const paths = { good: {}, bad: { source: 'rtsp://user:50%@camera.example/a', sourceOnDemand: true } }
    const failure = await startMediaServer({ kind, dir: folder, paths }).then(
      async (started) => `it started and ended with ${await started.stop()}`,
      (error: Error) => error.message,
    )
    await removeFolder(folder)
    expect(failure).to.match(/^the media server exited with 1: .*is not a valid URL/s)
  })
})
