import { execFile } from 'node:child_process'
import { expect } from 'chai'
import type { Finding } from '../../commands/doctor/finding.js'
import { describeService, program, type Service, startService, virtual } from './service.js'

describeService('doctor and health, for the running service', (kind) => {
  let service: Service
  before(async () => {
    service = await startService({ kind, cameras: [virtual('one')] })
  })
  after(() => service?.end())

  const run = (...words: string[]) =>
    new Promise<{ code: number; out: string }>((resolve) => {
      const { rpc, rtsp, api, health, hls } = service.ports
      const env = {
        PATH: process.env.PATH,
        CAMERA_SERVICE_DATA_DIR: service.dataDir,
        CAMERA_SERVICE_MEDIAMTX_MODE: kind,
        CAMERA_SERVICE_SERVER_PORT: String(rpc),
        CAMERA_SERVICE_HTTP_HEALTH_PORT: String(health),
        CAMERA_SERVICE_MEDIAMTX_RTSP_PORT: String(rtsp),
        CAMERA_SERVICE_MEDIAMTX_API_PORT: String(api),
        CAMERA_SERVICE_MEDIAMTX_HLS_PORT: String(hls),
      }
      execFile(process.execPath, [program, ...words], { env, timeout: 60_000 }, (error, out) =>
        resolve({ code: error ? Number(error.code) : 0, out: out.trimEnd() }),
      )
    })

  it('says that it is ready and alive', async () => {
    await service.until('it is ready', async () => (await run('health')).code === 0)
    expect(await run('health')).to.deep.equal({ code: 0, out: 'the service is ready' })
    expect(await run('health', '--live')).to.deep.equal({ code: 0, out: 'the service is alive' })
  })

  it('takes its ports and those of its media server for its own', async () => {
    const { checks }: { checks: Finding[] } = JSON.parse((await run('doctor', '--json')).out)
    const ofCheck = (name: string) => checks.filter(({ check }) => check === name)
    expect(ofCheck('service')).to.deep.equal([
      { check: 'service', status: 'ok', message: `it runs, pid ${service.pid}` },
    ])
    const { rpc, health, rtsp, api } = service.ports
    for (const port of [rpc, health, rtsp, api]) {
      const [line] = ofCheck(`port ${port}`)
      expect(line?.status, line?.message).to.equal('ok')
      expect(line?.message).to.match(/^in use by this service, pid \d+ \(/)
    }
    expect(ofCheck('secrets').map(({ status }) => status)).to.deep.equal(['ok'])
  })

  it('says that nobody answers after its end', async () => {
    await service.stop()
    expect((await run('health')).code).to.equal(69)
    const { checks }: { checks: Finding[] } = JSON.parse((await run('doctor', '--json')).out)
    expect(checks.find(({ check }) => check === 'service')?.message).to.equal('it does not run')
  })
})
