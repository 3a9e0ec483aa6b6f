import { expect } from 'chai'
import type { ActorsOptions } from '../../actors/createActors.js'
import type { ActorOptions } from '../../actors/provide.js'
import type { PathDefaults } from '../../adapters/mediamtx/pathBody.js'
import type { ServerProcessOptions } from '../../adapters/mediamtx/serverProcess.js'
import { jwtSecretSources, keyDefaults, tokenOptions } from '../../config/derive/access.js'
import {
  actorOptions,
  askOptions,
  captureDefaults,
  drainLimit,
  fleetInput,
  releaseLimit,
  retentionPolicy,
  streamAccessOptions,
} from '../../config/derive/actors.js'
import { healthOptions, rateLimitOptions, rpcOptions, streamUrlOptions } from '../../config/derive/api.js'
import {
  apiUrl,
  ownPlaces,
  pathDefaults,
  publishHost,
  rtspPlace,
  serverProcessOptions,
  startLimit,
} from '../../config/derive/mediaServer.js'
import { portOptions, scanPlan } from '../../config/derive/ports.js'
import { loadConfiguration } from '../../config/load.js'
import type { HealthOptions } from '../../rpc/http/health.js'
import type { RpcOptions } from '../../rpc/options.js'
import type { RateLimitOptions } from '../../rpc/rateLimits.js'
import { type Offers, streamUrls } from '../../rpc/urls.js'

const configured = (values: Record<string, string> = {}) =>
  loadConfiguration({
    env: Object.fromEntries(Object.entries(values).map(([name, value]) => [`CAMERA_SERVICE_${name}`, value])),
  }).config
const defaults = configured()
const external = { MEDIAMTX_MODE: 'external', MEDIAMTX_HOST: 'media.example', MEDIAMTX_AUTH_PORT: '8004' }

