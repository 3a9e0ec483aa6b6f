import { useFakeTimers } from 'sinon'
import { createActors } from '../../../actors/createActors.js'
import type { TraceOptions } from '../../../actors/trace/trace.js'
import { actorOptions, askOptions, fleetInput, streamAccessOptions } from '../../../config/derive/actors.js'
import { liveSettings } from '../../../config/derive/live.js'
import { loadConfiguration, parseConfiguration } from '../../../config/load.js'
import { configurationRules } from '../../../config/rules.js'
import type { By } from '../../../machines/domain/by.js'
import type { Told } from '../../../machines/domain/facts.js'
import type { Journal, JournalEntry } from '../../../machines/domain/journal.js'
import type { Clock } from '../../../machines/domain/ports.js'
import { createMetrics } from '../../../rpc/metrics.js'
import { memoryJournal } from '../../support/memoryJournal.js'
import { type FaultName, faultNames, type Source } from '../faults.js'
import type { Ended, Injection, Seen, World, Worlds } from '../world.js'
import { createHost, type Unit } from './host.js'
import { type Hint, type Kept, simulatedPorts } from './ports.js'

/** Also shows the service from within. */
export interface SimulatedWorld extends World {
  journal: Journal
  /** Of the present run of the service. */
  actors: ReturnType<typeof createActors>
  host: ReturnType<typeof createHost>
  clock: Clock
}

/** They need a kernel or systemd. */
const onlyReal: readonly FaultName[] = ['twinPlugged', 'servicePaused', 'serviceHangs']

export const simulated: Omit<Worlds, 'open'> & { open: typeof open } = {
  name: 'simulated host',
  can: faultNames.filter((name) => !onlyReal.includes(name)),
  open,
  limit: 40_000,
}

/** ms of a step of the clock. */
const tick = 50

/** Receives the trace of each run of the service. */
export interface Tracing extends TraceOptions {
  ended(lines: string[]): void
}

/** A simulated host whose service records its traces. `text`: of the configuration file. */
export const traced = (tracing: Tracing, cameras: number, text?: string): typeof simulated => ({
  ...simulated,
  open: (source) => open(source, cameras, { tracing, ...(text !== undefined && { text }) }),
})

