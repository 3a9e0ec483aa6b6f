import { expect } from 'chai'
import { type Caller, type Grant, neverExpires } from '../../machines/domain/access.js'
import type { RpcOptions } from '../../rpc/options.js'
import { urlsOf } from '../../rpc/signedUrls.js'
import { cameraView, createStage, createWorld, noon, type World } from './fakes.js'

const hour = 3_600_000

describe('stream URLs', () => {
  const stage = createStage()
  let world: World
  /** All signed grants, in order. */
  let signed: Grant[]
  afterEach(() => stage.end())

  const serve = async (urls: Partial<RpcOptions['urls']> = {}) => {
    world = createWorld()
    signed = []
    const options = world.options()
    const { links } = options
    const sign = (grant: Grant) => {
      signed.push(grant)
      return links.sign(grant)
    }
    const { port } = await stage.serve({ ...options, links: { ...links, sign }, urls: { ...options.urls, ...urls } })
    const grantOf = (url: string, subject = 'stream:camera0', address = '127.0.0.1') =>
      links.verify(new URL(url).searchParams.get('sig') ?? '', { subject, address })
    return { port, grantOf, as: (role: string) => stage.connect(port, { role }) }
  }

  it('open one camera for one caller until they expire', async () => {
    const { as, grantOf } = await serve()
    const ann = await as(`viewer/ann/${noon + 10 * hour}`)
    const { result } = await ann.call('get_stream_url', { device: 'camera0' })
    const grant = {
      subject: 'stream:camera0',
      user: 'ann',
      expiresAt: noon + hour,
      credential: { kind: 'token', id: `viewer/ann/${noon + 10 * hour}` },
    }
    for (const url of Object.values<string>(result.streams)) expect(grantOf(url)).to.deep.equal(grant)
    expect(result.stream_url).to.equal(result.streams.rtsp)
    expect(Object.keys(result.streams)).to.deep.equal(['rtsp', 'hls', 'webrtc'])
    expect(new URL(result.streams.hls).pathname).to.equal('/camera0/index.m3u8')
    expect(result.expires_at).to.equal(new Date(noon + hour).toISOString())
  })

  it('say which protocols do not play the stream, and the capabilities say what works', async () => {
    const { as } = await serve()
    const stream = { codec: 'H264', fps: 25, reorders: true, audio: { codec: 'PCMA', rate: 8000, channels: 1 } }
    world.cameras = [
      cameraView({ kind: 'rtsp', capabilities: { formats: [], stream } }),
      cameraView({ id: 'camera1', kind: 'rtsp', capabilities: { formats: [], stream: { codec: 'JPEG' } } }),
      cameraView({ id: 'camera2' }),
    ]
    const ann = await as(`viewer/ann/${noon + 10 * hour}`)
    const ask = async (method: string, device: string) => (await ann.call(method, { device })).result
    expect((await ask('get_stream_url', 'camera0')).unplayable).to.deep.equal([
      {
        protocol: 'webrtc',
        reason: 'b_frames',
        details:
          'the stream has B-frames, which WebRTC does not play: switch them off in the camera (profile baseline)',
      },
    ])
    const failing = (await ask('get_stream_url', 'camera1')).unplayable
    expect(failing.map(({ protocol, reason }: Record<string, string>) => `${protocol} ${reason}`)).to.deep.equal([
      'hls codec_unsupported',
      'webrtc codec_unsupported',
    ])
    expect(await ask('get_stream_url', 'camera2')).not.to.have.property('unplayable')
    const { uses, media } = await ask('get_camera_capabilities', 'camera1')
    expect(uses.map(({ use, works }: { use: string; works: boolean }) => [use, works])).to.deep.equal([
      ['snapshot', true],
      ['recording', true],
      ['hls', false],
      ['webrtc', false],
    ])
    expect(media).to.deep.include({ video: { codec: 'JPEG', resolution: '1280x720' } })
    expect((await ask('get_camera_status', 'camera0')).media).to.deep.equal({
      video: { codec: 'H264', resolution: '1280x720', fps: 25, b_frames: true },
      audio: { codec: 'PCMA', sample_rate: 8000, channels: 1, recorded: true },
    })
  })

  it('expire with the credential of their caller', async () => {
    const { as, grantOf } = await serve()
    const bob = await as(`viewer/bob/${noon + 5_000}`)
    for (const wish of [{}, { expires_in: 60 }]) {
      const { result } = await bob.call('get_stream_url', { device: 'camera0', ...wish })
      expect(grantOf(result.stream_url).expiresAt).to.equal(noon + 5_000)
      expect(result.expires_at).to.equal(new Date(noon + 5_000).toISOString())
    }
  })

  it('expire at a whole second, which the result contains', async () => {
    const { as } = await serve()
    world.now += 123
    const ends = async (token: string) => {
      const { result } = await (await as(token)).call('get_stream_url', { device: 'camera0', expires_in: 5 })
      expect(Date.parse(result.expires_at)).to.equal(
        signed.findLast(({ subject }) => subject === 'stream:camera0')?.expiresAt,
      )
      return Date.parse(result.expires_at) - noon
    }
    expect(await ends('viewer')).to.equal(6_000)
    // The URL of the picture expires at the same time.
    expect(signed.findLast(({ subject }) => subject === 'still:camera0')?.expiresAt).to.equal(noon + 6_000)
    expect(await ends(`viewer/bob/${noon + 4_999}`)).to.equal(4_000)
  })

  it('expire as early as the caller wishes, and no later than the limit', async () => {
    const { as, grantOf } = await serve()
    const ann = await as(`viewer/ann/${noon + 10 * hour}`)
    const life = async (expires_in: unknown) =>
      grantOf((await ann.call('get_stream_url', { device: 'camera0', expires_in })).result.stream_url).expiresAt - noon
    expect(await life(5)).to.equal(5_000)
    expect(await life('7')).to.equal(7_000)
    expect(await life(86_400)).to.equal(hour)
    for (const wrong of [0, -1, 1.5, 86_401, 'soon', null]) {
      const { error } = await ann.call('get_stream_url', { device: 'camera0', expires_in: wrong })
      expect(error, String(wrong)).to.deep.include({ code: -32602 })
      expect(error?.data.param).to.equal('expires_in')
    }
  })

  describe('for a wall display', () => {
    const request = async (expiry: number, params: object, urls: Partial<RpcOptions['urls']> = {}) => {
      const { as, grantOf } = await serve(urls)
      const display = await as(`viewer/display/${noon + expiry}`)
      const { result, error } = await display.call('get_stream_url', { device: 'camera0', ...params })
      if (error !== undefined) return { error }
      expect(result.expires_at).to.equal(new Date(grantOf(result.stream_url).expiresAt).toISOString())
      return { life: grantOf(result.streams.webrtc).expiresAt - noon }
    }
    const max = { maxStreamLife: 24 * hour }

    it('live longer than usual on request', async () => {
      expect(await request(100 * hour, { life: 20 * 3_600 }, max)).to.deep.equal({ life: 20 * hour })
      expect(await request(100 * hour, { life: 24 * 3_600 }, max)).to.deep.equal({ life: 24 * hour })
      expect(await request(100 * hour, { life: 5 }, max)).to.deep.equal({ life: 5_000 })
    })

    it('may live up to the end of the credential, as the client counted it a moment ago', async () => {
      expect(await request(10 * hour, { life: 10 * 3_600 }, max)).to.deep.equal({ life: 10 * hour })
      expect(await request(10 * hour, { life: 10 * 3_600 + 59 }, max)).to.deep.equal({ life: 10 * hour })
    })

    it('are refused beyond the end of the credential', async () => {
      const { error } = await request(10 * hour, { life: 11 * 3_600 }, max)
      expect(error?.code).to.equal(-32602)
      expect(error?.data).to.deep.include({
        param: 'life',
        details: 'life must be at most 36000: the credential of this client ends then',
        suggestion: 'Request a shorter life, or use a credential that is valid for longer, such as an API key',
      })
    })

    it('are refused beyond the longest life that is configured', async () => {
      const { error } = await request(100 * hour, { life: 24 * 3_600 + 1 }, max)
      expect(error?.code).to.equal(-32602)
      expect(error?.data).to.deep.include({
        param: 'life',
        details: 'life must be at most 86400 (security.stream_url_max_life, in seconds)',
      })
    })

    it('have the life of `life`, a number of seconds, if the request has two', async () => {
      expect(await request(100 * hour, { life: 3 * 3_600, expires_in: 60 }, max)).to.deep.equal({ life: 3 * hour })
      for (const wrong of [0, -1, 1.5, 'soon', null])
        expect((await request(100 * hour, { life: wrong })).error?.data.param, String(wrong)).to.equal('life')
    })

    it('need no life if streams are open to everybody', async () => {
      const { as } = await serve({ openStreams: true })
      const { result } = await (await as('viewer/ann')).call('get_stream_url', { device: 'camera0', life: 60 })
      expect(result).not.to.have.property('expires_at')
    })
  })

  it('are also in the results of get_camera_list, get_camera_status and start_streaming', async () => {
    const { as, grantOf } = await serve()
    const operator = await as('operator/eve')
    const { result: list } = await operator.call('get_camera_list')
    const { result: status } = await operator.call('get_camera_status', { device: 'camera0' })
    const { result: started } = await operator.call('start_streaming', { device: 'camera0' })
    for (const url of [list.cameras[0].streams.hls, status.streams.webrtc, started.stream_url])
      expect(grantOf(url).user).to.equal('eve')
    expect(list.cameras[1].streams).to.deep.equal({})
  })

  it('are kept for a caller, but follow the host that it connected to and the protocols that are offered', () => {
    const { offers: _, ...options } = createWorld().options()
    let offers = { hls: true, webrtc: true, ports: { rtsp: 8554, hls: 8888, webrtc: 8889 } }
    const caller: Caller = { user: 'ann', role: 'viewer', expiresAt: neverExpires }
    const urls = (host: string, address = '10.0.0.1') =>
      urlsOf({ ...options, offers: () => offers }, { host, address, caller })('camera0').urls
    const first = urls('one')
    expect(urls('one')).to.equal(first)
    expect(new URL(urls('two').rtsp).host).to.equal('two:8554')
    expect(urls('one')).to.deep.equal(first)
    offers = { ...offers, hls: false, ports: { ...offers.ports, rtsp: 8555 } }
    expect(new URL(urls('one').rtsp).host).to.equal('one:8555')
    expect(urls('one')).to.not.have.property('hls')
    expect(urls('one', '10.0.0.2')).to.not.equal(urls('one'))
  })

  it('are signed once for many lists, and again after half of their life', async () => {
    const { as, grantOf } = await serve()
    const ann = await as(`viewer/ann/${noon + 10 * hour}`)
    world.cameras = [0, 1, 2].map((n) => cameraView({ id: `camera${n}` }))
    const ends = async () => {
      const { result } = await ann.call('get_camera_list')
      return result.cameras.map(
        ({ id, streams }: { id: string; streams: { rtsp: string } }) =>
          (grantOf(streams.rtsp, `stream:${id}`).expiresAt - noon) / hour,
      )
    }
    for (let n = 0; n < 10; n++) expect(await ends()).to.deep.equal([1, 1, 1])
    expect(signed).to.have.length(3)
    world.now += hour / 2
    expect(await ends()).to.deep.equal([1, 1, 1])
    world.now += 1_000
    expect((await ends())[0]).to.be.greaterThan(1.5)
    expect(signed).to.have.length(6)
    // A new signature cannot outlive the caller's credential.
    const bob = await as(`viewer/bob/${world.now + 60_000}`)
    for (let n = 0; n < 5; n++) {
      await bob.call('get_camera_list')
      world.now += 10_000
    }
    expect(signed).to.have.length(9)
  })

  it('belong to one caller, also after another one authenticates on the connection', async () => {
    const { as, grantOf } = await serve()
    const client = await as('viewer/ann')
    const mine = async () => grantOf((await client.call('get_camera_list')).result.cameras[0].streams.rtsp).user
    expect(await mine()).to.equal('ann')
    await client.call('authenticate', { auth_token: 'viewer/bob' })
    expect(await mine()).to.equal('bob')
  })

  it('are bound to the address if that is configured', async () => {
    const { as, grantOf } = await serve({ bindAddress: true })
    const { result } = await (await as('viewer/ann')).call('get_stream_url', { device: 'camera0' })
    expect(grantOf(result.stream_url).address).to.equal('127.0.0.1')
    expect(() => grantOf(result.stream_url, 'stream:camera0', '192.0.2.7')).to.throw()
  })

  it('are not signed if streams are open to everybody', async () => {
    const { as } = await serve({ openStreams: true })
    const { result } = await (await as('viewer/ann')).call('get_stream_url', { device: 'camera0', expires_in: 5 })
    expect(result.stream_url).to.equal('rtsp://127.0.0.1:8554/camera0')
    expect(result).to.not.have.property('expires_at')
    expect(signed.filter(({ subject }) => subject.startsWith('stream:'))).to.deep.equal([])
  })
})
