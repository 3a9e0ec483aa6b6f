import { createActor, fromCallback, fromPromise } from 'xstate'
import { createExternalAsk } from '../../actors/askExternal.js'
import { createDirectory, type FleetActor } from '../../actors/directory.js'
import { externalDiscoveryEffects, externalStreamsEffects } from '../../actors/effects/external.js'
import { createFacts } from '../../actors/facts.js'
import { createObserver } from '../../actors/observer.js'
import { cameraMachine } from '../../machines/camera.js'
import { discoveryMachine } from '../../machines/discovery.js'
import type {
  AddedStream,
  AddressCheck,
  ExternalState,
  NameCheck,
  ScanAnswer,
  ScanTarget,
  StreamScan,
} from '../../machines/domain/external.js'
import type { Fact } from '../../machines/domain/facts.js'
import type { CameraEntry, Log, Registry } from '../../machines/domain/ports.js'
import type { Reason } from '../../machines/domain/reason.js'
import { type ExternalDiscoveryInput, externalDiscoveryMachine } from '../../machines/externalDiscovery.js'
import { externalStreamsMachine } from '../../machines/externalStreams.js'
import { fleetMachine } from '../../machines/fleet.js'
import { mediamtxLinkMachine } from '../../machines/mediamtxLink.js'
import { serverProcessMachine } from '../../machines/serverProcess.js'
import { storageMachine } from '../../machines/storage.js'
import { turn } from '../support/later.js'

const target = (port: number, named = false): ScanTarget => ({
  host: '10.0.0.9',
  port,
  named,
  candidates: [{ url: `rtsp://10.0.0.9:${port}/live`, name: `RTSP ${port}`, type: 'generic_rtsp' }],
})

let ends: (() => void)[] = []

/** Ends all fleets that a test started. */
export const endFleets = (): void => {
  for (const end of ends) end()
  ends = []
}

interface Options {
  entries?: CameraEntry[]
  streams?: AddedStream[]
  external?: Partial<ExternalDiscoveryInput>
  maxStreams?: number
  scanLimit?: number
  /** Name → why it has no address. */
  unresolved?: Record<string, Reason>
}

/** The real fleet, with cameras whose probe never ends and a scan that the test answers. */
export async function startExternal({
  entries = [],
  streams = [],
  external = {},
  maxStreams = 64,
  scanLimit = 1_500,
  unresolved = {},
}: Options = {}) {
  const quiet = () => fromCallback(() => {}) as never
  const never = () => fromPromise<never>(() => new Promise(() => {})) as never
  const clock = { now: () => 1_000, monotonic: () => 1_000 }
  const log: Log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} }
  const facts: Fact[] = []
  const bus = createFacts({ clock, log })
  bus.subscribe((fact) => facts.push(fact))
  const observer = createObserver({ facts: bus, clock, log })
  const saved: ExternalState[] = []
  const asked: number[] = []
  let fails = false
  let aborted = false
  const answers = new Map<number, (answer: Omit<ScanAnswer, 'target'>) => void>()
  const scan: StreamScan = {
    use: () => {},
    plan: () => ({ total: 3, targets: [target(554), target(555), target(556, true)], missing: [] }),
    async run(targets, report, signal) {
      signal.addEventListener('abort', () => {
        aborted = true
      })
      for (const each of targets) {
        asked.push(each.port)
        const answer = await new Promise<Omit<ScanAnswer, 'target'>>((resolve, reject) => {
          answers.set(each.port, resolve)
          signal.addEventListener('abort', () => reject(signal.reason))
        })
        report({ target: each, ...answer })
      }
    },
  }
  const addresses: AddressCheck & NameCheck = {
    refusal: async (host) => (host === '127.0.0.1' ? 'must not lead back to this service' : undefined),
    unresolved: async (host) => unresolved[host],
  }
  const store = {
    save: async (state: ExternalState) => {
      if (fails) throw new Error('no room')
      saved.push(state)
    },
  }
  const fleet: FleetActor = createActor(
    fleetMachine.provide({
      actors: {
        loadRegistry: fromPromise<Registry>(async () => ({ next: 0, cameras: [], sharedSerials: [] })),
        saveRegistry: fromPromise(async () => {}) as never,
        camera: cameraMachine.provide({ actors: { probeDevice: never() } }),
        discovery: discoveryMachine.provide({
          actors: { watchDevices: quiet(), scanDevices: fromPromise(async () => []) as never },
        }),
        externalDiscovery: externalDiscoveryMachine.provide({
          actors: externalDiscoveryEffects({ scan, clock, scanLimit }),
        }),
        externalStreams: externalStreamsMachine.provide({
          actors: externalStreamsEffects({ store, addresses, log }),
        }),
        serverProcess: serverProcessMachine.provide({
          actors: { chooseServer: never(), runServer: quiet(), endServer: never() },
        }),
        link: mediamtxLinkMachine.provide({
          actors: { askInfo: never(), syncPaths: never(), watchBreaker: quiet(), pauseCalls: quiet() },
        }),
        storage: storageMachine.provide({ actors: { measureDisk: never() } }),
      },
    }),
    {
      systemId: 'fleet',
      input: {
        entries,
        streams,
        external: { enabled: true, interval: 0, atStart: false, skydio: false, generic: true, ...external },
        externalStreams: { maxStreams },
        demoWhenNone: false,
        pollEvery: 10_000,
        storage: { warnPercent: 80, blockPercent: 90, minFree: 0, interval: 5_000 },
        link: { seed: 0, resetAfter: 1_000 },
      },
      inspect: observer.inspect,
    },
  )
  fleet.start()
  ends.push(() => fleet.stop())
  const directory = createDirectory({ fleet, observer, startedAt: 0 })
  const ask = createExternalAsk({ fleet, facts: bus, directory, clock, scanLimit })
  for (let i = 0; i < 5; i += 1) await turn()
  return {
    ask,
    fleet,
    saved,
    facts,
    cameras: () => directory.cameras(),
    device: (id: string) => fleet.system.get(`camera:${id}`).getSnapshot().context.device,
    asked: () => asked,
    isAborted: () => aborted,
    savingFails: (does: boolean) => {
      fails = does
    },
    /** Answers for the target at this port when the scan probes it. */
    async answer(port: number, codec: string | undefined, reason?: string, answered = codec !== undefined) {
      while (!answers.has(port)) await turn()
      const reply = answers.get(port)
      answers.delete(port)
      const found = codec === undefined ? [] : target(port).candidates.map((candidate) => ({ ...candidate, codec }))
      reply?.({ found, answered, ...(reason !== undefined && { reason }) })
      await turn()
    },
  }
}
