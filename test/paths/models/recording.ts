import type { Device, Pipeline } from '../../../machines/domain/camera.js'
import type { RecordingFile, Segment } from '../../../machines/domain/files.js'
import { because, Failure } from '../../../machines/domain/reason.js'
import type { Recalled } from '../../../machines/domain/recording.js'
import { recordingMachine } from '../../../machines/recording.js'
import type { Closed, RecordingInput } from '../../../machines/recordingContext.js'
import { snapshotMachine } from '../../../machines/snapshot.js'
import type { SnapshotInput, SnapshotWish } from '../../../machines/snapshotContext.js'
import { model, type Outcome } from '../model.js'
import { ann, bob, camera, down, fails, full, lost, resolves, sends } from './examples.js'

const [one, two]: Segment[] = [
  { filename: 'one.mp4', startedAt: 1_000 },
  { filename: 'two.mp4', startedAt: 9_000 },
]
const file: RecordingFile = {
  name: 'one.mp4',
  camera,
  path: '/recordings/one.mp4',
  bytes: 1_000,
  modifiedAt: 5_000,
  createdAt: 1_000,
  format: 'mp4',
  duration: 4_000,
  complete: true,
  indexed: true,
}
const closed: Closed = { files: [file], endedAt: 5_000 }
const asked: RecordingInput = { camera, by: ann, format: 'fmp4' }
export const recalled: Recalled = {
  intent: { camera, by: ann, format: 'fmp4', startedAt: 1_000, gaps: [], gapReason: because('unplugged') },
  grewAt: 5_000,
}

const recording = model(recordingMachine, {
  starts: {
    requested: asked,
    timed: { ...asked, duration: 60_000 },
    'of a camera that encodes by itself': { ...asked, isPulled: true },
    'ends on unplug': { ...asked, endsOnUnplug: true },
    recalled: { ...asked, recalled, maxInterruption: 600_000, duration: 3_600_000 },
    'recalled, while everything is missing': {
      ...asked,
      recalled,
      lacks: { camera: lost, storage: full, server: down },
    },
  },
  events: [
    { type: 'recording.stop', by: bob },
    { type: 'camera.lost', reason: lost },
    { type: 'camera.lost', reason: because('reconfigured') },
    { type: 'camera.ready' },
    { type: 'stream.changed', reason: because('stream_changed') },
    { type: 'storage.blocked', reason: full },
    { type: 'storage.freed' },
    { type: 'server.lost', reason: down },
    { type: 'feed.failed', reason: because('pipeline_killed') },
    { type: 'server.restored' },
    { type: 'service.stopping' },
  ],
  effects: {
    streamHold: [
      sends('stream.held'),
      sends('stream.lost', { reason: down }),
      // The cause is not known yet.
      sends('stream.lost', { reason: because('server_closed') }),
    ],
    openCapture: [{ done: { watermark: 900, segments: [] } }, fails('server_refused')],
    confirmSegment: [{ done: one }, fails('no_data')],
    watchSegments: [
      sends('segment.grew', { at: 2_000 }),
      sends('segment.added', { segment: two, at: 9_100 }),
      // A full file of FAT.
      sends('segment.grew', { at: 2_000, bytes: 2 ** 32 - 1 }),
      sends('segment.deleted'),
    ],
    // It ends by the duration, or by the limit of the interruption.
    waitUntil: [{ done: { at: 605_000 } }, { done: { at: 10_000_000 } }],
    closeCapture: [{ done: closed }, { done: { ...closed, doubt: because('timed_out') } }, fails('timed_out')],
    saveIntent: [resolves, fails('storage_full')],
    finishRecording: [{ done: closed }, fails('storage_full')],
  },
  ends: [{ type: 'recording.stop', by: bob }, { type: 'service.stopping' }],
  bound: 6_000,
})

export const usb: Device = {
  kind: 'usb',
  node: '/dev/video0',
  vendorId: '1d6b',
  productId: '0102',
  serial: 'SN1',
  model: 'Test Cam',
}
export const network: Device = { kind: 'rtsp', name: 'yard', url: 'rtsp://10.0.0.9/live' }
export const virtual: Device = { kind: 'virtual', name: 'demo' }
export const pipeline: Pipeline = {
  kind: 'encode',
  mode: { fourcc: 'MJPG', width: 640, height: 480, fps: 30 },
  reason: 'it has no H.264 of its own',
}
export const wish: SnapshotWish = { by: ann, maxAge: 1_000, options: { format: 'jpg', quality: 90 } }
const strict: SnapshotWish = { by: bob, maxAge: 0, options: { format: 'png', quality: 90, fleeting: true } }
const taking = (device: Device, live: boolean): SnapshotInput => ({ camera, device, pipeline, live, wish })
const picture = { file: '/tmp/picture.jpg', capturedAt: 1_000 }
const savedPicture = { filename: 'picture.jpg', file: '/snapshots/picture.jpg', bytes: 1_000, width: 640, height: 480 }
const grab = (tier: 0 | 1 | 2 | 3): Outcome[] => [
  { done: { ...picture, tier } },
  { error: new Failure('device_busy') },
  { error: new Failure('server_unreachable') },
  { error: new Failure('stream_not_found') },
  { error: new Failure('timed_out') },
]

const snapshot = model(snapshotMachine, {
  starts: {
    usb: taking(usb, false),
    'usb, live': taking(usb, true),
    network: taking(network, false),
    virtual: taking(virtual, false),
    'virtual, live': taking(virtual, true),
  },
  events: [
    { type: 'snapshot.join', wish },
    { type: 'snapshot.join', wish: strict },
    { type: 'device.removed', reason: lost },
    { type: 'service.stopping' },
  ],
  effects: {
    grabDirect: grab(0),
    grabByFfmpeg: grab(1),
    grabFromStream: grab(3),
    askSource: [resolves, fails('unreachable'), fails('source_refused')],
    savePictures: [
      {
        done: {
          captured: { ...picture, tier: 0 },
          saved: [
            { wish, picture: savedPicture, finishedAt: 2_000 },
            { wish: strict, reason: full },
          ],
        },
      },
      fails('storage_full'),
    ],
  },
  ends: [{ type: 'device.removed', reason: lost }, { type: 'service.stopping' }],
  bound: 20_000,
})

export const recordings = [recording, snapshot]
