import { randomInt } from 'node:crypto'
import { createActor, waitFor } from 'xstate'
import type { AuditLog, AuthFailures, Credentials, Links, OutsideChange, OwnAccess } from '../machines/domain/access.js'
import { allowList } from '../machines/domain/address.js'
import { isFirstSetting } from '../machines/domain/clockJump.js'
import type { Fact } from '../machines/domain/facts.js'
import type { Journal } from '../machines/domain/journal.js'
import type { Dispose, Metrics } from '../machines/domain/ports.js'
import type { RetentionPolicy } from '../machines/domain/retention.js'
import { fleetMachine } from '../machines/fleet.js'
import type { FleetInput } from '../machines/fleetContext.js'
import { createAsk } from './ask.js'
import { createConfigurationAsk } from './askConfiguration.js'
import { createExternalAsk } from './askExternal.js'
import { createRetentionAsk } from './askRetention.js'
import { createSimulationAsk } from './askSimulation.js'
import { auditFacts, auditOutside } from './auditFacts.js'
import { createDirectory, type Directory, type FleetActor } from './directory.js'
import { createSurvey } from './effects/retention.js'
import { createExplain } from './explain.js'
import { createFacts } from './facts.js'
import { fingerprintOf } from './fingerprint.js'
import { createInspection } from './inspection.js'
import { inspectors } from './inspectors.js'
import { createJournalist } from './journal.js'
import { logFacts } from './logFacts.js'
import { createObserver } from './observer.js'
import { patientClock } from './patientClock.js'
import { type ActorOptions, type ActorPorts, provide } from './provide.js'
import { createStreamAccess } from './streamAccess.js'
import { createTrace, type TraceOptions } from './trace/trace.js'

export interface ActorsOptions {
  actors: ActorOptions
  input: Omit<FleetInput, 'link'> & { link: { resetAfter: number; seed?: number } }
  ask: { startLimit: number; autoCloseAfter: number; simulation: boolean; scanLimit: number; policy: RetentionPolicy }
  streamAccess: { open: boolean; allowedIps: readonly string[] }
  /** Whether the actors can be inspected; default false. */
  inspect?: boolean
  trace?: TraceOptions
}

export interface ActorsPorts extends ActorPorts {
  credentials: Pick<Credentials, 'verify' | 'isRevoked' | 'onRevoked'> & {
    onOutsideChange(listener: (change: OutsideChange) => void): Dispose
  }
  links: Pick<Links, 'verify'>
  own: OwnAccess
  audit: Pick<AuditLog, 'write'>
  journal: Journal
  failures: AuthFailures
  metrics: Pick<Metrics, 'refused'>
}

/** About an hour of 16 cameras. */
const defaultTrace: TraceOptions = { maxSize: 1_500_000, chunkSize: 500_000 }

/** The part of the limit of a stop, in ms, that is left when the media server must be gone. */
const lastStep = (limit: number) => Math.min(500, limit / 10)

/** After these facts, the files of a recording are closed. */
const closing = new Set<Fact['type']>(['recording.suspended', 'recording.ended', 'recording.failed'])

/** After these facts, the room of the disk belongs to the recordings. */
const shortage = new Set<Fact['type']>(['storage.warning', 'storage.critical', 'storage.blind'])

