import { because } from '../../../machines/domain/reason.js'
import type { RetentionPolicy } from '../../../machines/domain/retention.js'
import { indexingMachine } from '../../../machines/indexing.js'
import { quarantineMachine } from '../../../machines/quarantine.js'
import { recordingFolderMachine } from '../../../machines/recordingFolder.js'
import { retentionMachine } from '../../../machines/retention.js'
import { storageMachine } from '../../../machines/storage.js'
import { model, type Outcome } from '../model.js'
import { ann, camera, crashes, fails, full, resolves, sends } from './examples.js'

export const limits = { warnPercent: 80, blockPercent: 90, minFree: 0, interval: 5_000 }
const measured = (percent: number, more: object = {}): Outcome => ({
  done: { total: 1_000, used: percent * 10, available: 1_000 - percent * 10, percent, at: 1_000, ...more },
})
const disk = [
  measured(50),
  measured(82),
  measured(87),
  measured(95),
  measured(50, { fault: because('storage_failed') }),
  measured(95, { fault: because('storage_full') }),
  fails('storage_unknown'),
  fails('storage_failed'),
]

const storage = model(storageMachine, {
  starts: {
    'one folder': limits,
    'two folders': { ...limits, hasFallback: true },
    priorities: { ...limits, isGraded: true },
  },
  events: [
    { type: 'disk.check' },
    { type: 'strain.settled' },
    { type: 'limits.set', ...limits, warnPercent: 40, blockPercent: 60 },
    { type: 'limits.set', ...limits, isGraded: true },
  ],
  effects: {
    measureDisk: disk,
    keepReserve: [resolves, fails('storage_full')],
    recordingFolder: [sends('folder.used', { folder: 'main' }), sends('folder.used', { folder: 'fallback' }), crashes],
  },
  rests: ['level', 'folder.single', 'strain'],
  bound: 1_500,
})

const recordingFolder = model(recordingFolderMachine, {
  starts: { start: limits },
  events: [
    { type: 'folder.failed', reason: full },
    { type: 'folder.failed', reason: because('storage_failed') },
    { type: 'folder.well' },
    { type: 'limits.set', ...limits, warnPercent: 40 },
  ],
  effects: { measureDisk: disk, useFolder: [resolves, fails('storage_failed')] },
  bound: 800,
})

const policies: RetentionPolicy[] = [
  { type: 'age', maxAgeDays: 30, enabled: true },
  { type: 'size', maxSizeGb: 10, enabled: true },
  { type: 'manual', enabled: false },
]
const day = 86_400_000
const january = Date.UTC(2026, 0, 1)
const settings = { policy: { type: 'age', maxAgeDays: 30, enabled: true }, checkInterval: 3_600_000 } as const
const deleted = { kind: 'recordings', name: 'old.mp4', camera, bytes: 1_000, reason: 'older than 30 days' }

const retention = model(retentionMachine, {
  starts: {
    'by age': settings,
    'by size, with a target': { ...settings, policy: { type: 'size', maxSizeGb: 10, enabled: true }, hasTarget: true },
  },
  events: [
    ...policies.map((policy) => ({ type: 'policy.set', policy, by: ann }) as const),
    { type: 'retention.configured', ...settings },
    { type: 'retention.configured', ...settings, hasTarget: true, hasAgeLimits: true },
    { type: 'retention.sweep', by: ann },
    { type: 'retention.sweep', by: ann, acceptsLoss: true },
    { type: 'retention.sweep', by: ann, cameras: [camera] },
    { type: 'space.needed', missing: { bytes: 1_000, files: 0 } },
  ],
  effects: {
    loadPolicy: [
      { done: undefined },
      { done: { policy: { type: 'size', maxSizeGb: 1, enabled: true } } },
      fails('storage_failed'),
    ],
    savePolicy: [resolves, fails('storage_full')],
    findLoss: [{ done: undefined }, { done: because('protections_lost') }, fails('storage_failed')],
    acceptLoss: [resolves, fails('storage_full')],
    sweepFiles: [
      sends('sweep.ended', { at: 1, undated: 0 }),
      sends('sweep.ended', { at: 1, isLimited: true }),
      sends('sweep.ended', { at: 1, reason: 'the folder cannot be read' }),
      sends('sweep.ended', { at: 1, excess: { due: 9, of: 10 } }),
      sends('sweep.refused', { at: 1, undated: 3, excess: { due: 9, of: 10 } }),
      sends('file.deleted', deleted),
      sends('file.kept', { name: 'kept.mp4', reason: 'permission_denied' }),
    ],
    loadClock: [{ done: undefined }, { done: { wall: january, expected: january } }, fails('storage_failed')],
    readClock: [
      { done: { wall: january, monotonic: 1_000 } },
      { done: { wall: january + 9 * day, monotonic: 2_000_000 } },
      { done: { wall: 0, monotonic: 3_000_000 } },
      crashes,
    ],
    saveClock: [resolves, fails('storage_full')],
  },
  rests: ['deletion'],
  bound: 3_000,
})

const suspect = {
  name: 'empty.mp4',
  camera,
  path: '/recordings/empty.mp4',
  bytes: 0,
  modifiedAt: 1,
  reason: because('no_data'),
}

const quarantine = model(quarantineMachine, {
  starts: { start: undefined },
  events: [
    { type: 'part.closed', camera },
    { type: 'part.closed', camera: 'camera1' },
  ],
  effects: {
    findSuspects: [{ done: [] }, { done: [suspect] }, fails('storage_failed')],
    moveSuspects: [
      sends('move.ended'),
      sends('file.quarantined', { camera, filename: suspect.name, reason: suspect.reason }),
      crashes,
    ],
  },
  bound: 600,
})

const unindexed = (name: string) => ({
  name,
  camera,
  path: `/recordings/${name}`,
  bytes: 1_000,
  modifiedAt: 1,
  inode: 1,
  complete: true,
  duration: 1_000,
  isAtRest: true,
  format: 'fmp4' as const,
})

const indexing = model(indexingMachine, {
  starts: { enabled: { enabled: true, format: 'fmp4' }, disabled: { enabled: false, format: 'fmp4' } },
  events: [
    { type: 'part.closed', camera, files: ['one.mp4'], format: 'fmp4' },
    { type: 'part.closed', camera, files: ['two.mp4'], format: 'mp4' },
    { type: 'disk.short' },
  ],
  effects: {
    findUnindexed: [
      { done: { files: [], waiting: [] } },
      { done: { files: [unindexed('one.mp4'), unindexed('two.mp4')], waiting: ['three.mp4'] } },
      fails('storage_failed'),
    ],
    indexFile: [{ done: 2_000 }, { done: undefined }, fails('storage_full'), fails('failed')],
  },
  rests: ['off'],
  bound: 1_200,
})

export const storages = [storage, recordingFolder, retention, quarantine, indexing]
