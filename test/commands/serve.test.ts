import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import { useFakeTimers } from 'sinon'
import { systemClock } from '../../adapters/systemClock.js'
import type { App, startApp } from '../../app.js'
import { consoleUrl, type GuideSources, guideText, tokenCommand } from '../../commands/guide.js'
import { serve } from '../../commands/serve.js'
import { informSystemd, statusLine } from '../../commands/systemd.js'
import { loadConfiguration } from '../../config/load.js'
import type { Told } from '../../machines/domain/facts.js'
import { noScenario, type Scenario } from '../../machines/domain/simulation.js'
import type { LinkView, StorageView } from '../../machines/domain/views.js'
import { cameraView, noon, unplugged } from '../rpc/fakes.js'
import { later, turn } from '../support/later.js'
import { until } from '../support/until.js'

/** A directory whose content a test changes. */
function createDirectory() {
  const content = {
    cameras: [cameraView(), unplugged()],
    link: { state: 'up', cause: { state: 'up', since: noon }, breaker: 'closed' } as LinkView,
    storage: { state: 'ok' } as StorageView,
  }
  const directory = {
    cameras: () => content.cameras,
    link: () => content.link,
    storage: () => content.storage,
  }
  return { content, directory }
}

describe('systemd', () => {
  it('shows the cameras, the recordings and the media server in one line', () => {
    const { content, directory } = createDirectory()
    expect(statusLine(directory)).to.equal('cameras 1/2 · recording 0 · MediaMTX up')
    const recording = {
      camera: 'camera0',
      status: 'RECORDING',
      growing: true,
      gaps: [],
      format: 'fmp4',
      by: 'ann',
      files: [],
    } as const
    content.cameras = [cameraView({ recording: { ...recording, files: [], gaps: [] } })]
    content.link = { ...content.link, state: 'down', server: { kind: 'embedded', why: '' } }
    content.storage = { ...content.storage, state: 'critical' }
    expect(statusLine(directory)).to.equal('cameras 1/1 · recording 1 · simulator down · storage critical')
  })

  it('learns of each change once, and gets signs of life while the root actor answers', async () => {
    const timers = useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const { content, directory } = createDirectory()
      const listeners = new Set<(fact: Told) => void>()
      const told: string[] = []
      let isAlive = true
      const tell = async (fact: object) => {
        for (const listener of listeners) listener(fact as Told)
        await turn()
      }
      const dispose = informSystemd(
        {
          directory,
          facts: {
            publish: () => {},
            next: () => new Promise(() => {}),
            subscribe: (listener) => {
              listeners.add(listener)
              return () => listeners.delete(listener)
            },
          },
          isAlive: () => isAlive,
        },
        {
          ready: async () => {},
          reloading: async () => {},
          stopping: async () => {},
          status: async (text) => void told.push(text),
          watchdog: async () => void told.push('alive'),
          interval: 10_000,
        },
      )
      content.cameras = [cameraView()]
      await tell({ type: 'camera.connected' })
      await tell({ type: 'camera.connected' })
      timers.tick(10_000)
      isAlive = false
      timers.tick(30_000)
      dispose()
      content.cameras = []
      await tell({ type: 'camera.disconnected' })
      timers.tick(10_000)
      expect(told).to.deep.equal([
        'cameras 1/2 · recording 0 · MediaMTX up',
        'cameras 1/1 · recording 0 · MediaMTX up',
        'alive',
      ])
    } finally {
      timers.restore()
    }
  })
})