/** Creates the root actor and the interfaces to read it, send requests and receive facts. It runs after `start`. */
export function createActors(
  ports: ActorsPorts,
  { actors, input, ask: asking, streamAccess, inspect, trace: tracing = defaultTrace }: ActorsOptions,
) {
  const { audit, clock, log } = ports
  const facts = createFacts({ clock, log })
  facts.subscribe(logFacts(log))
  facts.subscribe(auditFacts(audit))
  facts.subscribe((fact) => {
    if (!isFirstSetting(fact)) return
    fleet.system.get('mediaSessions')?.send({ type: 'clock.set', at: clock.monotonic(), wall: clock.now() })
  })
  facts.subscribe(({ type, ...fact }) => {
    if (!closing.has(type) || !('camera' in fact)) return
    fleet.system.get('quarantine')?.send({ type: 'part.closed', camera: fact.camera })
  })
  facts.subscribe((fact) => {
    const indexing = fleet.system.get('indexing')
    if ('outcome' in fact) {
      const { files, format } = fact.outcome
      indexing?.send({ type: 'part.closed', camera: fact.camera, files, format })
    }
    if (shortage.has(fact.type)) indexing?.send({ type: 'disk.short' })
  })
  const unlisten = ports.credentials.onOutsideChange(auditOutside(audit))
  const observer = createObserver({ facts, clock, log })
  const inspection = inspect ? createInspection({ root: () => fleet, clock, log }) : undefined
  const journalist = createJournalist({ journal: ports.journal, clock, log })
  const cameras = () => directory.cameras()
  const health = { facts, cameras, link: () => directory.link(), storage: () => directory.storage() }

  const fleetInput: FleetInput = { ...input, link: { seed: randomInt(2 ** 32), ...input.link } }
  const trace = createTrace({ input: fleetInput, root: () => fleet }, { clock, log }, tracing)
  const fleet: FleetActor = createActor(provide(ports, actors, health), {
    systemId: 'fleet',
    clock: patientClock(clock.monotonic),
    inspect: inspectors(trace, observer, journalist, inspection),
    input: fleetInput,
  })
  const directory: Directory = createDirectory({ fleet, observer, startedAt: clock.now() })
  const explain = createExplain({ fleet, directory, journalist, journal: ports.journal, clock })
  const ask = createAsk({ ...ports, ...asking, fleet, facts, directory })
  const simulation = createSimulationAsk({
    ...ports,
    actor: () => fleet.system.get('simulation'),
    facts,
    directory,
    enabled: asking.simulation,
  })
  const external = createExternalAsk({ ...asking, fleet, facts, directory, clock })
  const retention = createRetentionAsk({
    actor: () => fleet.system.get('retention'),
    facts,
    survey: createSurvey({ ...ports, cameras }),
    policy: asking.policy,
  })
  const configuration = createConfigurationAsk({
    actor: () => fleet.system.get('configuration'),
    facts,
    rules: ports.configRules,
    history: ports.configHistory,
    text: fleet.getSnapshot().context.configuration.text,
  })
  const access = createStreamAccess({
    ...ports,
    mediaSessions: () => fleet.system.get('mediaSessions'),
    isAllowed: allowList(streamAccess.allowedIps),
    open: streamAccess.open,
  })

  let pings = 0
  /** Resolves with one sentence if the root ends without being stopped. */
  const failed = new Promise<string>((resolve) => {
    fleet.subscribe({
      complete: () => {
        if (fleet.getSnapshot().hasTag('broken')) resolve('too many actors crashed within a minute')
      },
      error: (error) => {
        log.error('the root actor crashed', { error })
        resolve('the root actor crashed')
      },
    })
  })

  return {
    facts,
    directory,
    explain,
    stateTimes: journalist.times,
    ask: {
      ...ask,
      ...simulation,
      releaseAll(session: string) {
        ask.releaseAll(session)
        external.leave(session)
      },
    },
    external,
    retention,
    configuration,
    inspection,
    streamAccess: access,
    /** The recorded events, for a replay, and the charts that they are for. */
    support: { trace: trace.lines, charts: () => fingerprintOf(fleetMachine) },
    failed,
    /** True if the root actor answers. */
    isAlive(): boolean {
      if (fleet.getSnapshot().status !== 'active') return false
      pings += 1
      fleet.send({ type: 'system.ping', id: pings })
      return fleet.getSnapshot().context.pong === pings
    },
    /** Resolves when cameras are served. Rejects with one sentence if that fails, or after `limit` ms. */
    async start(limit: number): Promise<void> {
      fleet.start()
      const isDecided = (snapshot: ReturnType<FleetActor['getSnapshot']>) =>
        snapshot.hasTag('running') || snapshot.hasTag('over')
      const snapshot = await waitFor(fleet, isDecided, { timeout: limit }).catch(() => {
        throw new Error(`the camera registry could not be read within ${limit / 1000} s`)
      })
      if (snapshot.hasTag('over')) throw new Error(snapshot.context.reason ?? 'the root actor ended during the start')
    },
    /**
     * Ends recordings, closes files, then ends the media server. Resolves when done, or after `limit` ms. Never
     * rejects.
     */
    async stop(reason: string, limit: number): Promise<void> {
      if (directory.link().server?.kind !== 'external') ports.mediaServer.leavePaths()
      fleet.send({ type: 'system.stop', reason, until: clock.monotonic() + limit - lastStep(limit) })
      await waitFor(fleet, (snapshot) => snapshot.status !== 'active', { timeout: limit }).catch(() =>
        log.warn('the shutdown took too long and was aborted', { limit }),
      )
    },
    /** Ends everything that still runs, at once. */
    close(): void {
      trace.close()
      fleet.stop()
      access.close()
      unlisten()
    },
  }
}