describe('options from the configuration', () => {
  it('for access', () => {
    const config = configured({
      SECURITY_JWT_ISSUER: 'us',
      SECURITY_JWT_AUDIENCE: 'cameras',
      SECURITY_JWT_CLOCK_TOLERANCE: '5s',
      SECURITY_JWT_CLAIMS_USER: 'sub',
      SECURITY_JWT_CLAIMS_ROLE: 'realm_access.roles',
    })
    expect(tokenOptions(config)).to.deep.equal({
      issuer: 'us',
      audience: 'cameras',
      tolerance: 5_000,
      issuedAhead: 30_000,
      claims: { user: 'sub', role: 'realm_access.roles', cameras: 'cameras' },
    })
    expect(jwtSecretSources(defaults)).to.deep.equal({ value: '', file: '' })
    expect(keyDefaults(defaults)).to.deep.equal({ expiry: 90 * 86_400_000, maxKeys: 100 })
    expect(portOptions(defaults).access.audit).to.deep.equal({ maxSize: 10_485_760, maxFiles: 20 })
    const rate: RateLimitOptions = rateLimitOptions(defaults)
    expect(rate).to.deep.equal({
      requests: 1_000,
      addressRequests: 5_000,
      window: 60_000,
      failures: 5,
      pauseMax: 300_000,
    })
  })

  it('for paths', () => {
    const options: PathDefaults = pathDefaults(defaults, '/data/recordings')
    expect(options).to.deep.equal({
      closeAfter: 10_000,
      startTimeout: 20_000,
      partDuration: 200,
      segmentDuration: 3_600_000,
      recordPath: '/data/recordings/%path/%path_%Y-%m-%d_%H-%M-%S-%f',
    })
    expect(startLimit(defaults)).to.equal(22_000)
  })

  it('for the media server process', () => {
    const options: Partial<ServerProcessOptions> = serverProcessOptions(configured({ SERVER_HOST: '0.0.0.0' }))
    expect(options).to.deep.equal({
      mode: 'auto',
      api: { host: '127.0.0.1', port: 9997 },
      ports: { api: 9997, rtsp: 8554, hls: 8888, webrtc: 8889 },
      host: '0.0.0.0',
      offers: { hls: true, webrtc: true },
      media: { hlsVariant: 'fmp4', webrtcHosts: [], trustedProxies: [] },
      grace: 5_000,
    })
    const other = configured({
      MEDIAMTX_HLS_VARIANT: 'lowLatency',
      MEDIAMTX_WEBRTC_UDP_PORT: '40000',
      MEDIAMTX_WEBRTC_HOSTS: '203.0.113.9,cam.example',
      SERVER_TRUSTED_PROXIES: '10.0.0.0/8',
    })
    expect(serverProcessOptions(other).ports).to.include({ webrtcUdp: 40_000 })
    expect(serverProcessOptions(other).media).to.deep.equal({
      hlsVariant: 'lowLatency',
      webrtcHosts: ['203.0.113.9', 'cam.example'],
      trustedProxies: ['10.0.0.0/8'],
    })
    expect(portOptions(defaults).mediaServer).to.deep.equal({ timeout: 10_000, threshold: 5 })
    expect(portOptions(configured(external)).mediaAuth).to.deep.equal({ host: '127.0.0.1', port: 8004 })
  })

  it('for the control API: an external server gets credentials only if it asks the service for permission', () => {
    const own = { user: 'api', password: 'pw' }
    expect(apiUrl(defaults, undefined, own)).to.equal('http://api:pw@127.0.0.1:9997')
    expect(apiUrl(configured(external), 'managed', own)).to.equal('http://api:pw@127.0.0.1:9997')
    expect(apiUrl(configured(external), 'external', own)).to.equal('http://api:pw@media.example:9997')
    expect(apiUrl(configured({ ...external, MEDIAMTX_AUTH_PORT: '0' }), 'external', own)).to.equal(
      'http://media.example:9997',
    )
    expect(apiUrl(configured({ ...external, MEDIAMTX_HOST: 'fd00::1' }), 'external', own)).to.equal(
      'http://api:pw@[fd00::1]:9997',
    )
  })

  it('for RTSP: a managed server listens on the address of the service', () => {
    const place = (values: Record<string, string>) => [
      rtspPlace(configured(values)).host,
      publishHost(configured(values)),
    ]
    expect(place({})).to.deep.equal(['127.0.0.1', '127.0.0.1'])
    expect(place({ SERVER_HOST: '10.0.0.5' })).to.deep.equal(['10.0.0.5', '10.0.0.5'])
    expect(place({ SERVER_HOST: 'fd00::5' })).to.deep.equal(['fd00::5', '[fd00::5]'])
    expect(place({ SERVER_HOST: '0.0.0.0' })).to.deep.equal(['127.0.0.1', '127.0.0.1'])
    expect(place({ ...external, SERVER_HOST: '10.0.0.5' })).to.deep.equal(['media.example', '127.0.0.1'])
  })

  it('for stream URLs: clients get the host of an external server', () => {
    const ports = { rtsp: 8554, hls: 8888, webrtc: 8889 }
    const all = { hls: true, webrtc: true }
    const offers: Offers = streamUrlOptions(configured(external))('external', all)
    expect(offers).to.deep.equal({ host: 'media.example', hls: true, webrtc: true, ports })
    expect(streamUrlOptions(configured({ ...external, MEDIAMTX_HOST: '127.0.0.1' }))('external', all)).to.deep.equal({
      hls: true,
      webrtc: true,
      ports,
    })
    expect(streamUrlOptions(configured(external))('managed', all)).to.deep.equal({ hls: true, webrtc: true, ports })
    expect(streamUrlOptions(defaults)('embedded', all)).to.deep.equal({ hls: false, webrtc: false, ports })
  })

  it('for stream URLs: a managed server offers what it started with, and an external one what it is configured for', () => {
    const ports = { rtsp: 8554, hls: 8888, webrtc: 8889 }
    const offersOf = streamUrlOptions(defaults)
    const partial = offersOf('managed', { hls: false, webrtc: true })
    expect(partial).to.deep.equal({ hls: false, webrtc: true, ports })
    // The API keeps URLs as long as it gets the same object.
    expect(offersOf('managed', { hls: false, webrtc: true })).to.equal(partial)
    expect(offersOf('managed', { hls: true, webrtc: true })).to.deep.equal({ hls: true, webrtc: true, ports })
    expect(offersOf('external', { hls: false, webrtc: false })).to.include({ hls: true, webrtc: true })
  })

  const ownTls = { SERVER_TLS_CERT_FILE: 'a.pem', SERVER_TLS_KEY_FILE: 'a.key' }
  const mediaFiles = { MEDIAMTX_TLS: 'files', MEDIAMTX_TLS_CERT_FILE: 'b.pem', MEDIAMTX_TLS_KEY_FILE: 'b.key' }

  it('for TLS of the media server: the certificate of the service, another one, or none', () => {
    const tls = (values: Record<string, string>) => serverProcessOptions(configured(values)).media.tls
    expect(tls({})).to.equal(undefined)
    expect(tls(ownTls)).to.deep.equal({ certFile: 'a.pem', keyFile: 'a.key' })
    expect(tls({ ...ownTls, MEDIAMTX_TLS: 'off' })).to.equal(undefined)
    expect(tls({ ...ownTls, ...mediaFiles })).to.deep.equal({ certFile: 'b.pem', keyFile: 'b.key' })
    expect(tls(mediaFiles)).to.deep.equal({ certFile: 'b.pem', keyFile: 'b.key' })
  })

  it('for browsers: which streams need encryption', () => {
    const needed = (values: Record<string, string>) => portOptions(configured(values)).neededEncryption
    expect(needed({})).to.deep.equal({ hls: false, webrtc: false })
    expect(needed({ SERVER_PUBLIC_URL: 'http://cam.example' })).to.deep.equal({ hls: false, webrtc: false })
    expect(needed(ownTls)).to.deep.equal({ hls: true, webrtc: true })
    expect(
      needed({ SERVER_PUBLIC_URL: 'https://cam.example', MEDIAMTX_PUBLIC_HLS_URL: 'https://cam.example/hls' }),
    ).to.deep.equal({ hls: false, webrtc: true })
  })

  describe('for stream URLs', () => {
    const managed = { hls: true, webrtc: true }
    const secure = { ...managed, encrypted: { hls: true, webrtc: true } }
    const plain = (host: string) => ({
      rtsp: `rtsp://${host}:8554/camera0`,
      hls: `http://${host}:8888/camera0/index.m3u8`,
      webrtc: `http://${host}:8889/camera0`,
    })
    const encrypted = (host: string) => ({
      rtsp: `rtsp://${host}:8554/camera0`,
      hls: `https://${host}:8888/camera0/index.m3u8`,
      webrtc: `https://${host}:8889/camera0`,
    })
    const proxied = {
      SERVER_PUBLIC_URL: 'https://cam.example/cameras',
      MEDIAMTX_PUBLIC_RTSP_URL: 'rtsps://cam.example:322',
      MEDIAMTX_PUBLIC_HLS_URL: 'https://cam.example:443/video/hls/',
      MEDIAMTX_PUBLIC_WEBRTC_URL: 'https://[2001:DB8:0::5]:8443',
    }
    const cases: [
      title: string,
      values: Record<string, string>,
      served: Parameters<ReturnType<typeof streamUrlOptions>>[1],
      expected: object,
      kind?: 'external' | 'embedded',
    ][] = [
      ['no certificate', {}, managed, plain('own.example')],
      ['the certificate of the service', ownTls, secure, encrypted('own.example')],
      ['no encryption of the media server', { ...ownTls, MEDIAMTX_TLS: 'off' }, managed, plain('own.example')],
      ['a public host', { SERVER_PUBLIC_HOST: 'cam.example' }, secure, encrypted('cam.example')],
      ['a public IPv6 address', { SERVER_PUBLIC_HOST: '2001:db8::5' }, managed, plain('[2001:db8::5]')],
      ['the host of a public address', { SERVER_PUBLIC_URL: 'https://[2001:db8::5]' }, managed, plain('[2001:db8::5]')],
      [
        'default ports',
        { MEDIAMTX_RTSP_PORT: '554', MEDIAMTX_HLS_PORT: '443', MEDIAMTX_WEBRTC_PORT: '80' },
        { ...managed, encrypted: { hls: true, webrtc: false } },
        {
          rtsp: 'rtsp://own.example/camera0',
          hls: 'https://own.example/camera0/index.m3u8',
          webrtc: 'http://own.example/camera0',
        },
      ],
      [
        'proxies with a path',
        proxied,
        managed,
        {
          rtsp: 'rtsps://cam.example/camera0',
          hls: 'https://cam.example/video/hls/camera0/index.m3u8',
          webrtc: 'https://[2001:db8::5]:8443/camera0',
        },
      ],
      ['the simulator', proxied, managed, { rtsp: 'rtsps://cam.example/camera0' }, 'embedded'],
      ['an external server', external, managed, plain('media.example'), 'external'],
      ['an external server with encryption', external, secure, encrypted('media.example'), 'external'],
      [
        'an external server that encrypts WebRTC only',
        external,
        { ...managed, encrypted: { hls: false, webrtc: true } },
        { ...plain('media.example'), webrtc: 'https://media.example:8889/camera0' },
        'external',
      ],
      [
        'an external server beside a proxy of the API',
        { ...external, SERVER_PUBLIC_URL: 'https://cam.example' },
        managed,
        plain('media.example'),
        'external',
      ],
    ]
    for (const [title, values, served, expected, kind] of cases) {
      it(`with ${title}`, () => {
        const config = configured(values)
        const offers: Offers = streamUrlOptions(config)(kind ?? 'managed', served)
        expect(streamUrls('camera0', 'own.example', rpcOptions(config).publicHost, offers)).to.deep.equal(expected)
        // The API keeps URLs as long as it gets the same object.
        const offersOf = streamUrlOptions(config)
        expect(offersOf(kind ?? 'managed', { ...served })).to.equal(offersOf(kind ?? 'managed', served))
      })
    }
  })

  it('for a reverse proxy', () => {
    const config = configured({ SERVER_PUBLIC_URL: 'https://cam.example/cameras/', SERVER_TRUSTED_PROXIES: '10.0.0.2' })
    expect(rpcOptions(config)).to.deep.include({
      trustedProxies: ['10.0.0.2'],
      corsOrigins: ['http://localhost:3000', 'https://localhost:3000', 'https://cam.example'],
    })
    expect(rpcOptions(config).urls).to.include({ prefix: '/cameras' })
    expect(rpcOptions(configured({ SERVER_PUBLIC_URL: 'https://cam.example' })).urls).not.to.have.property('prefix')
    expect(healthOptions(config)).to.deep.include({ hosts: ['cam.example'], trustedProxies: ['10.0.0.2'] })
    const places = ownPlaces(configured({ MEDIAMTX_PUBLIC_RTSP_URL: 'rtsp://[2001:db8::5]' }), 'managed', 1)
    expect(places.at(-1)).to.deep.equal({ host: '2001:db8::5', ports: [554] })
  })

  it('for captures and pictures', () => {
    expect(captureDefaults(defaults)).to.deep.equal({
      width: 1280,
      height: 720,
      fps: 30,
      codec: { profile: 'baseline', level: 'auto', pixelFormat: 'yuv420p', preset: 'ultrafast', bitrate: 2_000_000 },
      encoder: 'auto',
    })
    expect(portOptions(defaults).pictures).to.deep.equal({ direct: 3_000, ffmpeg: 6_000, stream: 20_000 })
    expect(actorOptions(defaults).tiers).to.deep.equal({
      directLimit: 3_000,
      ffmpegLimit: 6_000,
      liveLimit: 5_000,
      wakeLimit: 20_000,
    })
  })

  it('for the actors', () => {
    const options: ActorOptions = actorOptions(defaults)
    const { defaults: _captures, tiers: _tiers, ...limits } = options
    expect(limits).to.deep.equal({
      startLimit: 22_000,
      closeAfter: 10_000,
      segmentDuration: 3_600_000,
      sourceInterval: 10_000,
      retireAfter: 86_400_000,
      deviceScanLimit: 10_000,
      linkCheckLimit: 2_000,
      linkInterval: 1_000,
      hangLimit: 10_000,
      storageInterval: 5_000,
      streamScanLimit: 30_000,
      drainLimit: 4_500,
      releaseLimit: 1_000,
    })
    expect(askOptions(defaults)).to.deep.equal({
      startLimit: 22_000,
      autoCloseAfter: 0,
      simulation: false,
      scanLimit: 30_000,
      policy: { type: 'age', enabled: false, maxAgeDays: 30 },
    })
    expect(streamAccessOptions(configured({ SECURITY_STREAMS: 'open' }))).to.deep.equal({ open: true, allowedIps: [] })
  })

  it('for the inspection: off by default, for loopback', () => {
    expect(rpcOptions(defaults)).not.to.have.property('inspect')
    expect(rpcOptions(configured({ INSPECT_ENABLED: 'true' }))).to.deep.include({
      inspect: { allowedIps: ['127.0.0.0/8', '::1'], maxClients: 2 },
    })
  })

  it('for streams that the host is too slow for, and for dark frames', () => {
    const derived = (values: Record<string, string>) => {
      const config = configured(values)
      return [fleetInput(config, { streams: [] }).adapts, portOptions(config).skipFrames]
    }
    expect(derived({})).to.deep.equal([undefined, 'auto'])
    expect(derived({ CAMERA_ADAPT: 'true', SNAPSHOTS_SKIP_FRAMES: '9' })).to.deep.equal([true, 9])
  })

  it('for the fleet', () => {
    const input: ActorsOptions['input'] = fleetInput(configured({ CAMERAS: '[{ name: a, source: virtual }]' }), {
      streams: [],
      interval: 5_000,
    })
    expect(input).to.deep.equal({
      entries: [{ name: 'a', source: { kind: 'virtual' }, enabled: true, settings: { name: 'a' } }],
      hasFallback: false,
      demoWhenNone: false,
      pollEvery: 10_000,
      endsOnUnplug: false,
      priority: 50,
      storage: { warnPercent: 80, blockPercent: 90, minFree: 'auto', interval: 5_000, isGraded: false, freeTarget: 0 },
      indexing: { enabled: true, format: 'fmp4' },
      link: { resetAfter: 2_000 },
      mediaSessions: { startLimit: 22_000 },
      retention: {
        policy: { type: 'age', enabled: false, maxAgeDays: 30 },
        checkInterval: 3_600_000,
        hasTarget: false,
        hasAgeLimits: false,
      },
      streams: [],
      external: { enabled: false, interval: 5_000, atStart: false, skydio: false, generic: false },
      externalStreams: { maxStreams: 64, interval: 5_000 },
    })
    const formatOf = (format: 'mp4' | 'mkv') =>
      fleetInput({ ...defaults, recording: { ...defaults.recording, format } }, { streams: [] }).indexing.format
    expect([formatOf('mp4'), formatOf('mkv')]).to.deep.equal(['mp4', 'fmp4'])
    expect(fleetInput(defaults, { streams: [] }).external.interval).to.equal(30_000)
    const graded = (cameras: string) => fleetInput(configured({ CAMERAS: cameras }), { streams: [] }).storage.isGraded
    expect(graded('[{ name: a, source: virtual, priority: 50 }]')).to.equal(false)
    expect(graded('[{ name: a, source: virtual, priority: 51 }]')).to.equal(true)
    expect(drainLimit(defaults)).to.equal(4_500)
    expect(drainLimit(configured({ SERVER_SHUTDOWN_TIMEOUT: '2s' }))).to.equal(1_000)
    for (const time of ['1s', '2s', '5s', '10s', '1m']) {
      const config = configured({ SERVER_SHUTDOWN_TIMEOUT: time })
      const left = config.server.shutdown_timeout - drainLimit(config) - releaseLimit(config)
      expect(left, `of ${time}, for the media server`).to.be.at.least(400)
    }
  })

  it('for retention: with the limit of its type only', () => {
    const policy = (type: string) =>
      retentionPolicy(configured({ RETENTION_POLICY_TYPE: type, RETENTION_POLICY_ENABLED: 'on' }))
    expect(policy('age')).to.deep.equal({ type: 'age', enabled: true, maxAgeDays: 30 })
    expect(policy('size')).to.deep.equal({ type: 'size', enabled: true, maxSizeGb: 10 })
    expect(policy('manual')).to.deep.equal({ type: 'manual', enabled: true })
  })

  it('for scans: with enabled kinds only', () => {
    expect(scanPlan(defaults)).to.deep.equal({})
    const config = configured({
      EXTERNAL_DISCOVERY_SKYDIO_ENABLED: 'on',
      EXTERNAL_DISCOVERY_GENERIC_UAV_ENABLED: 'on',
      EXTERNAL_DISCOVERY_GENERIC_UAV_NETWORK_RANGES: '10.0.0.0/24',
    })
    expect(scanPlan(config)).to.deep.equal({
      skydio: {
        ranges: ['192.168.42.0/24'],
        hosts: ['192.168.42.10'],
        eoPort: 5554,
        irPort: 6554,
        eoPath: '/subject',
        irPath: '/infrared',
        both: true,
      },
      generic: { ranges: ['10.0.0.0/24'], hosts: [], ports: [554, 8554], paths: ['/stream', '/live', '/video'] },
    })
    expect(portOptions(defaults).scan).to.deep.equal({ plan: {}, hostLimit: 2_000, concurrency: 32 })
  })

  it('for the addresses that are not allowed as stream sources', () => {
    const media = [8554, 8888, 8889, 9997]
    expect(ownPlaces(defaults, 'managed', 4000)).to.deep.equal([{ ports: [8002, 8003, 4000, ...media] }])
    expect(ownPlaces(defaults, undefined, 4000)).to.deep.equal([{ ports: [8002, 8003, 4000, ...media] }])
    const config = configured({ ...external, SERVER_PUBLIC_HOST: 'cam.example' })
    expect(ownPlaces(config, 'external', 8004)).to.deep.equal([
      { ports: [8002, 8003, 8004] },
      { host: 'cam.example', ports: [8002, ...media] },
      { host: 'media.example', ports: media },
    ])
  })

  it('for the API', () => {
    const options: Partial<RpcOptions> = rpcOptions(defaults, '/console')
    expect(options).to.deep.equal({
      host: '127.0.0.1',
      port: 8002,
      path: '/ws',
      alsoListen: [],
      allowedIps: [],
      corsOrigins: ['http://localhost:3000', 'https://localhost:3000'],
      console: { dir: '/console' },
      limits: {
        maxConnections: 1_000,
        maxConnectionsPerAddress: 256,
        maxUnauthenticatedPerAddress: 32,
        maxMessageSize: 1_048_576,
        maxBuffered: 4_194_304,
        eventBuffer: 1_000,
        pingInterval: 30_000,
        pongWait: 60_000,
        authenticationTimeout: 60_000,
        expiryGrace: 30_000,
        rate: rateLimitOptions(defaults),
      },
      urls: {
        streamLife: 3_600_000,
        maxStreamLife: 30 * 86_400_000,
        fileLife: 900_000,
        bindAddress: false,
        openStreams: false,
      },
      snapshots: { format: 'jpg', quality: 90, maxAge: 1_000 },
      recordings: { format: 'fmp4' },
      simulation: false,
    })
    expect(rpcOptions(configured({ CONSOLE_ENABLED: 'no' }))).not.to.have.property('console')
    const config = configured({
      SERVER_PUBLIC_HOST: 'cam.example',
      SERVER_TLS_CERT_FILE: 'a.pem',
      SERVER_TLS_KEY_FILE: 'a.key',
    })
    expect(rpcOptions(config)).to.deep.include({
      publicHost: 'cam.example',
      tls: { certFile: 'a.pem', keyFile: 'a.key', clientCertificate: 'none', clients: [] },
    })
  })

  it('for health', () => {
    const options: Partial<HealthOptions> | undefined = healthOptions(defaults)
    expect(options).to.deep.equal({
      host: '127.0.0.1',
      port: 8003,
      internalOnly: true,
      hosts: [],
      allowedIps: [],
      withMetrics: true,
    })
    expect(healthOptions(configured({ HTTP_HEALTH_ENABLED: 'off' }))).to.equal(undefined)
  })
})
