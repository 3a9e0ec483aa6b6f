import { mkdirSync, writeFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { findOnPath } from '../../adapters/programs.js'
import { doctor, examine } from '../../commands/doctor/doctor.js'
import type { Finding } from '../../commands/doctor/finding.js'
import { type DoctorHost, hostOf } from '../../commands/doctor/host.js'
import { CommandError } from '../../commands/outcome.js'

const year = Date.UTC(2026, 0, 2, 3, 4, 5)
const clock = { now: () => year, monotonic: () => performance.now() }
const webcam = (at: number, port: string) =>
  ({
    kind: 'usb',
    node: `/dev/video${at}`,
    vendorId: '1d6b',
    productId: '0102',
    model: 'Test Cam',
    port: `pci-0000:00:14.0-usb-0:${port}:1.0`,
  }) as const

/** A host on which all is well; nothing of the real one is asked. */
const healthy: DoctorHost = {
  env: {},
  now: () => year,
  uid: () => 8002,
  programs: async () => [
    { name: 'ffmpeg', package: 'ffmpeg', file: '/usr/bin/ffmpeg', version: '7.1' },
    { name: 'v4l2-ctl', package: 'v4l-utils', file: '/usr/bin/v4l2-ctl', version: '1.26' },
    { name: 'flock', package: 'util-linux', file: '/usr/bin/flock', version: '2.41' },
  ],
  encoders: async () => ' V....D libx264              libx264 H.264\n VFS... mjpeg                MJPEG\n',
  encoder: async (wish) => ({ encoder: wish === 'auto' ? 'h264_vaapi' : 'libx264', reason: 'it is so' }),
  udev: () => ({ runs: true, loads: true }),
  cameras: async () => [webcam(0, '1'), webcam(2, '2')],
  formats: async () => ['MJPG', 'YUYV'],
  holder: () => undefined,
  stat: async (file) =>
    file.startsWith('/dev')
      ? { uid: 0, gid: 44, mode: 0o660, isFolder: false }
      : /audit|fallback/.test(file)
        ? undefined
        : { uid: 8002, gid: 8002, mode: file.endsWith('secrets') ? 0o700 : 0o750, isFolder: true },
  mayUse: async () => true,
  groupName: async () => 'video',
  bindFault: async () => undefined,
  listener: () => undefined,
  children: () => [],
  get: async () => undefined,
  mediaServerAt: async () => 'nobody',
  mediaProgram: async () => ({ file: '/usr/local/bin/mediamtx', where: 'on the PATH' }),
  mediaVersion: async () => [1, 20, 1],
  mount: async () => ({ point: '/', type: 'ext4', options: ['rw', 'relatime'] }),
  usage: async () => ({ total: 100e9, used: 40e9, available: 60e9, percent: 40 }),
  writeSpeed: async () => 90e6,
  isSynchronised: async () => true,
  memory: async () => ({ total: 8e9, available: 6e9, limit: Number.POSITIVE_INFINITY }),
}

const none = join(tmpdir(), 'no-such-data-directory')
const sources = (env: Record<string, string> = {}) => ({ env: { CAMERA_SERVICE_DATA_DIR: none, ...env } })
/** What is not well, as `status check: message → fix`. */
const troubleOf = (findings: readonly Finding[]) =>
  findings.flatMap(({ check, status, message, fix }) =>
    status === 'ok' ? [] : [`${status} ${check}: ${message} → ${fix}`],
  )
const examined = async (changes: Partial<DoctorHost>, env: Record<string, string> = {}) =>
  troubleOf(await examine(() => sources(env), { ...healthy, ...changes }))

/** A broken set-up, and its only line that is not ok. */
type Case = [name: string, changes: Partial<DoctorHost>, line: string, env?: Record<string, string>]
/** `change`: empty if the program is missing. */
const program = (name: string, change: { version: string; effect: string } | undefined) => async () =>
  (await healthy.programs()).map((each) =>
    each.name !== name ? each : change === undefined ? { name, package: each.package } : { ...each, ...change },
  )
const inUse = (port: number, code = 'EADDRINUSE') => ({
  bindFault: async ({ port: asked }: { port: number }) => (asked === port ? code : undefined),
})
const external = { CAMERA_SERVICE_MEDIAMTX_MODE: 'external', CAMERA_SERVICE_MEDIAMTX_AUTH_PORT: '9996' }
const asked = (global: object) => ({
  mediaServerAt: async () => 'mediamtx' as const,
  get: async (url: string) =>
    url.endsWith('/info')
      ? { status: 200, body: { version: 'v1.20.1' } }
      : url.endsWith('/global/get')
        ? { status: 200, body: { ...global } }
        : undefined,
})

const cases: Case[] = [
  [
    'ffmpeg is missing',
    { programs: program('ffmpeg', undefined), encoders: async () => '' },
    'fail ffmpeg: it is missing: the service does not start, because no camera can be used → apt-get install ffmpeg',
  ],
  [
    'an old ffmpeg',
    { programs: program('ffmpeg', { version: '4.1', effect: 'streams do not start' }) },
    'warn ffmpeg: 4.1 is old: streams do not start → install a newer ffmpeg: package ffmpeg',
  ],
  [
    'an ffmpeg that does not answer in time',
    { encoders: async () => undefined },
    'warn encoders: ffmpeg did not list its encoders in 20 s → run doctor again when the host is less busy',
  ],
  [
    'an ffmpeg without H.264',
    { encoders: async () => ' VFS... mjpeg                MJPEG\n' },
    'fail encoders: ffmpeg has no libx264, which is needed for streams of cameras that do not send H.264 → ' +
      "install an ffmpeg with libx264, as Debian's",
  ],
  [
    'a hardware encoder that does not work',
    {},
    'warn encoder: libx264 instead of h264_nvenc: it is so → give the service the device of the encoder ' +
      '(docs/cameras.md), or set mediamtx.codec.encoder to auto',
    { CAMERA_SERVICE_MEDIAMTX_CODEC_ENCODER: 'h264_nvenc' },
  ],
  [
    'no v4l2-ctl',
    { programs: program('v4l2-ctl', undefined) },
    'warn v4l2-ctl: it is missing: USB cameras cannot be used → apt-get install v4l-utils',
  ],
  [
    'no udevd, as in a container',
    { udev: () => ({ runs: false, loads: true }) },
    'warn udev: udevd does not run here: cameras are found by polling once a second → ' +
      'in a container, mount /run/udev of the host read-only',
  ],
  [
    'an addon of udev for another Node',
    { udev: () => ({ runs: true, loads: false }) },
    `warn udev: its addon does not load in Node ${process.version}: cameras are found by polling once a second → ` +
      'build or install the service again with this Node and the package libudev-dev',
  ],
  [
    'a user outside of the group of a camera',
    { mayUse: async (file) => file !== '/dev/video2' },
    'fail camera /dev/video2: Test Cam: this user may not read and write it (group video) → ' +
      'add the user of the service to the group: usermod -aG video camera-service, then restart the service',
  ],
  [
    'a camera of root',
    {
      mayUse: async (file) => file !== '/dev/video2',
      stat: async (file) =>
        file.startsWith('/dev') ? { uid: 0, gid: 0, mode: 0o600, isFolder: false } : healthy.stat(file),
      groupName: async () => 'root',
    },
    'fail camera /dev/video2: Test Cam: this user may not read and write it (group root) → ' +
      'let a group use it, as in a rule of udev: SUBSYSTEM=="video4linux", GROUP="video", MODE="0660"',
  ],
  [
    'another program that uses a camera',
    { holder: (file) => (file === '/dev/video0' ? { pid: 77, command: 'cheese' } : undefined) },
    'warn camera /dev/video0: Test Cam: cheese (pid 77) uses it → end cheese',
  ],
  [
    'two uncompressed cameras on one bus',
    { formats: async () => ['YUYV'] },
    'warn bus pci-0000:00:14.0: /dev/video0, /dev/video2 send uncompressed pictures over one USB controller, which ' +
      'may carry only one of them → plug one into a port of another controller (lsusb -t shows them), or use a smaller ' +
      'size or rate',
  ],
  [
    'a port that another program has',
    { ...inUse(8002), listener: () => ({ pid: 99, command: 'nginx' }) },
    'fail port 8002: in use by nginx (pid 99) (server.port) → end nginx; or set server.port to another port',
  ],
  [
    'a port that a program of another user has',
    { ...inUse(8554), listener: () => ({}) },
    'fail port 8554: in use by a program of another user (mediamtx.rtsp_port) → find it with: ss -tlnp sport = :8554; ' +
      'or set mediamtx.rtsp_port to another port',
  ],
  [
    'a port of the system',
    inUse(443, 'EACCES'),
    'fail port 443: only root may use it (server.port) → set server.port to a port above 1023, behind a reverse proxy',
    { CAMERA_SERVICE_SERVER_PORT: '443' },
  ],
  [
    'an address of another host',
    { bindFault: async ({ host }) => (host === '192.0.2.1' ? 'EADDRNOTAVAIL' : undefined) },
    'fail port 8003: 192.0.2.1 is no address of this host (http_health.port) → set the host beside http_health.port ' +
      'to 127.0.0.1',
    { CAMERA_SERVICE_HTTP_HEALTH_HOST: '192.0.2.1' },
  ],
  [
    'no MediaMTX, which is demanded',
    { mediaProgram: async () => undefined },
    'fail MediaMTX: there is no program mediamtx on the PATH or in the data directory, and mediamtx.mode is managed: ' +
      'no camera can be used → camera-service download-mediamtx as the user of the service, or put mediamtx into ' +
      '/usr/local/bin',
    { CAMERA_SERVICE_MEDIAMTX_MODE: 'managed' },
  ],
  [
    'an old MediaMTX',
    { mediaVersion: async () => [1, 10, 0] },
    'fail MediaMTX: 1.10.0, on the PATH: versions before 1.11.0 are not supported → install a newer MediaMTX',
  ],
  [
    'an external MediaMTX that does not run',
    {},
    'fail MediaMTX: nobody answers at 127.0.0.1:9997 → start it, with `api: yes` in mediamtx.yml; or set ' +
      'mediamtx.api_port',
    external,
  ],
  [
    'an external MediaMTX that lets everybody watch',
    asked({ authMethod: 'internal' }),
    'fail MediaMTX: it does not ask this service for permission: anybody can watch → set authMethod: http and ' +
      'authHTTPAddress in mediamtx.yml, as docs/operate.md describes',
    external,
  ],
  [
    'an external MediaMTX that asks another service',
    asked({ authMethod: 'http', authHTTPAddress: 'http://127.0.0.1:1/media/auth?secret=x' }),
    'fail MediaMTX: it asks another address than that of this service for permission → set authMethod: http and ' +
      'authHTTPAddress in mediamtx.yml, as docs/operate.md describes',
    external,
  ],
  [
    'a read-only disk',
    { mount: async () => ({ point: '/srv', type: 'ext4', options: ['ro'] }) },
    `fail disk: ${none} is on /srv (ext4), which is mounted read-only → mount -o remount,rw /srv; dmesg says why if it ` +
      'failed',
  ],
  [
    'a data directory in memory',
    { mount: async () => ({ point: '/tmp', type: 'tmpfs', options: ['rw'] }) },
    `warn disk: ${none} is on /tmp (tmpfs): it is in memory: all recordings are lost at the next boot → set data_dir ` +
      'to a folder on a local ext4 or xfs',
  ],
  [
    'a full disk',
    { usage: async () => ({ total: 100e9, used: 95e9, available: 5e9, percent: 95 }) },
    'fail disk: 5.0 GB free, 95 % in use: recordings are refused → delete recordings, or set a retention policy: ' +
      'docs/configuration.md#retention_policy',
  ],
  [
    'a slow card',
    { writeSpeed: async () => 1.5e6 },
    'warn disk: it takes 1.5 MB a second: too slow for several recordings → use another disk or card, or record fewer ' +
      'cameras',
  ],
  [
    'a clock without a battery',
    { now: () => Date.UTC(1970, 0, 1) },
    'fail clock: it says 1970-01-01T00:00:00.000Z: recordings get wrong names, and tokens are refused → timedatectl ' +
      'set-ntp true, or install chrony; without a network, a clock with a battery',
  ],
  [
    'a clock that drifts',
    { isSynchronised: async () => false },
    'warn clock: 2026-01-02T03:04:05.000Z, not set by NTP: it drifts → timedatectl set-ntp true, or install chrony; ' +
      'without a network, a clock with a battery',
  ],
  [
    'too little memory, of a container too',
    { memory: async () => ({ total: 8e9, available: 6e9, limit: 100e6 }) },
    'fail memory: 100 MB of 100 MB available: too little for the service and MediaMTX → end other programs, add ' +
      'memory, or use cameras that send H.264: each other one needs 60 MB',
  ],
  [
    'root, for the service of another user',
    { uid: () => 0 },
    "warn user: this runs as root, with all permissions; the data directory belongs to uid 8002 → sudo -u '#8002' " +
      'camera-service doctor',
  ],
  [
    'a check that throws',
    { memory: async () => Promise.reject(new Error('/proc is not mounted')) },
    'warn memory: it could not be checked: /proc is not mounted → report this as a fault of camera-service doctor',
  ],
]

describe('camera-service doctor', () => {
  it('finds nothing on a host on which all is well', async () => {
    expect(await examined({})).to.deep.equal([])
  })

  for (const [name, changes, line, env] of cases)
    it(`names the fix for ${name}`, async () => expect(await examined(changes, env)).to.deep.equal([line]))

  it('takes the ports of the running service and its media server for its own', async () => {
    const used = { bindFault: async () => 'EADDRINUSE', listener: () => ({ pid: 12, command: 'node' }) }
    const holder = (file: string) => (file.endsWith('service.lock') ? { pid: 12, command: 'node' } : undefined)
    const get = async () => ({ status: 200, body: { state: 'up' } })
    expect(await examined({ ...used, holder, get })).to.deep.equal([])
    expect(await examined({ ...used, get, children: () => [12] })).to.deep.equal([])
  })

  it('repeats what the running service says of its media server', async () => {
    const get = async () => ({ status: 503, body: { state: 'down', message: 'it was killed' } })
    expect(await examined({ get })).to.deep.equal([
      'warn MediaMTX: the running service says: down: it was killed → camera-service explain mediamtx',
    ])
  })

  it('names each fault of the configuration, and checks the rest with the defaults', async () => {
    const lines = troubleOf(await examine(() => sources({ CAMERA_SERVICE_SERVER_PORT: 'x' }), healthy))
    expect(lines[0]).to.match(/^fail configuration: server\.port = "x": must be .* → edit the environment; camera-/)
    expect(lines.slice(1)).to.deep.equal([
      'warn configuration: the rest is checked with the defaults → repair the configuration, then run this again',
      'warn service: it is not where the defaults would have it → repair the configuration, then run this again',
    ])
    const denied = () => {
      throw new CommandError('/etc/camera-service/camera-service.yml may not be read', 77)
    }
    expect(troubleOf(await examine(denied, healthy))[0]).to.contain('may not be read')
  })

  describe('on this host', () => {
    let dir: string
    beforeEach(async () => {
      dir = await mkdtemp(join(tmpdir(), 'camera-service-'))
    })
    afterEach(() => rm(dir, { recursive: true, force: true }))

    const real = (env: NodeJS.ProcessEnv = process.env) => hostOf({ env, clock })
    const linesOf = async (check: string, changes: Partial<DoctorHost>, env: Record<string, string> = {}) =>
      troubleOf(
        await examine(() => sources({ CAMERA_SERVICE_DATA_DIR: dir, ...env }), { ...healthy, ...changes }),
      ).filter((line) => line.includes(` ${check}: `))

    it('finds the programs that a PATH lacks, and the flock of busybox', async () => {
      for (const name of ['ffmpeg', 'v4l2-ctl']) {
        const file = await findOnPath(name, process.env.PATH ?? '')
        if (file !== undefined) await symlink(file, join(dir, name))
      }
      writeFileSync(join(dir, 'flock'), '#!/bin/sh\necho "BusyBox v1.36.1 multi-call binary." >&2\nexit 1\n', {
        mode: 0o755,
      })
      const host = real({ PATH: dir })
      // /bin/sh is named by its path; `echo` is part of it.
      expect(await linesOf('flock', host)).to.deep.equal([
        'fail flock: it is that of busybox: USB and virtual cameras cannot be used → apt-get install util-linux',
      ])
      await rm(join(dir, 'ffmpeg'))
      expect(await linesOf('ffmpeg', host)).to.deep.equal([
        'fail ffmpeg: it is missing: the service does not start, because no camera can be used → apt-get install ffmpeg',
      ])
    })

    it('finds the encoders of the installed ffmpeg', async () => {
      expect(await linesOf('encoders', { encoders: real().encoders })).to.deep.equal([])
    })

    it('names the program that has a port', async () => {
      const server = createServer()
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
      const { port } = server.address() as AddressInfo
      const { bindFault, listener } = real()
      try {
        const [line] = await linesOf(
          `port ${port}`,
          { bindFault, listener },
          { CAMERA_SERVICE_SERVER_PORT: String(port) },
        )
        expect(line).to.match(new RegExp(`^fail port ${port}: in use by .+ \\(pid ${process.pid}\\) \\(server.port\\)`))
      } finally {
        server.close()
      }
    })

    it('asks an external MediaMTX for its version and whether it asks for permission', async () => {
      const server = createHttpServer(({ url = '' }, response) => {
        const body = url.endsWith('/info') ? { version: 'v1.12.0' } : { authMethod: 'internal', items: [] }
        response.end(JSON.stringify(body))
      })
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
      const { port } = server.address() as AddressInfo
      const { get, mediaServerAt } = real()
      try {
        const env = { ...external, CAMERA_SERVICE_MEDIAMTX_API_PORT: String(port) }
        expect(
          (await linesOf('MediaMTX', { get, mediaServerAt }, env)).map((line) => line.split(' → ')[0]),
        ).to.deep.equal([
          `warn MediaMTX: 1.12.0, at 127.0.0.1:${port}: it is old. With a newer one: its restarts are noticed at once; ` +
            'its API is closed to web pages; single viewers of HLS can be ended',
          'fail MediaMTX: it does not ask this service for permission: anybody can watch',
        ])
      } finally {
        server.close()
      }
    })

    it('finds a MediaMTX that prints no version', async () => {
      await mkdir(join(dir, 'bin'))
      await writeFile(join(dir, 'bin', 'mediamtx'), '#!/bin/sh\necho nothing\n', { mode: 0o755 })
      const { mediaProgram, mediaVersion } = real({ PATH: '' })
      expect(await linesOf('MediaMTX', { mediaProgram, mediaVersion })).to.deep.equal([
        `warn MediaMTX: ${dir}/bin/mediamtx prints no version → run ${dir}/bin/mediamtx --version; download it again`,
      ])
    })

    it('finds secrets that are open to others, damaged ones, and their folder', async () => {
      const secrets = join(dir, 'secrets')
      await mkdir(secrets, { mode: 0o700 })
      await writeFile(join(secrets, 'jwt_secret'), 'a'.repeat(43), { mode: 0o644 })
      await writeFile(join(secrets, 'link_secret'), 'short', { mode: 0o600 })
      const { stat } = real()
      const uid = () => process.getuid?.() ?? 0
      expect(await linesOf('secrets', { stat, uid })).to.deep.equal([
        `fail secrets: the file secrets/jwt_secret of the data directory is open to others (mode 0644) → ` +
          `chmod 600 ${secrets}/jwt_secret`,
        'fail secrets: the file secrets/link_secret of the data directory holds 5 bytes; at least 32 are needed → ' +
          `restore ${secrets}/link_secret from the backup, or remove it: then a new one is made, and what it signed is ` +
          'not valid any more',
      ])
      await chmod(secrets, 0o755)
      expect(await linesOf('secrets', { stat, uid })).to.deep.equal([
        `fail secrets: ${secrets} is open to others (mode 0755) → chmod 700 ${secrets}`,
      ])
    })

    it('measures the disk, and leaves nothing behind', async () => {
      mkdirSync(join(dir, 'recordings'))
      const { stat, mayUse, usage, writeSpeed } = real()
      const findings = await examine(() => sources({ CAMERA_SERVICE_DATA_DIR: dir }), {
        ...healthy,
        ...{ stat, mayUse, writeSpeed, uid: () => process.getuid?.() ?? 0 },
        usage: async (folder) => ({ ...(await usage(folder)), percent: 10, available: 60e9 }),
      })
      const messages = findings.filter(({ check }) => check === 'disk').map(({ message }) => message)
      expect(messages[2]).to.match(/^it takes [\d.]+ [KMG]?B a second/)
      expect(await real().stat(join(dir, 'recordings', `.speed-test-${process.pid}`))).to.equal(undefined)
    })

    it('finds a data directory that is a file, or that this user may not write to', async () => {
      const file = join(dir, 'file')
      await writeFile(file, '')
      const { stat } = real()
      expect(await linesOf('disk', { stat }, { CAMERA_SERVICE_DATA_DIR: file })).to.deep.equal([
        `fail disk: ${file} is not a folder → move the file away, or set data_dir`,
      ])
      const uid = () => process.getuid?.() ?? 0
      expect(await linesOf('disk', { stat, uid, mayUse: async () => false })).to.deep.equal([
        `fail disk: this user (uid ${uid()}) may not write to ${dir}, which belongs to uid ${uid()} → chmod u+rwx ${dir}; ` +
          'a unit of systemd also needs it in ReadWritePaths=',
      ])
    })
  })

  it('prints a line for each check, the fix below it, and a summary', async () => {
    const screen = { colours: false }
    const run = (changes: Partial<DoctorHost>, json = false) =>
      doctor({ flags: { 'data-dir': none }, json }, { screen, env: {}, clock }, { ...healthy, ...changes })
    const good = await run({})
    expect(good.status).to.equal(0)
    expect(good.out).to.match(/^ok {4}encoder +h264_vaapi: it is so$/m)
    expect(good.out).to.match(/\n\nall is well$/)
    const bad = await run({ isSynchronised: async () => false, encoders: async () => '' })
    expect(bad.status).to.equal(1)
    expect(bad.out).to.match(/^fail {2}encoders +ffmpeg has no libx264.*\n {8,}→ install an ffmpeg/m)
    expect(bad.out).to.match(/\n2 failed, 1 warned$/)
    const warned = await run({ isSynchronised: async () => false }, true)
    expect(warned.status).to.equal(0)
    expect(JSON.parse(warned.out ?? '')).to.include({ status: 'warn' })
  })
})
