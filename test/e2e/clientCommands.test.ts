import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect } from 'chai'
import { program, type Service, secret, startService, virtual } from './service.js'

interface Ran {
  code: number
  out: string
  err: string
}

// Commands that a person at the terminal gives; one service for all of them.
describe('the command line as a client of a running service', function () {
  this.timeout(120_000)
  let service: Service
  let dataDir: string
  let dir: string
  /** As on the host of the service, without any set-up: only its data directory and its port. */
  let local: NodeJS.ProcessEnv

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'camera-service-'))
    dir = await mkdtemp(join(tmpdir(), 'camera-service-'))
    await mkdir(join(dataDir, 'secrets'), { mode: 0o700 })
    await writeFile(join(dataDir, 'secrets/jwt_secret'), secret, { mode: 0o600 })
    service = await startService({
      kind: 'embedded',
      cameras: [virtual('one'), virtual('two')],
      dataDir,
      env: { CAMERA_SERVICE_SECURITY_JWT_SECRET_KEY: '' },
    })
    local = {
      PATH: process.env.PATH,
      HOME: dir,
      CAMERA_SERVICE_DATA_DIR: dataDir,
      CAMERA_SERVICE_SERVER_PORT: String(service.ports.rpc),
    }
  })
  after(async () => {
    await service?.end()
    await rm(dir, { recursive: true, force: true })
  })

  const run = (args: string, { env = local, input = '' }: { env?: NodeJS.ProcessEnv; input?: string } = {}) =>
    new Promise<Ran>((resolve) => {
      const options = { env, cwd: dir, timeout: 60_000, encoding: 'latin1' as const, maxBuffer: 1 << 26 }
      const words = args.split(' ').map((word) => word.replaceAll('_SPACE_', ' '))
      const child = execFile(process.execPath, [program, ...words], options, (error, out, err) =>
        resolve({ code: error ? Number(error.code) : 0, out: out.trimEnd(), err: err.trimEnd() }),
      )
      child.stdin?.end(input)
    })
  const file = (name: string) => readFile(join(dir, name))
  const isRecording = async (device: string) =>
    (await service.call<{ recording?: object }>('get_camera_status', { device })).recording !== undefined

  it('shows the service and its cameras without any set-up, in words and as JSON', async () => {
    const shown = await run('status')
    expect(shown.err).to.equal('')
    expect(shown.out).to.match(/^camera service \S+ is HEALTHY, up \d+ s\n {2}cameras +2 of 2 connected, 0 recording\n/)
    expect(shown.out).to.match(/^camera1 {2}CONNECTED {2}available {2}.* virtual {2}two$/m)
    const { cameras } = JSON.parse((await run('cameras --json')).out)
    expect(cameras.map(({ id }: { id: string }) => id)).to.deep.equal(['camera0', 'camera1'])
    const one = await run('camera camera0')
    expect(one.out).to.match(/^camera0 \(one\) is CONNECTED\n {2}state {6}available, since /)
  })

  it('saves a snapshot as JPEG, as PNG, and to standard output', async () => {
    const jpg = await run('snapshot camera0 -o door.jpg')
    expect(jpg).to.deep.include({ code: 0, err: '' })
    expect(jpg.out).to.match(/^door\.jpg {2}320x240, \S+ KB/)
    expect((await file('door.jpg')).subarray(0, 3).toString('hex')).to.equal('ffd8ff')
    expect((await run('snapshot camera0 -o door.png')).code).to.equal(0)
    expect((await file('door.png')).subarray(1, 4).toString()).to.equal('PNG')
    const piped = await run('snapshot camera0 -o -')
    expect(Buffer.from(piped.out.slice(0, 3), 'latin1').toString('hex')).to.equal('ffd8ff')
    expect(piped.err).to.match(/^camera0_.*\.jpg {2}320x240/)
  })

  it('records for a time, lists the file, and downloads it', async () => {
    const { code, out, err } = await run('record camera0 --for 2s --json')
    expect({ code, err }).to.deep.equal({ code: 0, err: '' })
    const { filename, status } = JSON.parse(out)
    expect(status).to.equal('STOPPED')
    expect((await run('recordings')).out).to.match(new RegExp(`^camera0 .* ${filename}$`, 'm'))
    const saved = await run(`download ${filename}`)
    expect(saved).to.deep.include({ code: 0, err: '' })
    expect(saved.out).to.match(new RegExp(`^${filename} {2}\\S+ [KM]B$`))
    const original = await readFile(join(dataDir, 'recordings/camera0', filename))
    expect((await file(filename)).equals(original)).to.equal(true)
    const again = await run(`download ${filename}`)
    expect(again.code).to.equal(1)
    expect(again.err).to.match(/exists already and is not replaced: name another file with -o FILE, or use --force$/)
    expect((await run(`download ${filename} --force`)).code).to.equal(0)
    const piped = await run(`download ${filename} -o -`)
    expect(piped.out.slice(4, 8)).to.equal('ftyp')
    expect((await readdir(dir)).filter((name) => name.endsWith('.part'))).to.deep.equal([])
  })

  it('starts and stops a recording, and prints why it does not start twice', async () => {
    const started = await run('record camera1')
    expect(started).to.deep.include({ code: 0, err: 'camera1 is recording; camera-service stop camera1 stops it' })
    const twice = await run('record camera1 --for 5s')
    expect(twice.code).to.equal(1)
    expect(twice.err).to.match(/^camera-service: Invalid state; .*; possible now: .*stop/)
    const stopped = await run('stop camera1')
    expect(stopped.code).to.equal(0)
    expect(stopped.out).to.match(new RegExp(`^${started.out} {2}\\d+:\\d\\d, `))
    expect((await run('stop camera1')).code).to.equal(1)
  })

  /** Starts a command, and reads its lines. */
  const begin = (
    args: string[],
    command = process.execPath,
    env = local,
    user: { uid?: number; gid?: number } = {},
  ) => {
    const child = spawn(command, args, { ...user, env, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] })
    const lines: string[] = []
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => lines.push(line))
    const exited = new Promise<number | null>((resolve) => child.once('close', resolve))
    return { child, lines, exited }
  }
  const end = ({ exitCode, signalCode, pid }: ChildProcess) => {
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(pid, 'SIGKILL')
  }

  it('stops the recording at Ctrl-C', async () => {
    const { child, lines, exited } = begin([program, 'record', 'camera0', '--for', '10m'])
    try {
      await service.until('it records', () => isRecording('camera0'))
      child.kill('SIGINT')
      expect(await exited).to.equal(130)
      expect(lines.join('\n')).to.match(/^camera0_\S+\.mp4 {2}\d+:\d\d, /)
      expect(await isRecording('camera0')).to.equal(false)
    } finally {
      end(child)
    }
  })

  it('shows colours and progress on a terminal, and no colours with NO_COLOR', async () => {
    const line = `'${process.execPath}' '${program}' record camera0 --for 3s && '${process.execPath}' '${program}' cameras`
    const terminal = (env: NodeJS.ProcessEnv) =>
      begin(['-qefc', line, '/dev/null'], 'script', { ...local, TERM: 'xterm', ...env })
    const { child, lines, exited } = terminal({})
    try {
      expect(await exited).to.equal(0)
      const text = lines.join('\n')
      expect(text).to.contain('\u001b[Kcamera0: recording, 0:00 of 0:03')
      expect(text).to.contain('\u001b[32mCONNECTED\u001b[0m')
    } finally {
      end(child)
    }
    const grey = begin(['-qefc', `'${process.execPath}' '${program}' cameras`, '/dev/null'], 'script', {
      ...local,
      TERM: 'xterm',
      NO_COLOR: '1',
    })
    try {
      expect(await grey.exited).to.equal(0)
      expect(grey.lines.join('\n')).to.contain('CONNECTED').and.not.contain('\u001b[32m')
    } finally {
      end(grey.child)
    }
  })

  it('follows what happens, as JSON, until Ctrl-C', async () => {
    const { child, lines, exited } = begin([program, 'watch', 'camera1', '--topics', 'snapshot.taken', '--json'])
    try {
      // It cannot say when it is subscribed: snapshots until one is seen.
      await service.until('a snapshot is seen', async () => {
        await service.call('take_snapshot', { device: 'camera0' })
        await service.call('take_snapshot', { device: 'camera1' })
        return lines.length > 0
      })
      child.kill('SIGINT')
      expect(await exited).to.equal(0)
      for (const line of lines) expect(JSON.parse(line)).to.include({ topic: 'snapshot.taken', device: 'camera1' })
    } finally {
      end(child)
    }
  })

  it('refuses to watch a camera that does not exist, and warns of a key for one', async () => {
    const { code, err } = await run('watch camera7')
    expect([code, err]).to.deep.equal([
      1,
      'camera-service: there is no camera camera7: the cameras are camera0, camera1',
    ])
    const key = await run('keys create --role viewer --cameras camera1,camera7')
    expect(key.code).to.equal(0)
    expect(key.err).to.match(
      /^warning: camera7 is no camera of the running service yet; the cameras are camera0, camera1\n/,
    )
    expect((await run('keys create --role viewer --cameras camera*')).err).not.to.contain('warning')
  })

  it('calls methods, with params of the command line or of standard input', async () => {
    expect(JSON.parse((await run('call get_camera_status {"device":"camera1"}')).out)).to.include({ name: 'two' })
    const piped = await run('call get_camera_status -', { input: '{"device": "camera0"}' })
    expect(JSON.parse(piped.out)).to.include({ name: 'one' })
    const unknown = await run('call get_camera_stauts')
    expect(unknown.code).to.equal(1)
    expect(unknown.err).to.match(/is not a method of the API; the nearest is get_camera_status/)
    const invalid = await run('call get_camera_status {"device":"door"}')
    expect(invalid.code).to.equal(1)
    expect(invalid.err).to.match(/^camera-service: get_camera_status: Invalid parameters; .*; /)
  })

  describe('from another host, or as another user', () => {
    let url: string
    let remote: NodeJS.ProcessEnv
    let tokenFile: string
    before(async () => {
      url = `ws://127.0.0.1:${service.ports.rpc}/ws`
      tokenFile = join(dir, 'viewer.token')
      remote = { PATH: process.env.PATH, HOME: dir }
      await writeFile(tokenFile, await service.token('viewer'), { mode: 0o600 })
    })

    it('shows a token, and exits with 77 without the right', async () => {
      const asked = `--url ${url} --token-file ${tokenFile}`
      expect((await run(`status ${asked}`, { env: remote })).out).to.match(/^camera service \S+ is ready\n/)
      const { code, err } = await run(`record camera0 --for 5s ${asked}`, { env: remote })
      expect(code).to.equal(77)
      expect(err).to.match(/^camera-service: Permission denied; .*; show a token of the role operator: /)
      const bad = await run(`cameras --url ${url} --token-file -`, { env: remote, input: 'csk_wrong' })
      expect(bad.code).to.equal(77)
      expect(bad.err).to.not.contain('csk_wrong')
    })

    it('downloads with the URL that the service has signed', async () => {
      const asked = `--url ${url} --token-file ${tokenFile}`
      const { files } = JSON.parse((await run(`recordings --json --limit 1 ${asked}`, { env: remote })).out)
      const saved = await run(`download ${files[0].filename} -o far.mp4 ${asked}`, { env: remote })
      expect(saved).to.deep.include({ code: 0, err: '' })
      expect((await stat(join(dir, 'far.mp4'))).size).to.equal(files[0].file_size)
    })

    it('reads a profile, if only its owner can', async () => {
      const path = join(dir, '.config/camera-service/default.yml')
      await mkdir(join(dir, '.config/camera-service'), { recursive: true })
      await writeFile(path, `url: ${url}\ntoken: ${await service.token('operator')}\n`, { mode: 0o644 })
      const open = await run('cameras', { env: remote })
      expect(open).to.deep.include({ code: 77, out: '' })
      expect(open.err).to.match(/is open to others \(mode 0644\): run chmod 600 /)
      await chmod(path, 0o600)
      expect((await run('cameras', { env: remote })).out).to.match(/^camera0 {2}CONNECTED/m)
      await rm(path)
    })

    it('completes the cameras that the service has', async () => {
      const { out } = await run(`completion cameras --url ${url} --token-file ${tokenFile}`, { env: remote })
      expect(out).to.equal('camera0\ncamera1')
      expect((await run('completion bash', { env: remote })).out).to.contain('complete -F _camera_service')
    })

    it('may not use the key of the service if the mode of its file forbids it', async function () {
      if (process.getuid?.() !== 0) return this.skip()
      const nobody = { uid: 65_534, gid: 65_534 }
      // The build may be in a folder that only root can read.
      if ((await begin([program, '--version'], process.execPath, local, nobody).exited) !== 0) return this.skip()
      await chmod(dataDir, 0o755)
      const { lines, exited } = begin([program, 'cameras'], process.execPath, local, nobody)
      expect(await exited).to.equal(77)
      expect(lines.join()).to.match(
        /cannot be read \(EACCES\): run this command as the user of the service or with sudo, or show a token/,
      )
    })

    it('exits with 69 if no service answers, and says what to check', async () => {
      const { code, err } = await run(`cameras --url ws://127.0.0.1:9/ws --token-file ${tokenFile}`, { env: remote })
      expect(code).to.equal(69)
      expect(err).to.match(
        /does not answer at ws:\/\/127\.0\.0\.1:9\/ws: the connection was refused, .*; start the service .*$/,
      )
    })
  })
})
