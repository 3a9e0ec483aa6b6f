import { generateKeyPairSync } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { SignJWT } from 'jose'
import { describeKinds, type Service, sideBySide, startService, virtual } from '../e2e/service.js'
import { createStage } from '../rpc/fakes.js'
import { claimsOf, command, describeRtsp, forgeries, get, handshake, hungUp, raw, sigOf } from './attacksTools.js'

const from = (localAddress = '127.0.0.1') => ({ localAddress })
const isDecodable = (text: string) => {
  try {
    return decodeURIComponent(text) !== undefined
  } catch {
    return false
  }
}
const recording = (camera: string) => `${camera}_2025-01-01_00-00-00-000000.mp4`

describeKinds('attacks on access', (kind) => {
  const stage = createStage(50_000)
  const issuer = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const publicPem = String(issuer.publicKey.export({ type: 'spki', format: 'pem' }))
  let outside: string
  let service: Service

  before(async () => {
    outside = await mkdtemp(join(tmpdir(), 'outside-'))
    await writeFile(join(outside, 'issuer.pem'), publicPem)
    await writeFile(join(outside, recording('camera9')), 'a secret of the host')
    const env = {
      CAMERA_SERVICE_SECURITY_JWT_KEYS: `[{algorithm: RS256, file: ${join(outside, 'issuer.pem')}}]`,
      CAMERA_SERVICE_SECURITY_STREAM_URL_BIND_ADDRESS: 'true',
      // Another test covers the delay of guesses.
      CAMERA_SERVICE_SECURITY_AUTH_FAILURES: '1000',
      CAMERA_SERVICE_SECURITY_RATE_LIMIT_REQUESTS: '100000',
      CAMERA_SERVICE_EXTERNAL_DISCOVERY_ENABLED: 'true',
    }
    service = await startService({ kind, cameras: ['door', 'yard'].map(virtual), env })
    for (const camera of ['camera0', 'camera1']) {
      const folder = join(service.dataDir, 'recordings', camera)
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, recording(camera)), `what ${camera} saw`)
    }
  })
  after(async () => {
    await stage.end()
    await service?.end()
    await rm(outside, { recursive: true, force: true })
  })

  const connect = (token?: string) => stage.connect(service.ports.rpc, token === undefined ? {} : { role: token })
  const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } })
  const filePath = (camera: string) => `/files/recordings/${recording(camera)}`
  const stillPath = (camera: string) => `/cameras/${camera}/snapshot.jpg?max_age=60`
  const streamUrl = (camera: string) => `rtsp://127.0.0.1:${service.ports.rtsp}/${camera}`
  /** Without the first redirect, by which MediaMTX checks for cookies before it asks the service. */
  const hls = (camera: string, query: string, localAddress?: string) =>
    get(service.ports.hls, `/${camera}/index.m3u8?cookieCheck=1&${query}`, from(localAddress))

  /** The signatures in the URLs of a viewer, by kind. */
  const sigsOf = async (token: string, camera: string) => {
    const client = await connect(token)
    const { result: file } = await client.call('get_recording_info', { filename: recording(camera) })
    const { result: stream } = await client.call('get_stream_url', { device: camera })
    return { file: sigOf(file.download_url), still: sigOf(stream.snapshot_url), stream: sigOf(stream.stream_url) }
  }

  /** The ways to use a signature; each resolves with the status. */
  const openings: Record<
    string,
    { kind: 'file' | 'still' | 'stream'; ask: (query: string, localAddress?: string) => Promise<number> }
  > = {
    file: {
      kind: 'file',
      ask: async (query, localAddress) =>
        (await get(service.ports.rpc, `${filePath('camera0')}?camera=camera0&${query}`, from(localAddress))).status,
    },
    still: {
      kind: 'still',
      ask: async (query, localAddress) =>
        (await get(service.ports.rpc, `${stillPath('camera0')}&${query}`, from(localAddress))).status,
    },
    RTSP: {
      kind: 'stream',
      ask: (query, localAddress) => describeRtsp(`${streamUrl('camera0')}?${query}`, from(localAddress)),
    },
    ...(kind === 'managed' && {
      HLS: {
        kind: 'stream',
        ask: async (query: string, localAddress?: string) => (await hls('camera0', query, localAddress)).status,
      },
    }),
  }
  const query = (sig: string) => `sig=${encodeURIComponent(sig)}`

  sideBySide({
    'signed URLs open their subject for their caller, and nothing else': async () => {
      const token = await service.token('viewer')
      const [own, other] = [await sigsOf(token, 'camera0'), await sigsOf(token, 'camera1')]
      // This also wakes the stream, so that only the signature decides below.
      for (const [name, { kind, ask }] of Object.entries(openings))
        expect(await ask(query(own[kind])), name).to.equal(200)
      const tried: [what: string, status: Promise<number>][] = []
      for (const [name, { kind, ask }] of Object.entries(openings)) {
        for (const [what, sig] of Object.entries(forgeries(own[kind], other[kind])))
          tried.push([`${name}: ${what}`, ask(query(sig))])
        for (const [of, sig] of Object.entries(own)) if (of !== kind) tried.push([`${name}: of ${of}`, ask(query(sig))])
        for (const [of, sig] of Object.entries(other))
          tried.push([`${name}: of another camera's ${of}`, ask(query(sig))])
        tried.push([`${name}: the token itself`, ask(query(token))])
        tried.push([`${name}: twice`, ask(`${query(own[kind])}&${query(own[kind])}`)])
        tried.push([`${name}: good and bad`, ask(`${query('x')}&${query(own[kind])}`)])
        tried.push([`${name}: by another name`, ask(`SIG=${encodeURIComponent(own[kind])}`)])
        tried.push([`${name}: from another address`, ask(query(own[kind]), '127.0.0.2')])
      }
      const isContradiction = (what: string) => /^(file|still): (twice|good and bad)$/.test(what)
      // MediaMTX closes the connection after the overlong one.
      const isCut = (what: string) => kind === 'managed' && what === 'RTSP: overlong'
      for (const [what, status] of tried)
        expect(await status, what).to.equal(isCut(what) ? hungUp : isContradiction(what) ? 400 : 401)
      if (kind === 'managed') {
        const playlist = (await hls('camera0', query(own.stream))).body
        const [, variant = '', session = ''] = /(\w+_stream\.m3u8)\?(session=[\w-]+)/.exec(playlist) ?? []
        const statusOf = async (camera: string, address?: string) =>
          (await get(service.ports.hls, `/${camera}/${variant}?${session}`, from(address))).status
        expect([
          await statusOf('camera0'),
          await statusOf('camera1'),
          await statusOf('camera0', '127.0.0.2'),
        ]).to.deep.equal([200, 401, 401])
      }
      for (const sig of Object.values(own)) {
        expect((await get(service.ports.rpc, filePath('camera0'), bearer(sig))).status).to.equal(401)
        expect((await (await connect()).call('authenticate', { auth_token: sig })).error?.code).to.equal(-32001)
      }
    },

    'forged and altered tokens are refused in every way': async () => {
      const now = Math.floor(Date.now() / 1000)
      const claims = { user_id: 'eve', role: 'admin', iat: now - 10, exp: now + 3_600, jti: 'made-up' }
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
      const byIssuer = (changes: object, header: object = {}) =>
        new SignJWT({ ...claims, ...changes }).setProtectedHeader({ alg: 'RS256', ...header }).sign(issuer.privateKey)
      const bySecret = (secret: string | Uint8Array, alg = 'HS256') =>
        new SignJWT(claims).setProtectedHeader({ alg }).sign(typeof secret === 'string' ? Buffer.from(secret) : secret)
      const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
      const own = await service.token('viewer')
      const theirs = await byIssuer({})
      const [head = '', , seal = ''] = own.split('.')
      const expired = await service.token('viewer', 1_000)
      const bad: Record<string, string> = {
        'alg none': `${part({ alg: 'none' })}.${part(claims)}.`,
        'alg None with a seal': `${part({ alg: 'None' })}.${part(claims)}.${seal}`,
        'no alg': `${part({ typ: 'JWT' })}.${part(claims)}.${seal}`,
        'another body under a good seal': `${head}.${part(claims)}.${seal}`,
        'HS256 by the public key': await bySecret(publicPem),
        'HS256 by the public key in DER': await bySecret(issuer.publicKey.export({ type: 'spki', format: 'der' })),
        'HS512 by the public key': await bySecret(publicPem, 'HS512'),
        'HS256 by another key': await bySecret('another key of thirty-two bytes or more'),
        'HS256 by nothing': await bySecret(new Uint8Array(32)),
        'RS256 by a stranger': await new SignJWT(claims).setProtectedHeader({ alg: 'RS256' }).sign(stranger),
        'a stranger who brings a key': await new SignJWT(claims)
          .setProtectedHeader({ alg: 'RS256', jwk: issuer.publicKey.export({ format: 'jwk' }) })
          .sign(stranger),
        'PS256 by the issuer': await new SignJWT(claims).setProtectedHeader({ alg: 'PS256' }).sign(issuer.privateKey),
        'RS256 called HS256': `${part({ alg: 'HS256' })}.${theirs.split('.').slice(1).join('.')}`,
        'expired, by the issuer': await byIssuer({ iat: now - 100, exp: now - 1 }),
        'of tomorrow': await byIssuer({ iat: now + 86_400, exp: now + 90_000 }),
        'not yet': await byIssuer({ nbf: now + 3_600 }),
        'for ever': await byIssuer({ exp: undefined }),
        'of no known role': await byIssuer({ role: 'root' }),
        'of several roles': await byIssuer({ role: ['viewer', 'admin'] }),
        'of everything': await byIssuer({ cameras: '*' }),
        'a kid that is no text': await byIssuer({}, { kid: 7 }),
        'a part too many': `${own}.${seal}`,
        'an API key that nobody made': `csk_${'A'.repeat(43)}`,
      }
      await service.until('the short token expires', () => Date.now() > claimsOf(expired).exp * 1000)
      bad.expired = expired
      // The same claims in a valid token are accepted, so each of the others fails for its own fault.
      for (const good of [own, theirs]) {
        expect((await get(service.ports.rpc, filePath('camera0'), bearer(good))).status).to.equal(200)
        expect(await describeRtsp(streamUrl('camera0'), { password: good })).to.equal(200)
      }
      const client = await connect()
      const refusals = Object.entries(bad).map(async ([what, token]) => {
        const reply = await client.call('authenticate', { auth_token: token })
        const statuses = await Promise.all([
          get(service.ports.rpc, filePath('camera0'), bearer(token)).then(({ status }) => status),
          get(service.ports.rpc, stillPath('camera0'), { headers: { 'X-API-Key': token } }).then(
            ({ status }) => status,
          ),
          get(service.ports.rpc, `${filePath('camera0')}?token=${token}`).then(({ status }) => status),
          describeRtsp(streamUrl('camera0'), { password: token }),
          describeRtsp(`${streamUrl('camera0')}?token=${token}`),
        ])
        expect([reply.error?.code, ...statuses], what).to.deep.equal([-32001, 401, 401, 401, 401, 401])
      })
      await Promise.all(refusals)
      expect((await client.call('get_camera_list')).error?.data.reason).to.equal('auth_required')
    },

    'a revoked token ends everything that it opened': async () => {
      const witness = await connect(await service.token('viewer'))
      const admin = await connect(await service.token('admin'))
      const ways: Record<string, (token: string, session: string) => Promise<unknown>> = {
        end_session: (_, session_id) => admin.call('end_session', { session_id, revoke: true }),
        revoke_token: (token) => admin.call('revoke_token', { jti: claimsOf(token).jti }),
        'the command line': (token) => command(service, 'token', '--revoke', claimsOf(token).jti),
      }
      const tell = async ([way, revoke]: [string, (token: string, session: string) => Promise<unknown>]) => {
        const token = await service.token('viewer')
        const client = await connect()
        const { result } = await client.call('authenticate', { auth_token: token })
        const sigs = await sigsOf(token, 'camera0')
        const answers = () =>
          Promise.all([
            get(service.ports.rpc, filePath('camera0'), bearer(token)).then(({ status }) => status),
            describeRtsp(streamUrl('camera0'), { password: token }),
            ...Object.values(openings).map(({ kind, ask }) => ask(query(sigs[kind]))),
          ])
        for (const status of await answers()) expect(status, way).to.equal(200)
        await revoke(token, result.session_id)
        await service.until(
          `${way} ends the session`,
          () => client.notices.some(({ method }) => method === 'session.expired'),
          5_000,
        )
        expect((await client.call('get_camera_list')).error?.code, way).to.equal(-32001)
        expect((await client.call('authenticate', { auth_token: token })).error?.data.reason, way).to.equal('revoked')
        for (const status of await answers()) expect(status, way).to.equal(401)
        expect((await (await connect()).call('authenticate', { auth_token: token })).error?.code, way).to.equal(-32001)
      }
      await Promise.all(Object.entries(ways).map(tell))
      expect((await witness.call('get_camera_list')).error).to.equal(undefined)
    },

    'no name leads out of the folders or through a link': async () => {
      const recordings = join(service.dataDir, 'recordings')
      const links = [recording('camera9'), 'camera0_link.mp4', 'camera9_folder.mp4']
      await symlink(join(outside, recording('camera9')), join(recordings, links[0] ?? ''))
      await symlink(join(outside, recording('camera9')), join(recordings, 'camera0', 'camera0_link.mp4'))
      await symlink(join(service.dataDir, 'state'), join(recordings, 'camera0', 'camera9_folder.mp4'))
      await symlink(outside, join(recordings, 'camera9'))
      const token = await service.token('admin')
      const up = [
        ...[
          '../',
          '..%2f',
          '%2e%2e/',
          '%2e%2e%2f',
          '%252e%252e%252f',
          '..%252f',
          '..%5c',
          '..\\',
          '....//',
          '%c0%ae%c0%ae%c0%af',
          '..%c0%af',
          '%e0%80%ae%e0%80%ae/',
        ],
        ...[
          '..%00/',
          '.%00./',
          '%2e%2e%3b/',
          '..;/',
          '%uff0e%uff0e/',
          '/',
          '%2f',
          '%2f%2f',
          'file:%2f%2f',
          './',
          'camera0/',
          'camera0%2f',
          'camera9/',
          'camera9%2f',
        ],
      ]
      const paths = [
        ...up.flatMap((step) =>
          ['recordings', 'snapshots'].flatMap((kind) => [
            `/files/${kind}/${step}${recording('camera9')}`,
            `/files/${kind}/${step.repeat(6)}etc/passwd`,
          ]),
        ),
        ...links.map((name) => `/files/recordings/${name}`),
        ...[
          '/files/../recordings/x.mp4',
          '/files',
          '/files/',
          '/files/recordings/',
          '/files/recordings/.',
          '/files//recordings/x.mp4',
          '/FILES/recordings/x.mp4',
        ],
        ...[
          `/files/recordings/${recording('camera0')}/`,
          `/files/recordings/${recording('camera0')}%00.jpg`,
          `/files/recordings/${recording('camera0')}%0d%0aX-Evil:%20yes`,
        ],
        ...[
          '/files/state/revoked.json',
          '/files/recordings/%2e%2e/secrets/jwt_secret',
          '/cameras/../files/x/snapshot.jpg',
          '/cameras/camera0%2f..%2fcamera1/snapshot.jpg',
        ],
        ...[
          '/cameras/%2e%2e/snapshot.jpg',
          '/cameras/camera0%00/snapshot.jpg',
          `/cameras/${'9'.repeat(5_000)}/snapshot.jpg`,
          'http://127.0.0.1/files/recordings/x.mp4',
          '*',
        ],
      ]
      /** 400 for an invalid file name; an address that does not exist, or a valid name without a file, is 404. */
      const expectedOf = (path: string) => {
        const [, name = ''] = /^\/files\/(?:recordings|snapshots)\/([^/]+)$/.exec(path) ?? []
        const isInvalid = !isDecodable(name) || /[/\\:\0\r\n]|\.\.|^\.$/.test(decodeURIComponent(name))
        return isInvalid ? 400 : 404
      }
      for (const path of paths) {
        const { status, body, headers } = await get(service.ports.rpc, path, bearer(token))
        expect(status, path).to.equal(expectedOf(path))
        expect(body + JSON.stringify(headers), path).to.not.match(/a secret of|root:|evil: ?yes/)
        expect(body, path).to.not.contain(outside).and.to.not.contain(service.dataDir)
        // Without a credential a request does not even learn whether the name is valid.
        const isServed = path.startsWith('/files/') || path.startsWith('/cameras/')
        expect((await get(service.ports.rpc, path)).status, path).to.equal(isServed ? 401 : 404)
      }
      for (const line of [
        `GET ${filePath('camera0')}\0 HTTP/1.1`,
        `GET /files/recordings/\xc0\xae\xc0\xae/x HTTP/1.1`,
        'GET ../../etc/passwd HTTP/1.1',
      ]) {
        const answer = await raw(
          service.ports.rpc,
          Buffer.from(`${line}\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\n\r\n`, 'latin1'),
        )
        expect(answer.slice(0, 12), line).to.equal('HTTP/1.1 400')
      }

      const client = await connect(token)
      const names = [
        ...[
          '../../outside.mp4',
          '/etc/passwd',
          '..',
          '.',
          '',
          '..\\x.mp4',
          'camera0/x.mp4',
          `camera9/${recording('camera9')}`,
          '\0',
          `${recording('camera0')}\0`,
          'a\r\nSet-Cookie: x=y',
        ],
        ...[
          '%2e%2e%2fx.mp4',
          '....//x.mp4',
          '~/x.mp4',
          '$(id).mp4/',
          '-rf',
          'x'.repeat(300),
          '\u202egpj.mp4',
          '.hidden.mp4',
          'CON:.mp4',
          'file:///etc/passwd',
          '\ud800',
        ],
        ...links,
      ]
      // Names that are valid, and that no file of the service has.
      const absent = [...links, '%2e%2e%2fx.mp4']
      for (const filename of names) {
        for (const method of ['get_recording_info', 'delete_recording', 'get_snapshot_info', 'delete_snapshot']) {
          const { error } = await client.call(method, { filename })
          const expected = absent.includes(filename) ? -32010 : -32602
          expect(error?.code, `${method} ${JSON.stringify(filename)}`).to.equal(expected)
          expect(JSON.stringify(error)).to.not.contain(service.dataDir)
        }
      }
      for (const filename of [
        '../x',
        '/tmp/x',
        'a/b',
        'a\0',
        'a\r\nb',
        '..',
        '-y',
        '.x',
        'a\\..\\b',
        'é'.repeat(200),
      ]) {
        expect(
          (await client.call('take_snapshot', { device: 'camera0', filename })).error?.code,
          JSON.stringify(filename),
        ).to.equal(-32602)
      }
      for (const device of [
        '../camera0',
        'camera0/../camera1',
        'camera0\0',
        'camera0\r\n',
        '/dev/video0',
        'camera-1',
        'camera0 ',
        'CAMERA0',
        'camera٠',
        '__proto__',
      ]) {
        for (const method of ['get_camera_status', 'start_recording', 'get_stream_url', 'take_snapshot', 'simulate']) {
          const { error } = await client.call(method, { device, action: 'plug' })
          expect(error?.code, `${method} ${JSON.stringify(device)}`).to.equal(-32602)
        }
      }
      const { result } = await client.call('list_recordings')
      expect(result.files.map(({ filename }: { filename: string }) => filename).sort()).to.deep.equal(
        ['camera0', 'camera1'].map(recording),
      )
      expect(await readFile(join(outside, recording('camera9')), 'utf8')).to.equal('a secret of the host')
      expect((await readdir(outside)).sort()).to.deep.equal([recording('camera9'), 'issuer.pem'])
    },

    'only streams of other hosts can be added': async () => {
      let visits = 0
      const honeypot = createServer((socket) => {
        visits += 1
        socket.destroy()
      })
      await new Promise<void>((resolve) => honeypot.listen(0, '127.0.0.1', resolve))
      stage.ends.push(() => honeypot.close())
      const { port } = honeypot.address() as { port: number }
      const { rtsp, rpc, health, api, hls } = service.ports
      const here = [
        '127.0.0.1',
        'localhost',
        'LOCALHOST.',
        '127.1',
        '127.0.0.2',
        '0x7f.1',
        '2130706433',
        '017700000001',
        '[::1]',
        '[::ffff:127.0.0.1]',
        '[0:0:0:0:0:ffff:7f00:1]',
        'user:secret@127.0.0.1',
        'x.localhost',
        '①②⑦.0.0.1',
      ]
      const targets = [
        ...here.map((host) => `rtsp://${host}:${rtsp}/camera0`),
        ...[rpc, health, api, hls].map((each) => `rtsp://127.0.0.1:${each}/camera0`),
        ...[
          '0.0.0.0',
          '169.254.169.254',
          '[fd00:ec2::254]',
          '224.0.0.1',
          '255.255.255.255',
          '[ff02::1]',
          '[::]',
          '0',
          '0xa9fea9fe',
          '2852039166',
        ].map((host) => `rtsp://${host}:${port}/x`),
        ...['http', 'https', 'file', 'ftp', 'gopher', 'rtmp', 'srt', 'tcp', 'unix', 'concat', 'javascript'].map(
          (scheme) => `${scheme}://127.0.0.1:${port}/x`,
        ),
        ...[
          'file:///etc/passwd',
          '/etc/passwd',
          '-i',
          'pipe:0',
          'lavfi:testsrc',
          '|id',
          'rtsp:127.0.0.1',
          'rtsp:///x',
          'rtsp://',
          'rtsp://:554/',
          'rtsp://h:0/',
          'rtsp://h:99999/',
          'rtsp://h:/',
        ],
        ...[
          `rtsp://127.0.0.1:${port}\\@camera.example/x`,
          `rtsp://camera.example#@127.0.0.1:${port}/x`,
          `rtsp://camera.example/@127.0.0.1:${port}/x`,
          `rtsp://a@b@127.0.0.1:${rtsp}/x`,
          `rtsp://camera.example:554@127.0.0.1:${rtsp}/x`,
        ],
        ...[
          `rtsp://127.0.0.1:${port}/x\r\nX-Evil: yes`,
          `rtsp://127.0.0.1:${port}/ -f mpegts tcp://x`,
          `rtsp://127.0.0.1:${port}/$MTX_QUERY`,
          `rtsp://127.0.0.1:${port}/\0`,
          `rtsp://127.0.0.1:${port}/${'x'.repeat(4_000)}`,
        ],
      ]
      const client = await connect(await service.token('operator'))
      for (const stream_url of targets) {
        const { error } = await client.call('add_external_stream', { stream_url, stream_name: 'Drone' })
        expect(error?.code, JSON.stringify(stream_url)).to.equal(-32602)
        expect(JSON.stringify(error)).to.not.contain('secret')
      }
      for (const stream_name of ['', ' ', 'a\r\nX-Evil: yes', 'a\0', '\u202eoediv', 'x'.repeat(65), '\u2028']) {
        const { error } = await client.call('add_external_stream', {
          stream_url: `rtsp://127.0.0.1:${port}/x`,
          stream_name,
        })
        expect(error?.code, JSON.stringify(stream_name)).to.equal(-32602)
      }
      expect((await client.call('get_external_streams')).result.total_count).to.equal(0)
      expect(visits).to.equal(0)
    },

    'a page of a foreign origin and a forged host get nothing': async () => {
      const token = await service.token('admin')
      for (const Origin of [
        'https://evil.example',
        'null',
        'http://localhost:3000.evil.example',
        'http://localhost:30000',
        'file://',
        'HTTP://EVIL',
      ]) {
        for (const path of [filePath('camera0'), stillPath('camera0'), '/ws']) {
          const { status, headers } = await get(service.ports.rpc, path, {
            headers: { Origin, Authorization: `Bearer ${token}` },
          })
          expect([status, headers['access-control-allow-origin']], `${Origin} ${path}`).to.deep.equal([403, undefined])
        }
        const upgrade = `GET /ws HTTP/1.1\r\nHost: x\r\nOrigin: ${Origin}\r\n${handshake}`
        // Opened and closed at once: a close frame (0x88) with 4403 is all that follows the handshake.
        const [head, frame = ''] = (await raw(service.ports.rpc, upgrade)).split('\r\n\r\n')
        expect(head?.slice(0, 12), Origin).to.equal('HTTP/1.1 101')
        expect([frame.charCodeAt(0), Buffer.from(frame, 'latin1').readUInt16BE(2)], Origin).to.deep.equal([0x88, 4403])
        expect(frame.length, Origin).to.equal(2 + frame.charCodeAt(1))
      }
      const spoofed = await stage.connect(service.ports.rpc, {
        role: token,
        headers: { host: 'evil.example/"><script>', 'x-forwarded-for': '10.0.0.1', 'x-forwarded-host': 'evil' },
      })
      const { result } = await spoofed.call('get_stream_url', { device: 'camera0' })
      expect(new URL(result.stream_url).hostname).to.equal('127.0.0.1')
      expect(JSON.stringify(result)).to.not.contain('evil')
      const { result: who } = await spoofed.call('list_sessions')
      expect(who.sessions.map(({ address }: { address: string }) => address)).to.not.include('10.0.0.1')
    },
  })

  it('the service is unharmed, and its log contains no secret', async () => {
    expect((await service.call<{ status: string }>('get_system_status')).status).to.equal('ready')
    const lines = service.log.join('\n')
    expect(lines).to.not.match(/"level":"error"|a secret of the host|eyJ[\w-]+\.eyJ|user:secret@|sig=W/)
    expect(await command(service, 'audit', 'verify')).to.include({ code: 0 })
  })
})