describe('the guide', () => {
  it('prints the address of the console, with the code in the fragment, which browsers send to no server', () => {
    const consoleOf = (env: Record<string, string>, code?: string) => {
      const { config } = loadConfiguration({ env })
      return consoleUrl(config, { ports: { rpc: 8002 } }, code)
    }
    expect(consoleOf({})).to.equal('http://127.0.0.1:8002/')
    expect(consoleOf({ CAMERA_SERVICE_SERVER_PUBLIC_HOST: 'cams.example.org' }, 'abc')).to.equal(
      'http://cams.example.org:8002/#signin=abc',
    )
  })

  it('prints a command with the configuration and the data directory of the service', () => {
    expect(tokenCommand({})).to.equal('node dist/main.js token --role operator')
    expect(tokenCommand({ configFile: '/etc/a.yml', dataDir: "/srv/ann's data" })).to.equal(
      "node dist/main.js token --role operator --config /etc/a.yml --data-dir '/srv/ann'\\''s data'",
    )
    expect(tokenCommand({ dataDir: 'var' })).to.equal(
      `node dist/main.js token --role operator --data-dir ${resolve('var')}`,
    )
  })

  const rtsp = 'rtsp://h:8554/camera0?sig=s'
  const webrtc = 'https://h:8889/camera0?sig=s'
  /** What it prints for the cameras, with players that the media server offers. */
  const guide = (cameras = [cameraView()], urls: ReturnType<App['watchUrls']> = { rtsp, webrtc }, colours = false) => {
    const { config } = loadConfiguration({ env: { CAMERA_SERVICE_DATA_DIR: '/srv/cameras' } })
    const app = {
      ports: { rpc: 8002 },
      directory: { ...createDirectory().directory, cameras: () => cameras },
      facts: { next: () => Promise.reject(new Error('nothing comes')) },
      tokens: { issue: async () => 'TOKEN' },
      watchUrls: () => urls,
      stillPath: () => ({ path: '/cameras/camera0/snapshot.jpg?sig=p', life: 900_000 }),
      signInCode: () => ({ code: 'CODE', life: 600_000 }),
    } as unknown as App
    return guideText(config, app, { clock: { now: () => noon }, sources: {}, screen: { colours } })
  }
  const lines = async (text: Promise<string>) => (await text).split('\n').map((line) => line.trim())

  it('prints an address for the browser, of a picture, and a whole line for ffplay, each once', async () => {
    const all = await lines(guide())
    expect(all).to.include.members([
      'Console       http://127.0.0.1:8002/#signin=CODE',
      'Browser       https://h:8889/camera0?sig=s',
      'Snapshot      http://127.0.0.1:8002/cameras/camera0/snapshot.jpg?sig=p',
      `Player        ffplay -rtsp_transport tcp '${rtsp}'`,
      'valid for 60 min, snapshot for 15 min; mpv, VLC and others: docs/streams.md',
    ])
    expect(all.filter((line) => line.includes('sig=s') && line.includes('rtsp'))).to.have.length(1)
    // The simulator has RTSP only.
    expect((await lines(guide([cameraView()], { rtsp }))).filter((line) => /^Browser/.test(line))).to.deep.equal([])
  })

  it('prints no address of a camera that does not exist, or cannot be used', async () => {
    const empty = await guide([])
    expect(empty).to.contain('Camera        none yet: plug in a USB camera, or add one to the configuration')
    for (const text of [empty, await guide([unplugged()])]) expect(text).not.to.match(/ffplay|snapshot\.jpg|camera0\?/)
  })

  it('uses colours on a terminal only', async () => {
    expect(await guide()).not.to.contain('\u001b')
    expect(await guide([cameraView()], { rtsp }, true)).to.contain('\u001b[32mThe camera service is running.\u001b[0m')
  })
})

