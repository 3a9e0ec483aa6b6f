import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { expect } from 'chai'
import { createTokens } from '../../adapters/tokens/tokens.js'
import { type Client, environment, program, virtual } from '../e2e/service.js'
import { createAuthority, hasOpenssl } from '../rpc/certificates.js'
import { until as waitUntil } from '../rpc/wait.js'
import { connect } from '../support/client.js'
import { createMatrix, type Identity } from './permissionsCells.js'
import { cameras, enter, furnish, type House, settings, stir, type Visitor } from './permissionsHouse.js'
import { methodRows } from './permissionsMethods.js'
import { httpRows, notificationRow, rtspRows } from './permissionsWays.js'

const identities: readonly Identity[] = [
  { title: 'none', role: 'none', limited: false },
  { title: 'viewer=', role: 'viewer', limited: true },
  { title: 'operator=', role: 'operator', limited: true },
  { title: 'admin=', role: 'admin', limited: true },
  { title: 'admin', role: 'admin', limited: false },
]
const certified = identities.filter(({ role }) => role !== 'none')
const secretKey = 'a key of the permission tests, 32 bytes or more'

/** A plain port that forwards to the TLS port with a client certificate, so that clients need none. */
async function passage(options: ConnectionOptions): Promise<Server & { base: string }> {
  const server = createServer((socket) => {
    const onward = connectTls({ host: '127.0.0.1', ...options })
    for (const each of [socket, onward]) each.on('error', () => {})
    socket.on('close', () => onward.destroy()).pipe(onward)
    onward.on('close', () => socket.destroy()).pipe(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return Object.assign(server, { base: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}` })
}

const suite = hasOpenssl() ? describe : describe.skip

suite('permissions by certificate (with openssl on PATH), embedded', function () {
  this.timeout(60_000)
  let authority: ReturnType<typeof createAuthority>
  let dataDir: string
  let child: ChildProcess
  let house: House
  let rtspPort = 0
  const visitors = new Map<string, Visitor>()
  const clients: Client[] = []
  const passages: Server[] = []

  const pass = async (options: ConnectionOptions) => {
    const made = await passage(options)
    passages.push(made)
    return made.base
  }
  const enterBy = async (base: string, listener?: Parameters<House['connect']>[0]) => {
    const client = await connect(`${base.replace('http', 'ws')}/ws`, listener)
    clients.push(client)
    return client
  }
  const until = async (what: string, probe: () => Promise<boolean> | boolean) => {
    const isOver = async () => {
      if (child.exitCode !== null) throw new Error(`${what}: the service ended with ${child.exitCode}`)
      return probe()
    }
    await waitUntil(what, isOver, 20_000)
  }

  before(async () => {
    authority = createAuthority()
    authority.sign('server', '/CN=camera host')
    for (const { title } of certified) authority.sign(title, `/CN=${title}`)
    const tls = {
      CAMERA_SERVICE_SERVER_TLS_CERT_FILE: authority.file('server.pem'),
      CAMERA_SERVICE_SERVER_TLS_KEY_FILE: authority.file('server.key'),
      CAMERA_SERVICE_SERVER_TLS_CLIENT_CA_FILE: authority.file('ca.pem'),
      CAMERA_SERVICE_SERVER_TLS_CLIENT_CERTIFICATE: 'optional',
      CAMERA_SERVICE_SERVER_TLS_CLIENTS: JSON.stringify(
        certified.map(({ title, role, limited }) => ({
          subject: title,
          user: title,
          role,
          ...(limited && { cameras: cameras.own }),
        })),
      ),
      CAMERA_SERVICE_SECURITY_JWT_SECRET_KEY: secretKey,
    }
    dataDir = await mkdtemp(join(tmpdir(), 'camera-service-'))
    const { env, ports } = await environment({
      kind: 'embedded',
      cameras: ['yard', 'secluded'].map(virtual),
      env: { ...settings, ...tls },
      dataDir,
    })
    // Methods that change the configuration need a file.
    env.CAMERA_SERVICE_CONFIG = join(dataDir, 'service.yml')
    await writeFile(env.CAMERA_SERVICE_CONFIG, '')
    child = spawn(process.execPath, [program, 'serve'], { env, stdio: 'ignore' })
    rtspPort = ports.rtsp
    const isReady = () =>
      fetch(`http://127.0.0.1:${ports.health}/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      )
    await until('the service is ready', isReady)

    const to = { port: ports.rpc, ca: authority.read('ca.pem') }
    const base = await pass(to)
    const tokens = createTokens({ secret: Buffer.from(secretKey), clock: Date })
    const token: House['token'] = (role, own) =>
      tokens.issue({ user: role, role, expiresIn: 3_600_000, ...(own && { cameras: own }) })
    const admin = await enterBy(base)
    await admin.call('authenticate', { auth_token: await token('admin') })
    house = {
      dataDir,
      base,
      token,
      until,
      call: (method, params) => admin.call(method, params),
      connect: (listener) => enterBy(base, listener),
      visitor: ({ title }) => {
        const visitor = visitors.get(title)
        if (visitor === undefined) throw new Error(`${title} is not connected`)
        return visitor
      },
    }
    await until(
      'the cameras are available',
      async () =>
        (await house.call<{ available_cameras: string[] }>('get_system_status')).available_cameras.length === 2,
    )
    await furnish(house)
    await enter(house, { title: 'neighbour', role: 'viewer', limited: true }, await token('viewer', cameras.other))
    for (const identity of identities) {
      const own = identity.role === 'none' ? base : await pass({ ...to, ...authority.pair(identity.title) })
      visitors.set(identity.title, {
        ...(await enter({ connect: (listener) => enterBy(own, listener) }, identity, '')),
        base: own,
      })
    }
  })
  after(async () => {
    for (const client of clients) client.close()
    for (const each of passages) each.close()
    if (child?.exitCode === null) {
      const exited = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
      await exited
      clearTimeout(timer)
    }
    authority?.remove()
    if (dataDir) await rm(dataDir, { recursive: true, force: true, maxRetries: 5 })
    console.log(matrix.print())
  })

  const here = () => house
  const rows = [
    ...methodRows(here),
    // The certificate of the connection is the only credential; streams and files also open by signed URLs.
    ...httpRows(here, { certificate: () => ({}) }),
    ...rtspRows(here, () => rtspPort).filter(({ title }) => title.endsWith('signed URL')),
  ]
  const notified = notificationRow(here)
  const matrix = createMatrix(identities, [...rows, notified])

  describe('each method, and each way to files, pictures and streams', () => {
    for (const row of rows) it(row.title, () => matrix.verify(row))
  })
  describe('at the end', () => {
    it(notified.title, async () => {
      await stir(house, [...visitors.values()])
      await matrix.verify(notified)
    })
    it('leaves no cell unverified', () => expect(matrix.unverified()).to.deep.equal([]))
  })
})
