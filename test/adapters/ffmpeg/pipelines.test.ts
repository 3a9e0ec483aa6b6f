import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { createActor } from 'xstate'
import { pipelineEffects } from '../../../actors/effects/feed.js'
import { pictureSize } from '../../../adapters/ffmpeg/jpeg.js'
import { createPipelines } from '../../../adapters/ffmpeg/pipelines.js'
import type { Device, Pipeline } from '../../../machines/domain/camera.js'
import type { StreamFact } from '../../../machines/domain/facts.js'
import { pipelineMachine } from '../../../machines/pipeline.js'
import { createClock, day } from '../../support/clock.js'
import { killIfRunning } from '../../support/killIfRunning.js'
import { freePort } from '../../support/ports.js'
import { copied, demo, encoded, failure, folder, log, systemClock, until, webcam } from './support.js'

const isInstalled = (program: string): boolean => {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

describe('pipelines', () => {
  let dir = ''
  let remove = async () => {}
  let pipelines: Awaited<ReturnType<typeof createPipelines>>
  let events: StreamFact[] = []
  const ends: (() => void)[] = []
  const mark = `test-${process.pid}`
  const started: ChildProcess[] = []

  beforeEach(async () => {
    const made = await folder()
    dir = made.dir
    remove = made.remove
    events = []
    pipelines = await createPipelines({ runDir: dir, mark, log, clock: systemClock })
  })
  afterEach(async () => {
    for (const end of ends.splice(0)) end()
    pipelines.close()
    for (const child of started.splice(0)) {
      signal(child, 'SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    }
    // The child process of a media server may still run.
    await until('the end of the pipeline', () => {
      const left = pipelines.process('camera0')
      if (left) killIfRunning(left.pid)
      return !left
    })
    await remove()
  })

  /** Runs the pipeline machine. A busy host must not look like a stall, unless a test waits for one. */
  const listen = ({ stallLimit = 30_000 } = {}) => {
    const machine = pipelineMachine.provide({
      actors: pipelineEffects({ pipelines }),
      delays: { stallLimit },
    })
    const actor = createActor(machine, { input: { camera: 'camera0' } })
    actor.on('*', (fact) => events.push(fact))
    actor.start()
    ends.push(() => actor.stop())
    return () => actor.stop()
  }
  const seen = (type: StreamFact['type'], limit?: number) =>
    until(type, () => events.find((event) => event.type === type), limit)
  const reasons = () => events.flatMap((event) => (event.type === 'stream.ended' ? [event.reason.code] : []))
  const commandOf = (device: Device, pipeline: Pipeline) => {
    const { source } = pipelines.spec('camera0', device, pipeline)
    return 'command' in source ? source.command : ''
  }
  /** Signals the process group, like the media server. */
  const signal = ({ pid = 0 }: ChildProcess, name: NodeJS.Signals) => {
    try {
      process.kill(-pid, name)
    } catch {
      // It has ended.
    }
  }
  /** Runs the command like the media server, but with output to a file. */
  const runAlone = (command: string) => {
    const toFile = command.replace(/-f rtsp .*? rtsp:[^\s;]+/, `-f mpegts /dev/null`)
    const child = spawn('sh', ['-c', `exec ${toFile}`], { stdio: 'ignore', detached: true })
    started.push(child)
    return child
  }

  it('leave RTSP cameras to the media server', () => {
    const spec = pipelines.spec('camera0', { kind: 'rtsp', name: 'yard', url: 'rtsp://192.0.2.1/1' }, copied)
    expect(spec).to.deep.equal({ name: 'camera0', source: { url: 'rtsp://192.0.2.1/1' } })
  })

  it('reject a folder whose name the media server would change', async () => {
    const options = { runDir: `${dir}/$HOME`, mark, log, clock: systemClock }
    expect(await failure(createPipelines(options))).to.equal(
      'the name of the data directory must not contain $ or a line break',
    )
  })

  it('show no still of the future: after the clock was set back, its age is not known', async () => {
    const clock = createClock(Date.now())
    const own = await createPipelines({ runDir: dir, mark, log, clock })
    ends.push(() => own.close())
    own.spec('camera0', demo, encoded())
    await writeFile(join(dir, 'camera0.jpg'), 'a still')
    await utimes(join(dir, 'camera0.jpg'), clock.now() / 1000, clock.now() / 1000)
    clock.passes(2_000)
    expect(await own.still('camera0')).to.not.equal(undefined)
    clock.steps(-day)
    expect(await own.still('camera0')).to.equal(undefined)
  })

  it('report the first frame, the process and the still', async () => {
    listen()
    const child = runAlone(commandOf(demo, encoded()))
    await seen('stream.started')
    const { pid, since } = (await until('the process', () => pipelines.process('camera0'))) ?? { pid: 0, since: 0 }
    expect([Date.now() - since < 10_000, (await readFile(`/proc/${pid}/comm`, 'utf8')).trim()]).to.deep.equal([
      true,
      'ffmpeg',
    ])
    const still = await until('a still', () => pipelines.still('camera0'))
    expect(pictureSize(await readFile(still.file))).to.deep.equal({ width: 320, height: 180 })
    expect(Date.now() - still.capturedAt).to.be.within(0, 3_000)
    signal(child, 'SIGINT')
    await seen('stream.ended')
    expect(reasons()).to.deep.equal(['no_longer_used'])
    expect(pipelines.process('camera0')).to.equal(undefined)
  })

  it('report a stall, and end the stalled process', async () => {
    listen({ stallLimit: 3_000 })
    runAlone(commandOf(demo, encoded()))
    await seen('stream.started')
    const stalled = pipelines.process('camera0')?.pid
    await pipelines.simulate('camera0', 'stall')
    await seen('stream.stalled')
    await seen('stream.ended')
    expect(reasons()).to.deep.equal(['pipeline_restarted'])
    await until('the next process', () => events.filter(({ type }) => type === 'stream.started').length === 2)
    expect(pipelines.process('camera0')?.pid).not.to.equal(stalled)
  })

  it('protect the command line from other users, and delete it when the process ends', async () => {
    listen()
    const report = join(dir, 'camera0.log')
    const child = runAlone(commandOf(demo, encoded()))
    await seen('stream.started')
    expect([await readFile(report, 'utf8'), (await stat(report)).mode & 0o777]).to.deep.include(0o600)
    expect(await readFile(report, 'utf8')).to.contain('Command line')
    signal(child, 'SIGINT')
    await seen('stream.ended')
    expect([(await stat(report)).size, (await stat(report)).mode & 0o777]).to.deep.equal([0, 0o600])
    runAlone(commandOf(demo, encoded()))
    await until('the next start', () => events.filter(({ type }) => type === 'stream.started').length === 2)
    expect(reasons(), 'emptying the report is not another end').to.deep.equal(['no_longer_used'])
  })

  it('restrict the access to a report of an earlier version', async () => {
    await writeFile(join(dir, 'camera0.log'), 'Command line: ffmpeg', { mode: 0o644 })
    commandOf(demo, encoded())
    expect((await stat(join(dir, 'camera0.log'))).mode & 0o777).to.equal(0o600)
  })

  it('run a killed process again at once', async () => {
    listen()
    runAlone(commandOf(demo, encoded()))
    await seen('stream.started')
    const killed = pipelines.process('camera0')?.pid ?? 0
    process.kill(killed, 'SIGKILL')
    await until('the next process', () => events.filter(({ type }) => type === 'stream.started').length === 2)
    expect(reasons()).to.deep.equal(['pipeline_replaced'])
    expect(pipelines.process('camera0')?.pid).not.to.equal(killed)
  })

  it('end with their shell', async () => {
    listen()
    const child = runAlone(commandOf(demo, encoded()))
    // Only ffmpeg itself ends with its shell; what starts it needs a moment before it asks for that.
    await seen('stream.started')
    child.kill('SIGKILL')
    await until('its end', () => pipelines.presence('camera0') === 'gone')
  })

  it('report a killed process that is not run again', async () => {
    listen()
    const child = runAlone(commandOf(demo, encoded()))
    await seen('stream.started')
    signal(child, 'SIGKILL')
    await seen('stream.ended')
    expect(reasons()).to.deep.equal(['pipeline_killed'])
  })

  it('report why a process did not start', async () => {
    listen()
    runAlone(commandOf(webcam, encoded()))
    await seen('stream.ended')
    expect(reasons()).to.deep.equal(['device_gone'])
  })

  it('wait for the device while another process holds its lock', async () => {
    listen()
    await pipelines.simulate('camera0', 'busy')
    const isHeld = async () =>
      (await readFile('/proc/locks', 'utf8')).includes(
        String((await import('node:fs')).statSync(join(dir, 'camera0.lock')).ino),
      )
    await until('the lock', () => isHeld().catch(() => false))
    const child = runAlone(commandOf(demo, encoded()))
    await until('the wait', () => pipelines.process('camera0')?.pid === child.pid)
    expect((await readFile(`/proc/${child.pid}/comm`, 'utf8')).trim()).to.equal('flock')
    expect(await failure(pipelines.simulate('camera0', 'stall'))).to.equal(
      'stream_asleep: the stream of camera0 is being restarted',
    )
    expect(events).to.deep.equal([])
  })

  it('report nothing after the watch is disposed', async () => {
    const dispose = listen()
    dispose()
    dispose()
    await appendFile(join(dir, 'camera0.log'), '/dev/video0: No such device\n')
    runAlone(commandOf(demo, encoded()))
    await until('a still', () => pipelines.still('camera0'))
    expect(events).to.deep.equal([])
  })

  describe('on a real media server', () => {
    before(function () {
      if (!isInstalled('mediamtx')) this.skip()
    })

    it('run on demand, leave no process, and report a stall and its end', async () => {
      const rtsp = await freePort()
      listen({ stallLimit: 3_000 })
      await writeFile(join(dir, 'mediamtx.yml'), configuration(rtsp, commandOf(demo, encoded())))
      started.push(spawn('mediamtx', [join(dir, 'mediamtx.yml')], { stdio: 'ignore', detached: true }))
      await until('the server', () => answers(rtsp))
      const read = () => {
        const input = ['-rtsp_transport', 'tcp', '-i', `rtsp://127.0.0.1:${rtsp}/camera0`]
        const reader = spawn('ffmpeg', ['-v', 'error', '-nostdin', ...input, '-f', 'null', '-'], {
          stdio: 'ignore',
          detached: true,
        })
        started.push(reader)
        return reader
      }

      const reader = read()
      await seen('stream.started')
      await until('a still', () => pipelines.still('camera0'))
      reader.kill('SIGKILL')
      await seen('stream.ended')
      expect(reasons()).to.deep.equal(['no_longer_used'])
      await until('the end of its process', () => pipelines.process('camera0') === undefined)

      events = []
      read()
      await seen('stream.started')
      await until('its process', () => pipelines.process('camera0') !== undefined)
      await pipelines.simulate('camera0', 'stall')
      await seen('stream.stalled')
      await seen('stream.ended')
      expect(reasons()).to.deep.equal(['pipeline_restarted'])
    })
  })
})

/** Returns the media server's configuration, with short limits. */
function configuration(rtsp: number, command: string): string {
  return JSON.stringify({
    logLevel: 'error',
    rtspAddress: `127.0.0.1:${rtsp}`,
    rtspTransports: ['tcp'],
    ...{ rtmp: false, hls: false, webrtc: false, srt: false, moq: false },
    paths: {
      camera0: {
        runOnDemand: command,
        runOnDemandRestart: true,
        runOnDemandStartTimeout: '10s',
        runOnDemandCloseAfter: '1s',
      },
    },
  })
}

const answers = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/`).then(
    () => true,
    (error: unknown) => !String((error as { cause?: { code?: string } }).cause?.code).includes('ECONNREFUSED'),
  )
