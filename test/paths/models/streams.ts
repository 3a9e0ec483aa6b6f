import { demandMachine } from '../../../machines/demand.js'
import { because } from '../../../machines/domain/reason.js'
import { keyframesMachine } from '../../../machines/keyframes.js'
import { pipelineMachine } from '../../../machines/pipeline.js'
import { type PathMeasurement, pullMachine } from '../../../machines/pull.js'
import { sourceMachine } from '../../../machines/source.js'
import { streamHoldMachine } from '../../../machines/streamHold.js'
import { model, type Outcome } from '../model.js'
import { camera, crashes, fails, lost, resolves, sends } from './examples.js'

const streamHold = model(streamHoldMachine, {
  starts: { start: { camera } },
  events: [{ type: 'server.restored' }],
  effects: {
    openStream: [sends('stream.held'), sends('stream.lost', { reason: lost })],
    askSource: [resolves, fails('unreachable')],
  },
  bound: 200,
})

const keyframes = model(keyframesMachine, {
  starts: { start: { camera } },
  events: [{ type: 'stream.used' }, { type: 'stream.unused' }],
  effects: { followKeyframes: [resolves, fails('codec_unsupported'), fails('stream_lost')] },
  bound: 50,
})

const demand = model(demandMachine, {
  starts: { start: { camera }, 'after the camera reconnected': { camera, holds: { ann: { since: 1 } } } },
  events: [
    { type: 'stream.hold', holder: 'ann', since: 1 },
    { type: 'stream.hold', holder: 'bob', since: 2, until: 10, endsAt: 10 },
    { type: 'stream.release', holder: 'ann' },
    { type: 'stream.release', holder: 'bob' },
    { type: 'server.restored' },
  ],
  effects: {
    streamHold: [sends('stream.held'), sends('stream.lost', { reason: lost })],
    waitUntil: [{ done: { at: 10 } }, crashes],
  },
  bound: 500,
})

const progress = (sender: number, frames: number): Outcome =>
  sends('tap.progress', { sender, progress: { frames, fps: 30, bitrate: 1_000 } })

const paced = (sender: number, frames: number, speed: number): Outcome =>
  sends('tap.progress', { sender, progress: { frames, fps: 30, bitrate: 1_000, speed } })

const pipeline = model(pipelineMachine, {
  starts: { start: { camera }, 'without a media server': { camera, server: because('server_unreachable') } },
  events: [
    { type: 'server.lost', reason: because('server_unreachable') },
    { type: 'server.restored' },
    { type: 'pipeline.check' },
  ],
  effects: {
    watchTaps: ({ context }) => [
      paced(context.sender ?? 1, context.progress.frames + 1, 0.4),
      paced(context.sender ?? 1, context.progress.frames + 1, 1),
      progress(1, 0),
      progress(1, 1),
      progress(2, 1),
      progress(context.sender ?? 1, context.progress.frames + 1),
      sends('tap.finished', { sender: 1 }),
      sends('tap.finished', { sender: 2 }),
      sends('tap.reported'),
    ],
    findProcess: [{ done: 'running' }, { done: 'waiting' }, { done: 'gone' }, { done: 'unknown' }, crashes],
    takeReport: [{ done: undefined }, { done: because('device_busy') }, crashes],
    recycleProcess: [{ done: true }, { done: false }, crashes],
  },
  bound: 500,
})

const measured = (ready: boolean, used: boolean, bytes: number): Outcome => ({
  done: { ready, used, bytes, at: 1_000 } satisfies PathMeasurement,
})

const pull = model(pullMachine, {
  starts: { start: { camera } },
  events: [],
  effects: {
    measurePath: [
      measured(false, false, 0),
      measured(false, true, 0),
      measured(true, true, 1_000),
      measured(true, true, 2_000),
      measured(true, false, 2_000),
      fails('server_unreachable'),
    ],
  },
  bound: 400,
})

const source = model(sourceMachine, {
  starts: {
    'not asked': { url: 'rtsp://10.0.0.9/live', keepalive: 'off' },
    configured: { url: 'rtsp://10.0.0.9/live' },
  },
  events: [],
  effects: { describeSource: [resolves, fails('unreachable'), fails('address_refused')] },
  rests: ['unasked'],
  bound: 300,
})

export const streams = [demand, streamHold, keyframes, pipeline, pull, source]
