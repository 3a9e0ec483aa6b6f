import { discoveryMachine } from '../../../machines/discovery.js'
import type { UsbDevice } from '../../../machines/domain/camera.js'
import type { AddedStream, FoundStream } from '../../../machines/domain/external.js'
import { because } from '../../../machines/domain/reason.js'
import { externalDiscoveryMachine } from '../../../machines/externalDiscovery.js'
import { externalStreamsMachine } from '../../../machines/externalStreams.js'
import { model } from '../model.js'
import { ann, bob, crashes, fails, resolves, sends, yard } from './examples.js'

export const plugged = (serial: string, node: string): UsbDevice => ({
  kind: 'usb',
  node,
  port: `usb-${serial}`,
  serial,
  vendorId: '1d6b',
  productId: '0102',
  model: 'Test Cam',
})

const discovery = model(discoveryMachine, {
  starts: { start: { pollEvery: 10_000 } },
  events: [],
  effects: {
    watchDevices: [
      sends('devices.hint'),
      sends('watch.started', { mode: 'udev' }),
      sends('watch.started', { mode: 'devfs' }),
    ],
    scanDevices: [{ done: [] }, { done: [plugged('SN1', '/dev/video0')] }, fails('permission_denied')],
  },
  bound: 300,
})

const off = { enabled: false, interval: 0, atStart: false, skydio: false, generic: false }
const onDemand = { enabled: true, interval: 0, atStart: false, skydio: true, generic: true }
const found: FoundStream = { url: 'rtsp://10.0.0.7/live', name: 'Gate', type: 'generic_rtsp', codec: 'H264' }

const externalDiscovery = model(externalDiscoveryMachine, {
  starts: {
    disabled: off,
    'on demand': onDemand,
    'at the start': { ...onDemand, atStart: true, interval: 60_000 },
    periodic: { ...onDemand, interval: 60_000 },
  },
  events: [
    { type: 'discovery.start', wish: { skydio: true, generic: false, force: false }, by: ann },
    { type: 'discovery.start', wish: { skydio: true, generic: true, force: true }, by: bob },
    { type: 'client.left', session: ann.session },
    { type: 'client.left', session: bob.session },
    { type: 'interval.set', interval: 0 },
    { type: 'interval.set', interval: 60_000 },
    { type: 'kinds.set', skydio: false, generic: true },
  ],
  effects: {
    scanStreams: [
      sends('scan.ended', { took: 10, errors: [] }),
      sends('scan.progress', { done: 1, total: 2 }),
      sends('scan.found', { stream: found, at: 10 }),
      sends('scan.lost', { url: found.url, reason: because('unreachable') }),
    ],
  },
  rests: ['disabled'],
  bound: 3_000,
})

export const gate: AddedStream = {
  url: 'rtsp://ann:secret@10.0.0.7/live',
  name: 'Gate',
  type: 'generic_rtsp',
  addedAt: 1,
}
const door: AddedStream = { ...gate, url: 'rtsp://10.0.0.8/live', name: 'Door' }

const externalStreams = model(externalStreamsMachine, {
  starts: { start: { streams: [], entries: [yard], maxStreams: 1 } },
  events: [
    { type: 'stream.add', stream: gate, by: ann },
    { type: 'stream.add', stream: door, by: ann },
    { type: 'stream.add', stream: { ...gate, url: 'rtsp://10.0.0.9/live' }, by: ann },
    { type: 'stream.remove', url: gate.url, by: bob },
    { type: 'interval.set', interval: 60_000, by: bob },
    { type: 'streams.configured', entries: [yard], maxStreams: 2 },
  ],
  effects: {
    checkAddress: [{ done: undefined }, { done: 'must not be an address of this host' }, crashes],
    saveStreams: [resolves, fails('storage_full')],
  },
  bound: 16_000,
})

export const discoveries = [discovery, externalDiscovery, externalStreams]
