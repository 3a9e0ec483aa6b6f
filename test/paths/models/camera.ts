import { cameraMachine } from '../../../machines/camera.js'
import type { CameraInput } from '../../../machines/cameraContext.js'
import type { Device, Identity } from '../../../machines/domain/camera.js'
import { because } from '../../../machines/domain/reason.js'
import { model } from '../model.js'
import { ann, bob, camera, crashes, down, fails, full, lost, resolves, sends } from './examples.js'
import { network, pipeline, recalled, usb, virtual, wish } from './recording.js'

const identity: Identity = { key: 'serial:1d6b:0102:SN1', basis: 'serial', confidence: 'high', ambiguous: false }
const input = (device: Device): CameraInput => ({
  id: camera,
  name: 'yard',
  identity,
  device,
  settings: {},
  obstacles: {},
})

const machine = model(cameraMachine, {
  starts: {
    usb: input(usb),
    network: input(network),
    adapting: { ...input(usb), adapts: true },
    'virtual, without a media server': { ...input(virtual), obstacles: { server: down } },
  },
  events: [
    { type: 'device.found', device: usb, identity },
    { type: 'device.replaced', device: usb, identity },
    { type: 'device.replaced', device: network, identity, reason: because('reconfigured') },
    { type: 'device.removed', reason: lost },
    { type: 'identity.changed', identity: { ...identity, ambiguous: true } },
    { type: 'camera.configured', setup: { name: 'gate', settings: {}, endsOnUnplug: true } },
    { type: 'recording.start', by: ann, format: 'fmp4' },
    { type: 'recording.stop', by: bob },
    { type: 'snapshot.take', wish },
    { type: 'stream.hold', holder: 'ann', since: 1 },
    { type: 'stream.release', holder: 'ann' },
    { type: 'storage.blocked', reason: full },
    { type: 'storage.freed' },
    { type: 'server.lost', reason: down },
    { type: 'server.restored' },
    { type: 'service.stopping' },
    { type: 'camera.remove', by: ann },
  ],
  effects: {
    probeDevice: [
      { done: { at: 100, capabilities: { formats: [] }, pipeline } },
      { done: { at: 100, capabilities: { formats: [] }, pipeline: { ...pipeline, kind: 'copy' } } },
      { done: { at: 100, capabilities: { formats: [] }, pipeline: { ...pipeline, encoder: 'h264_vaapi' } } },
      fails('device_busy'),
      fails('no_signal'),
    ],
    publishPath: [sends('path.published'), sends('path.refused', { reason: because('server_refused') })],
    recallIntent: [{ done: undefined }, { done: recalled }, fails('storage_failed')],
    abandonCapture: [resolves, fails('server_unreachable')],
    recording: [
      { done: undefined },
      sends('recording.claimed'),
      sends('recording.writing'),
      sends('recording.released'),
      sends('recording.ending'),
      sends('stream.missed'),
      sends('recording.outgrown', { limits: { main: 60_000 } }),
      crashes,
    ],
    snapshot: [{ done: undefined }, crashes],
    demand: [crashes],
    pipeline: [
      sends('feed.failed', { reason: because('pipeline_killed') }),
      sends('pipeline.overloaded', { reason: because('overloaded') }),
      sends('pipeline.misfit', { reason: because('format_not_offered') }),
      sends('pipeline.encoderFailed', { reason: because('encoder_failed') }),
      crashes,
    ],
    keyframes: [crashes],
    pull: [
      crashes,
      sends('stream.used'),
      sends('stream.unused'),
      sends('media.found', { media: { codec: 'H264', width: 640, height: 480 }, changed: false }),
      sends('media.found', { media: { codec: 'H264', width: 320, height: 240 }, changed: true }),
    ],
    source: [{ done: because('unreachable') }, crashes],
  },
  ends: [{ type: 'service.stopping' }, { type: 'camera.remove', by: ann }],
  spawned: (snapshot) => [
    ...(['active', 'ending'].some((state) => snapshot.matches({ alive: { recording: state } })) ? ['recording'] : []),
    ...(['underway', 'closing'].some((state) =>
      snapshot.matches({ alive: { connection: { online: { snapshot: state } } } }),
    )
      ? ['snapshot']
      : []),
  ],
  rests: [
    'alive.recording.none',
    'alive.connection.online.snapshot',
    'alive.connection.online.formats',
    'alive.connection.online.load',
  ],
  bound: 1_500,
})

export const cameras = [machine]