describe('serve', () => {
  /** Runs it on an app whose end the test decides. `settings`: its configuration, as variables. */
  function run({
    env = {},
    settings = {},
    reload = async () => {},
    guide,
    scenario,
    isTTY = false,
  }: {
    env?: Record<string, string>
    settings?: Record<string, string>
    reload?: App['reload']
    guide?: GuideSources
    scenario?: Scenario
    isTTY?: boolean
  } = {}) {
    const { config } = loadConfiguration({ env: settings })
    const asked: (() => void)[] = []
    const signal = later<string>()
    const failed = later<string>()
    const stops: string[] = []
    const output = Object.assign(new PassThrough().setEncoding('utf8'), { isTTY })
    const start: typeof startApp = async () =>
      ({
        ports: { rpc: 1 },
        directory: { ...createDirectory().directory, system: () => ({ message: '' }) },
        facts: { subscribe: () => () => {}, next: () => Promise.reject(new Error('nothing comes')) },
        tokens: { issue: async () => 'TOKEN' },
        watchUrls: () => ({ rtsp: 'rtsp://h' }),
        stillPath: () => ({ path: '/p', life: 1 }),
        signInCode: () => ({ code: 'CODE', life: 1 }),
        isAlive: () => true,
        failed: failed.promise,
        reload,
        stop: async (reason: string) => void stops.push(reason),
      }) as unknown as App
    const outcome = serve(
      config,
      { warnings: ['a key is not used'], guide, scenario },
      {
        env,
        clock: systemClock,
        signal: signal.promise,
        onReload: (listener) => void asked.push(listener),
        onUnhandled: () => {},
        print: (text) => void output.write(text),
        output,
        start,
      },
    )
    const ask = () => {
      for (const listener of asked) listener()
    }
    return { outcome, signal, failed, stops, asked, ask, lines: () => String(output.read() ?? '') }
  }

  it('shows systemd that it reads its configuration again, until the change has been applied', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'serve-'))
    try {
      const sent = join(dir, 'sent')
      const program = '#!/bin/sh\nprintf "%s " "$@" >>"$NOTIFY_SOCKET"\n'
      await writeFile(join(dir, 'systemd-notify'), program, { mode: 0o755 })
      const reloaded = later<void>()
      const env = { PATH: `${dir}:/usr/bin:/bin`, NOTIFY_SOCKET: sent }
      const { asked, ask, signal, outcome } = run({ env, reload: () => reloaded.promise })
      await until('the service is up', () => asked.length > 0)
      ask()
      const sentNow = async (): Promise<string[]> =>
        (await readFile(sent, 'utf8').catch(() => '')).match(/\b[A-Z]+=1\b/g) ?? []
      await until('systemd has the reload', async () => (await sentNow()).includes('RELOADING=1'))
      expect(await sentNow()).to.deep.equal(['READY=1', 'RELOADING=1'])
      reloaded.resolve()
      await until('systemd has the end of the reload', async () => (await sentNow()).length > 2)
      signal.resolve('SIGTERM')
      await outcome
      expect(await sentNow()).to.deep.equal(['READY=1', 'RELOADING=1', 'READY=1', 'STOPPING=1'])
    } finally {
      await rm(dir, { recursive: true })
    }
  })

  it('shows a person the guide before the lines of the log, except warnings', async () => {
    const { outcome, signal, lines } = run({ guide: {}, isTTY: true })
    let seen = ''
    await until('the guide is printed', () => {
      seen += lines()
      return seen.includes('make demo')
    })
    expect(seen).to.contain('a key is not used').and.not.to.contain('the service listens')
    signal.resolve('SIGINT')
    await outcome
    expect(lines()).to.contain('the service stops')
  })

  it('logs all from the beginning for programs, with a guide or not', async () => {
    const { outcome, signal, lines } = run({ guide: {} })
    signal.resolve('SIGINT')
    await outcome
    expect(lines()).to.contain('the service listens')
  })

  it('writes each line to the log files as well, to the last one', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'serve-'))
    try {
      const { outcome, signal } = run({ settings: { CAMERA_SERVICE_LOGGING_DIR: join(dir, 'logs') } })
      signal.resolve('SIGTERM')
      await outcome
      const lines = (await readFile(join(dir, 'logs', 'camera-service.log'), 'utf8')).trimEnd().split('\n')
      expect(lines.map((line) => JSON.parse(line).message)).to.deep.equal([
        'a key is not used',
        'the service listens',
        'the service stops',
        'the service has stopped',
      ])
    } finally {
      await rm(dir, { recursive: true })
    }
  })

  it('warns of a scenario, and of the method `simulate` without one', async () => {
    const said = async (settings: Record<string, string>, scenario?: Scenario) => {
      const { outcome, signal, lines } = run({ settings, ...(scenario && { scenario }) })
      signal.resolve('SIGTERM')
      await outcome
      return lines()
        .split('\n')
        .filter((line) => line.includes('do not use'))
        .map((line) => {
          const { time: _time, level: _level, ...told } = JSON.parse(line)
          return told
        })
    }
    const enabled = { CAMERA_SERVICE_SIMULATION_ENABLED: 'true' }
    expect(await said({})).to.deep.equal([])
    expect(await said(enabled)).to.deep.equal([
      { message: 'administrators may simulate faults (simulation.enabled): do not use the service in production' },
    ])
    const front = { name: 'front', port: '1', plugged: true }
    expect(await said(enabled, { ...noScenario, cameras: [front] })).to.deep.equal([
      { message: 'the service simulates cameras and faults: do not use it in production', cameras: 1, steps: 0 },
    ])
  })

  it('ends with 0 after a signal', async () => {
    const { outcome, signal, stops } = run()
    signal.resolve('SIGTERM')
    expect(await outcome).to.deep.equal({ status: 0 })
    expect(stops).to.deep.equal(['SIGTERM'])
  })

  it('ends with 70 when too much crashes, and closes everything', async () => {
    const { outcome, failed, stops, lines } = run()
    failed.resolve('too many actors crashed within a minute')
    expect(await outcome).to.deep.equal({ status: 70 })
    expect(stops).to.deep.equal(['too many actors crashed within a minute'])
    expect(lines()).to.contain('the service cannot go on and stops')
  })
})
