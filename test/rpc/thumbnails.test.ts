import { expect } from 'chai'
import type { Thumbnails } from '../../machines/domain/ports.js'
import { Failure, type ReasonCode } from '../../machines/domain/reason.js'
import { createThumbnailsHandler } from '../../rpc/http/thumbnails.js'
import { createStage, createWorld, type World } from './fakes.js'
import { createWeb, fakeRateLimits } from './web.js'

const recording = 'camera0_2025-06-01_11-00-00-000000.mp4'

describe('thumbnails of files', () => {
  const web = createWeb()
  const stage = createStage()
  let world: World
  beforeEach(() => {
    world = createWorld()
  })
  afterEach(async () => {
    await web.end()
    await stage.end()
  })

  const serve = (of?: Thumbnails['of']) => {
    const services = world.options({}, of && { thumbnails: { of } })
    return web.serve(createThumbnailsHandler({ services, rateLimits: fakeRateLimits() }))
  }
  const path = `/thumbnails/recordings/${recording}`

  it('are JPEGs for viewers of the camera', async () => {
    const asked: unknown[] = []
    const { get } = await serve(async ({ path }) => {
      asked.push(path)
      return Buffer.from('a picture')
    })
    const { status, headers, body } = await get(path)
    expect([status, headers['content-type'], body]).to.deep.equal([200, 'image/jpeg', 'a picture'])
    expect(headers['cache-control']).to.equal('private, max-age=600')
    expect(asked).to.deep.equal(['/nowhere/camera0.mp4'])
    expect((await get('/thumbnails/snapshots/camera0_2025-06-01_11-30-00-000.jpg')).status).to.equal(200)
  })

  it('open by the signed URL of the lists, which opens nothing else', async () => {
    const { port } = await stage.serve(world.options())
    const client = await stage.connect(port, { role: 'viewer' })
    const { result } = await client.call('list_recordings')
    const [{ thumbnail_url: url }] = result.files
    const { get } = await serve()
    const anonymous = { Authorization: '' }
    expect((await get(url, anonymous)).status).to.equal(200)
    const file = await fetch(`http://127.0.0.1:${port}${url.replace('/thumbnails/', '/files/')}`)
    expect(file.status).to.equal(401)
    expect((await get(url.replace('sig=', 'sig=x'), anonymous)).status).to.equal(401)
    expect((await get(path, anonymous)).status).to.equal(401)
  })

  it('are hidden from callers without a right to the camera, like files that do not exist', async () => {
    const { get } = await serve()
    const limited = { Authorization: `Bearer viewer/eve/${world.now + 60_000}/camera1` }
    const [hidden, missing] = [await get(path, limited), await get('/thumbnails/recordings/camera0_x.mp4', limited)]
    expect([hidden.status, missing.status]).to.deep.equal([404, 404])
    expect(world.audited.at(-2)).to.include({ event: 'refusal', reason: 'camera_right' })
    for (const wrong of ['/thumbnails/other/x.mp4', '/thumbnails/recordings/..%2fx', '/thumbnails/recordings/%E0%A4%A'])
      expect((await get(wrong)).status, wrong).to.equal(404)
  })

  it('of a file that cannot be shown are refused with the fitting status, without its path', async () => {
    const outcomes: [ReasonCode, number][] = [
      ['no_picture', 404],
      ['timed_out', 404],
      ['limit_reached', 429],
      ['program_missing', 503],
    ]
    for (const [code, expected] of outcomes) {
      const { get } = await serve(() => Promise.reject(new Failure(code)))
      const { status, body } = await get(path)
      expect(status, code).to.equal(expected)
      expect(body).not.to.contain('nowhere')
    }
  })
})