/** `prepare`: changes the cameras before the service starts. `text`: of the configuration file. */
async function open(
  source: Source,
  count: number,
  { prepare, tracing, text }: { prepare?: (units: Map<string, Unit>) => void; tracing?: Tracing; text?: string } = {},
): Promise<SimulatedWorld> {
  const timers = useFakeTimers({
    now: Date.UTC(2026, 0, 2, 3),
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
  })
  let offset = 0
  const clock: Clock = { now: () => Date.now() + offset, monotonic: () => performance.now() }
  const cameras = Array.from({ length: count }, (_, index) => `camera${index}`)
  const units = new Map(cameras.map((camera, index) => [camera, unitOf(index, source)]))
  prepare?.(units)
  const host = createHost({ units, now: () => performance.now(), wall: clock.now })
  const kept: Kept = {
    registry: { next: 0, cameras: [], sharedSerials: [] },
    intents: new Map(),
    external: { streams: [] },
    ...(text !== undefined && { configuration: text }),
  }
  const hints = new Set<Hint>()
  const journal = memoryJournal()
  const entries =
    source === 'network' ? [...units.values()].map(({ url }, index) => ({ name: `yard${index}`, source: url })) : []
  const env = { CAMERA_SERVICE_CAMERAS: JSON.stringify(entries) }
  const loaded = text === undefined ? loadConfiguration({ env }) : parseConfiguration({ file: text, env: {} })
  const { config } = loaded

  const configRules = configurationRules({ env: text === undefined ? env : {} }, loaded)
  const input = {
    ...fleetInput(config, kept.external),
    ...(text !== undefined && { configuration: { text, settings: liveSettings(config) } }),
  }
  /** Steps of the clock before each recording. */
  const stepsAtStart = new Map<string, number>()
  const note = (state: string, event: string, evidence?: JournalEntry['evidence']) =>
    journal.append({ at: clock.now(), actor: 'service', to: state, state, event, ...(evidence && { evidence }) })
  const serve = () => {
    const { ports, log, close } = simulatedPorts(host, kept, clock, hints)
    ports.journal = journal
    const last = journal.recent().at(-1)
    const previous = last && { previous_run: last.event === 'stopped' ? 'stopped' : 'ended without a stop' }
    note('running', 'started', { version: '0.0.0', ...previous })
    const actors = createActors(
      {
        ...ports,
        failures: { pause: () => 0, failed: () => {} },
        metrics: createMetrics(),
        clock,
        log,
        configRules,
        tune: () => {},
      },
      {
        actors: actorOptions(config),
        // A fixed seed of the jitter: each run is the same.
        input: { ...input, link: { ...input.link, seed: 2 ** 31 } },
        ask: askOptions(config),
        streamAccess: streamAccessOptions(config),
        ...(tracing && { trace: tracing }),
      },
    )
    const ends = new Map<string, Told>()
    actors.facts.subscribe((fact) => {
      if (fact.type === 'recording.started') stepsAtStart.set(fact.camera, offset)
      if (fact.type === 'recording.ended' || fact.type === 'recording.failed') ends.set(fact.camera, fact)
    })
    let lose = (_error: Error) => {}
    const gone = new Promise<never>((_, reject) => {
      lose = reject
    })
    gone.catch(() => {})
    return { actors, ends, gone, lose, close }
  }
  let service = serve()
  let isServing = true
  const ends = new Map<string, Told>()
  const endService = async (how: 'killed' | 'stopped') => {
    const { actors, ends: known, lose, close } = service
    isServing = false
    if (how === 'stopped') {
      await actors.stop('SIGTERM', 8_000)
      note('stopped', 'stopped')
    }
    tracing?.ended(actors.support.trace())
    actors.close()
    close()
    for (const [camera, fact] of known) ends.set(camera, fact)
    host.exited = () => {}
    host.crash('ended with the service')
    lose(Object.assign(new Error('the service ended'), { data: { reason: 'service_stopping' } }))
  }
  const startService = async () => {
    service = serve()
    await service.actors.start(10_000)
    isServing = true
  }

  let isOver = false
  const pumping = (async () => {
    while (!isOver) await timers.tickAsync(tick)
  })()
  const pass = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

  let requests = 0
  const by = (): By => ({ user: 'ann', request: String(++requests), session: 'test' })
  const orGone = <T>(promise: Promise<T>): Promise<T> => Promise.race([promise, service.gone])
  const endedOf = (fact: Told | undefined): Ended | undefined => {
    if (fact?.type !== 'recording.ended' && fact?.type !== 'recording.failed') return undefined
    const { reason, startedAt = 0, endedAt, files, gaps } = fact.outcome
    const all = host.filesOf(fact.camera).filter(({ filename }) => files.includes(filename))
    const deleted = host.written(fact.camera) - host.filesOf(fact.camera).reduce((sum, { media }) => sum + media, 0)
    return {
      reason: reason.code,
      status: fact.type === 'recording.ended' ? 'STOPPED' : 'FAILED',
      span: endedAt - startedAt - (offset - (stepsAtStart.get(fact.camera) ?? 0)),
      media: all.reduce((sum, { media }) => sum + media - (media % 200), 0) + deleted,
      gaps: gaps.map(({ from, to, reason: why }) => ({ from, to, reason: why.code })),
      unplayable: all.filter(({ media }) => media < 200).length,
    }
  }

  const world: SimulatedWorld = {
    journal,
    get actors() {
      return service.actors
    },
    host,
    clock,
    cameras,
    faults: injections(),
    now: () => performance.now(),
    pass,
    async see(camera): Promise<Seen> {
      if (!isServing) throw new Error('the service is down')
      const { directory } = service.actors
      const { status, cause, stream, recording } = directory.camera(camera)
      return {
        status,
        // A camera is probed for a moment after each start: that is the reason.
        reason: cause.reason?.code ?? (cause.state === 'probing' ? 'probing' : undefined),
        stream: {
          status: stream.status,
          reason: stream.reason?.code,
          held: 'ann' in stream.holders,
          frames: framesOf(camera),
        },
        recording: recording && { status: recording.status, reason: recording.reason?.code },
        unhealthy: unhealthy(),
      }
    },
    hold: (camera) => orGone(service.actors.ask.holdStream(camera, 'ann', by())).then(() => {}),
    record: (camera, duration) =>
      orGone(
        service.actors.ask.startRecording(camera, { by: by(), format: 'fmp4', ...(duration && { duration }) }),
      ).then(() => {}),
    async stop(camera) {
      await orGone(service.actors.ask.stopRecording(camera, by())).catch(() => {})
      const ended = await world.ended(camera)
      if (!ended) throw new Error(`${camera} did not end its recording`)
      return ended
    },
    ended: async (camera) => endedOf(service.ends.get(camera) ?? ends.get(camera)),
    written: async (camera) => host.written(camera),
    snapshot: (camera) =>
      orGone(service.actors.ask.takeSnapshot(camera, { by: by(), format: 'jpg', quality: 80, maxAge: 0 })).then(
        () => {},
      ),
    leftovers: async () => ({
      timers: timers.countTimers(),
      'udev watches': hints.size,
      intents: kept.intents.size,
      ...host.leftovers(),
    }),
    async end() {
      await endService('killed')
      host.close()
      isOver = true
      await pumping
      timers.restore()
    },
  }

  /** Frames of the stream: the taps count those of captured cameras. */
  const framesOf = (camera: string) => host.paths.get(camera)?.process?.frames ?? 0

  function unhealthy(): string | undefined {
    const { directory } = service.actors
    const [link, storage] = [directory.link(), directory.storage()]
    if (link.state !== 'up') return link.cause.reason?.code ?? ''
    if (storage.state !== 'ok') return storage.cause.reason?.code ?? ''
    return undefined
  }

  function injections(): Partial<Record<FaultName, Injection>> {
    const set = (change: (unit: Unit) => void, hits: readonly string[]) => {
      for (const camera of hits) change(host.unitOf(camera))
    }
    const hint = (udev_action: string) => {
      for (const each of hints) setTimeout(() => each({ udev_action }), 5)
    }
    const plug =
      (isPlugged: boolean, isSilent = false) =>
      (hits: readonly string[]) => {
        set((unit) => Object.assign(unit, { isPlugged }), hits)
        if (!isSilent) hint(isPlugged ? 'add' : 'remove')
      }
    const unplugged: Injection = { begin: plug(false), finish: plug(true) }
    const disk = (code: typeof host.disk): Injection => ({
      begin: () => void Object.assign(host, { disk: code }),
      finish: () => void Object.assign(host, { disk: undefined }),
    })
    const host_ = (change: Partial<typeof host>, back: Partial<typeof host>): Injection => ({
      begin: () => void Object.assign(host, change),
      finish: () => void Object.assign(host, back),
    })
    const steps = (ms: number): Injection => ({
      begin: () => {
        offset += ms
      },
    })
    const day = 86_400_000
    return {
      unplugged,
      unpluggedLong: unplugged,
      otherPort: {
        begin: plug(false),
        finish(hits) {
          set((unit) => {
            unit.device = { ...unit.device, node: `${unit.device.node}9`, port: `${unit.device.port}-other` }
          }, hits)
          plug(true)(hits)
        },
      },
      udevSilent: { begin: plug(false, true), finish: plug(true, true) },
      twinPlugged: {
        begin(hits) {
          for (const [index, camera] of hits.entries()) {
            const unit = host.unitOf(camera)
            const device = { ...unit.device, node: `/dev/video9${index}`, port: `usb-9${index}` }
            units.set(`camera${count + index}`, { ...unit, device })
          }
          hint('add')
        },
        finish(hits) {
          for (const index of hits.keys()) units.delete(`camera${count + index}`)
          hint('remove')
        },
      },
      cameraHangs: {
        begin: (hits) => set((unit) => Object.assign(unit, { isLive: false }), hits),
        finish: (hits) => set((unit) => Object.assign(unit, { isLive: true }), hits),
      },
      deviceBusy: {
        async begin(hits) {
          plug(false)(hits)
          await pass(1_000)
          set((unit) => Object.assign(unit, { isBusy: true }), hits)
          plug(true)(hits)
        },
        finish: (hits) => set((unit) => Object.assign(unit, { isBusy: false }), hits),
      },
      deviceDenied: {
        async begin(hits) {
          plug(false)(hits)
          await pass(1_000)
          set((unit) => Object.assign(unit, { isDenied: true }), hits)
          plug(true)(hits)
        },
        finish: (hits) => set((unit) => Object.assign(unit, { isDenied: false }), hits),
      },
      ffmpegKilled: {
        begin(hits) {
          for (const camera of hits) host.kill(camera)
        },
      },
      ffmpegStopped: {
        begin(hits) {
          for (const camera of hits) {
            const { process } = host.paths.get(camera) ?? {}
            if (process) process.isStopped = true
          }
        },
      },
      sourceBlip: { begin: plug(false, true), finish: plug(true, true) },
      sourceAway: { begin: plug(false, true), finish: plug(true, true) },
      sourceSilent: {
        begin: (hits) => set((unit) => Object.assign(unit, { isLive: false }), hits),
        finish: (hits) => set((unit) => Object.assign(unit, { isLive: true }), hits),
      },
      serverKilled: { begin: () => host.crash('killed by SIGKILL') },
      serverHangs: {
        begin() {
          if (host.server === 'up') host.server = 'hung'
        },
      },
      serverGone: {
        begin() {
          host.mayServerStart = false
          host.crash('killed by SIGKILL')
        },
        finish: () => void Object.assign(host, { mayServerStart: true }),
      },
      serverSlow: host_({ api: 'slow' }, { api: 'works' }),
      serverErrors: host_({ api: 'failing' }, { api: 'works' }),
      pathsLost: {
        begin() {
          // A server that does not run has no paths.
          if (host.server === 'down') return
          const { exited } = host
          host.exited = () => {}
          host.crash('')
          host.boot()
          host.exited = exited
        },
      },
      diskFull: disk('storage_full'),
      inodesUsed: disk('storage_full'),
      readOnly: disk('storage_read_only'),
      folderRemoved: disk('storage_missing'),
      writeErrors: disk('storage_failed'),
      diskHangs: host_({ isDiskHanging: true }, { isDiskHanging: false }),
      fileDeleted: {
        begin(hits) {
          for (const camera of hits) host.deleteFile(camera)
        },
      },
      stateUnwritable: host_({ isStateWritable: false }, { isStateWritable: true }),
      clockForward: steps(day),
      clockBack: steps(-day),
      serviceKilled: { begin: () => endService('killed'), finish: startService },
      serviceRestarted: { begin: () => endService('stopped'), finish: startService },
    }
  }

  await service.actors.start(10_000)
  for (let waited = 0; ; waited += 100) {
    const isReady = service.actors.directory.cameras().filter(({ status }) => status === 'CONNECTED').length === count
    if (isReady && unhealthy() === undefined) return world
    if (waited > 60_000) throw new Error('the simulated service did not become ready')
    await pass(100)
  }
}

/** Of every network camera. */
export const yardPassword = 'tulip-field'

const unitOf = (index: number, source: Source): Unit => ({
  device: {
    kind: 'usb',
    node: `/dev/video${index}`,
    port: `usb-${index}`,
    serial: `SN${index}`,
    vendorId: '1d6b',
    productId: '0102',
    model: 'Test Cam',
  },
  url: source === 'network' ? `rtsp://watcher:${yardPassword}@10.0.0.${index + 1}:554/yard` : '',
  isPlugged: true,
  isLive: true,
  isBusy: false,
  isDenied: false,
})
