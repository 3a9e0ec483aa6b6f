import { createClosers } from '../../adapters/closers.js'
import type { openPorts, Ports } from '../../adapters/open.js'
import type { UsbDevice } from '../../machines/domain/camera.js'
import type { PathEvent, Registry } from '../../machines/domain/ports.js'
import { createGate } from './gate.js'
import { memoryJournal } from './memoryJournal.js'

const never = <T>(): Promise<T> => new Promise(() => {})
const nothing = () => {}
const missing = (what: string) => async () => {
  throw new Error(`${what} is not part of this test`)
}

export const frontDoor: UsbDevice = {
  kind: 'usb',
  node: '/dev/video0',
  port: 'usb-1',
  serial: 'SN1',
  vendorId: '1d6b',
  productId: '0102',
  model: 'Test Cam',
}

/** Fake ports: one USB camera, and a media server that accepts all calls. `ended` lists the closed resources. */
export function createFakePorts(changes: Partial<Ports> = {}) {
  const gate = createGate()
  const { log, clock } = gate
  const ended: string[] = []
  const published: string[] = []
  let registry: Registry = { next: 0, cameras: [], sharedSerials: [] }

  const ports = {
    tokens: { issue: async () => 'a token', verify: missing('a token') },
    keys: { list: async () => [], create: missing('a key'), rotate: missing('a key'), revoke: missing('a key') },
    credentials: { ...gate.credentials, onOutsideChange: () => nothing, close: async () => {} },
    links: gate.links,
    audit: { write: gate.audit.write, list: async () => ({ entries: [], total: 0 }), close: async () => {} },
    journal: memoryJournal(),
    own: { purposeOf: () => undefined, isOwnAddress: () => true },
    mediaServer: {
      info: async () => ({ version: 'v1.20.1', started: 'now' }),
      trial: async () => ({ version: 'v1.20.1', started: 'now' }),
      publish({ name }: { name: string }, report: (event: PathEvent) => void) {
        published.push(name)
        queueMicrotask(() => report({ type: 'path.published' }))
        return () => void ended.push(`the path of ${name}`)
      },
      setRecording: async () => {},
      sync: async () => published.length,
      settled: async () => {},
      leavePaths() {},
      drift: async () => [],
      repair: async () => {},
      streams: async () => [],
      stream: async () => undefined,
      kick: async () => false,
      sessions: async () => [],
      onBreaker: () => nothing,
      pauseCalls: () => nothing,
    },
    thumbnails: { of: async () => Buffer.from('a picture') },
    streams: { sample: () => [], streams: async () => [], stream: async () => undefined },
    serverProcess: {
      choose: async () => ({ kind: 'managed', why: 'test' }),
      start: async () => ({ pid: 4711 }),
      kill: async () => {},
      end: async () => void ended.push('the media server'),
    },
    serverKind: () => 'managed',
    serverOffers: () => ({ hls: true, webrtc: true }),
    reader: {
      hold: never,
      keyframe: never,
      follow: never,
      kept: nothing,
      describe: never,
      reach: never,
      address: (name: string) => name,
    },
    usb: { list: async () => [frontDoor], watch: () => ({ mode: 'udev', dispose: nothing }) },
    probe: {
      capabilities: async () => ({
        formats: [{ fourcc: 'MJPG', description: 'Motion-JPEG', sizes: [{ width: 1280, height: 720, rates: [30] }] }],
      }),
    },
    encoders: { choose: async () => ({ encoder: 'libx264', reason: 'no hardware' }), forget: nothing },
    pipelines: {
      spec: (name: string) => ({ name, source: { command: 'ffmpeg' } }),
      watch: () => nothing,
      process: () => undefined,
      presence: () => 'unknown',
      admit: () => true,
      takeReport: () => undefined,
      recycle: async () => false,
      still: async () => undefined,
      simulate: async () => {},
      close: nothing,
    },
    pictures: {
      grabDirect: missing('a picture'),
      grabByFfmpeg: missing('a picture'),
      grabFromStream: missing('a picture'),
      save: missing('a picture'),
    },
    files: {
      list: async () => ({ files: [], total: 0 }),
      find: async () => undefined,
      recording: async () => undefined,
      remove: async () => false,
      all: async () => [],
      sizes: async () => ({ recordings: 0, snapshots: 0 }),
      quarantined: async () => ({ files: 0, bytes: 0 }),
    },
    protection: { has: () => false, set: async () => {}, loss: () => undefined, acceptLoss: async () => {} },
    indexer: { unindexed: async () => [], index: async () => undefined },
    quarantine: { suspects: async () => [], move: async () => undefined },
    segments: {
      watermark: async () => 0,
      earlier: () => [],
      recall: async () => {},
      list: async () => [],
      first: never,
      watch: () => nothing,
      finish: async () => [],
      toMatroska: async () => [],
    },
    storage: {
      usage: async () => ({ total: 100, used: 10, available: 90, percent: 10 }),
      use: async () => {},
      keepReserve: async () => {},
    },
    registry: {
      load: async () => registry,
      save: async (next: Registry) => {
        registry = next
      },
    },
    intents: { find: async () => undefined, save: async () => {}, remove: async () => {} },
    gaps: { find: () => undefined, save: async () => {}, forget: async () => {} },
    retention: { load: async () => undefined, save: async () => {} },
    clockStore: {
      read: () => ({ wall: clock.now(), monotonic: performance.now() }),
      load: async () => undefined,
      save: async () => {},
    },
    external: { load: async () => ({ streams: [] }), save: async () => {} },
    leaveAddress: async () => async () => {},
    addresses: { refusal: async () => undefined, unresolved: async () => undefined },
    scan: { targets: async () => [], ask: never, use: nothing },
    simulatedHost: { devices: () => [] },
    configFile: { isThere: false, read: missing('a file'), write: missing('a file'), watch: () => nothing },
    configHistory: { list: async () => [], keep: missing('a version') },
    hostSample: () => ({
      at: 0,
      cpuPercent: 0,
      memoryPercent: 0,
      residentBytes: 0,
      bytesSent: 0,
      bytesReceived: 0,
    }),
    answerMediaServer: async () => {},
    ...changes,
  } as unknown as Ports

  const open: typeof openPorts = async () => {
    const closers = createClosers(log)
    closers.push(() => void ended.push('the data directory'))
    closers.push(() => ports.serverProcess.end())
    return { ports, closers }
  }
  return { ports, open, ended, published, log, clock, lines: gate.lines }
}
