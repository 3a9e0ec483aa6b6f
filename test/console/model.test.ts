import { expect } from 'chai'
import type { Camera, Notifications } from '../../rpc/client/index.js'
import { isLit, shortName, stateAt, treeOf } from '../../rpc/console/chart.js'
import {
  agoText,
  byDay,
  bytesText,
  clockText,
  countText,
  dayText,
  durationText,
  timeText,
  valueText,
  wordText,
} from '../../rpc/console/format.js'
import { begin, failing, playing, wayText, whepUrl } from '../../rpc/console/live.js'
import { permissionFor, sentence, withCamera, withoutCamera } from '../../rpc/console/reduce.js'
import { hrefOf, kioskKeyIn, type Route, routeOf, signInCodeOf } from '../../rpc/console/route.js'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

describe('the console writes', () => {
  it('sizes with three figures at most', () => {
    expect([0, 999, 1_000, 12_345, 123_456, 4_900_000, 271_000_000_000].map(bytesText)).to.deep.equal([
      '0 B',
      '999 B',
      '1.0 KB',
      '12.3 KB',
      '123 KB',
      '4.9 MB',
      '271 GB',
    ])
  })

  it('running times', () => {
    expect([-5, 0, 7_900, 65_000, 12 * minute, hour + 2 * minute + 3_000].map(clockText)).to.deep.equal([
      '0:00',
      '0:00',
      '0:07',
      '1:05',
      '12:00',
      '1:02:03',
    ])
  })

  it('durations in their largest units', () => {
    const all = [0, 59_400, 59_600, 5 * minute, hour, hour + 5 * minute, 24 * hour, 97 * hour, 59.6 * minute]
    expect(all.map(durationText)).to.deep.equal([
      '0 s',
      '59 s',
      '1 min',
      '5 min',
      '1 h',
      '1 h 5 min',
      '1 d',
      '4 d 1 h',
      '1 h',
    ])
  })

  it('ages, also of times that a faster clock has made', () => {
    expect([10_000, 9_500, 7_000, 15_000].map((at) => agoText(at, 10_000))).to.deep.equal([
      'now',
      'now',
      '3 s ago',
      'in 5 s',
    ])
  })

  it('a time of today without, and an older one with its date', () => {
    const now = new Date(2026, 5, 15, 12, 0, 0).getTime()
    expect(timeText(now - hour, now, 'en-GB')).to.equal('11:00:00')
    expect(timeText(now - 25 * hour, now, 'en-GB')).to.equal('14 Jun 2026, 11:00:00')
  })

  it('days as people name them', () => {
    const now = new Date(2026, 5, 15, 0, 30).getTime()
    expect([now, now - hour].map((at) => dayText(at, now, 'en-GB'))).to.deep.equal(['Today', 'Yesterday'])
    expect(dayText(now - 25 * hour, now, 'en-GB')).to.match(/^Saturday,? 13 June 2026$/)
  })

  it('groups by day in the order of the list', () => {
    const noon = new Date(2026, 5, 15, 12).getTime()
    const days = byDay([noon, noon - hour, noon - 30 * hour], (at) => at)
    expect(days.map(({ items }) => items.length)).to.deep.equal([2, 1])
  })

  it('counts, words and values', () => {
    expect([countText(1, 'camera'), countText(0, 'camera'), countText(2, 'entry', 'entries')]).to.deep.equal([
      '1 camera',
      '0 cameras',
      '2 entries',
    ])
    expect([wordText('device_busy'), wordText('forRemoval'), wordText('HEALTHY')]).to.deep.equal([
      'Device busy',
      'For removal',
      'Healthy',
    ])
    expect([valueText(''), valueText([]), valueText(5), valueText(['a']), valueText('a')]).to.deep.equal([
      '(empty)',
      '(empty)',
      '5',
      '["a"]',
      'a',
    ])
  })

  it('reasons as sentences, and leaves names as they are', () => {
    expect(
      ['the camera was unplugged', 'mediamtx.mode selects it', 'camera0 is unplugged', 'Done.', ' '].map(sentence),
    ).to.deep.equal(['The camera was unplugged.', 'mediamtx.mode selects it.', 'camera0 is unplugged.', 'Done.', ''])
  })
})

describe('the addresses of the console', () => {
  it('lead to a view and back', () => {
    const routes: Route[] = [
      { view: 'cameras' },
      { view: 'camera', id: 'camera0' },
      { view: 'recordings' },
      { view: 'snapshots', file: 'a b/ü.jpg' },
      { view: 'system', tab: 'audit' },
      { view: 'system', tab: 'actors', actor: 'camera:camera0/recording' },
      { view: 'kiosk' },
      { view: 'kiosk', cameras: ['camera0', 'camera12'] },
    ]
    expect(routes.map((route) => routeOf(hrefOf(route)))).to.deep.equal(routes)
  })

  it('that are unknown or broken show the cameras', () => {
    for (const hash of ['', '#', '#/nowhere', '#/cameras/%E0%A4%A', '#signin=abc'])
      expect(routeOf(hash), hash).to.deep.equal({ view: 'cameras' })
    expect(routeOf('#kiosk')).to.deep.equal({ view: 'kiosk' })
    expect(routeOf('#/kiosk/camera1,?key=x')).to.deep.equal({ view: 'kiosk', cameras: ['camera1'] })
    expect(routeOf('#/system/nothing')).to.deep.equal({ view: 'system', tab: 'overview' })
  })

  it('contain the key of a wall display in the fragment only in one form', () => {
    const key = `csk_${'a'.repeat(43)}`
    expect(kioskKeyIn(`#/kiosk/camera0,camera1?key=${key}`)).to.deep.equal({ key, rest: '#/kiosk/camera0,camera1' })
    expect(kioskKeyIn(`#kiosk?key=${key}`)).to.deep.equal({ key, rest: '#kiosk' })
    for (const hash of [
      '#/kiosk',
      '#/kiosk?key=',
      '#/kiosk?key=eyJ0.x.y',
      `#/cameras?key=${key}`,
      `#/kiosk?key=${key}x`,
    ])
      expect(kioskKeyIn(hash), hash).to.equal(undefined)
  })

  it('contain a sign-in code in the fragment only in one form', () => {
    expect(signInCodeOf('#signin=Ab-_9')).to.equal('Ab-_9')
    for (const hash of ['#signin=', '#signin=a/b', '#/signin=abc', `#signin=${'a'.repeat(129)}`])
      expect(signInCodeOf(hash), hash).to.equal(undefined)
  })
})

const camera = (id: string, changes: Partial<Camera> = {}): Camera =>
  ({ id, device: id, allowed_methods: [], refused_methods: [], ...changes }) as unknown as Camera
const update = (given: object) =>
  ({ ...given, severity: 'info', seq: 1, at: '', timestamp: '' }) as Notifications['camera_status_update']

describe('the list of cameras', () => {
  it('takes a whole camera in its place, by number', () => {
    const before = [camera('camera2'), camera('camera10')]
    const added = withCamera(before, update(camera('camera3', { name: 'Yard' })))
    expect(added.map(({ id }) => id)).to.deep.equal(['camera2', 'camera3', 'camera10'])
    expect(added[1]).to.deep.equal(camera('camera3', { name: 'Yard' }))
    expect(withCamera(added, update(camera('camera3', { name: 'Gate' })))[1]?.name).to.equal('Gate')
  })

  it('drops a camera that has left', () => {
    const left = update({ id: 'camera2', device: 'camera2', status: 'DISCONNECTED', streams: {} })
    expect(withCamera([camera('camera2')], left)).to.deep.equal([])
    expect(withoutCamera([camera('camera1'), camera('camera2')], 'camera1')).to.deep.equal([camera('camera2')])
  })

  it('allows exactly what the service allows, and has the reason of a refusal', () => {
    const one = camera('camera0', {
      allowed_methods: ['take_snapshot'],
      refused_methods: [{ method: 'start_recording', reason: 'storage_full', details: 'the disk is full' }],
    })
    expect(permissionFor(one, 'take_snapshot')).to.deep.equal({ allowed: true })
    expect(permissionFor(one, 'start_recording')).to.deep.equal({ allowed: false, why: 'the disk is full' })
    expect(permissionFor(one, 'unknown').allowed).to.equal(false)
  })
})

describe('the live picture', () => {
  const all = { webrtc: true, hls: true }

  it('is WebRTC, else HLS, else stills', () => {
    const first = begin(all)
    const second = failing(first, all, 'the stream ended')
    const third = failing(second, all, 'no picture arrived in time')
    expect([first.way, second.way, third.way]).to.deep.equal(['webrtc', 'hls', 'stills'])
    expect([playing(first).isPlaying, second.isPlaying]).to.deep.equal([true, false])
    expect(failing(third, all, 'once more')).to.equal(third)
    expect(wayText(third, all)).to.equal('Stills, once a second. Live video failed: no picture arrived in time')
  })

  it('opens a stream again that has been shown, and gives up one that was not', () => {
    const ended = failing(playing(begin(all)), all, 'the stream ended')
    expect(ended).to.deep.equal({ way: 'webrtc', failed: [], isPlaying: false, attempt: 2 })
    expect(failing(ended, all, 'no picture arrived in time').way).to.equal('hls')
  })

  it('is only what is offered', () => {
    const none = { webrtc: false, hls: false }
    expect(begin(none).way).to.equal('stills')
    expect(wayText(begin(none), none)).to.match(/offers no live video/)
    expect(failing(begin({ webrtc: true, hls: false }), { webrtc: true, hls: false }, 'x').way).to.equal('stills')
  })

  it('keeps the signature in the address of WHEP', () => {
    expect(whepUrl('http://host:8889/camera0?sig=a.b')).to.equal('http://host:8889/camera0/whep?sig=a.b')
  })
})

describe('a chart', () => {
  it('lights the present states and those around them', () => {
    const present = ['online.available', 'feed.local']
    const paths = ['online', 'online.available', 'online.avail', 'feed', 'feed.remote']
    expect(paths.map((path) => isLit(path, present))).to.deep.equal([true, true, false, true, false])
  })

  it('finds a state by its path', () => {
    const root = { name: 'a', type: 'compound', states: [{ name: 'b', type: 'atomic' }] } as const
    const chart = { ...root, states: [...root.states] }
    expect(stateAt(chart, 'b')?.name).to.equal('b')
    expect(stateAt(chart, 'b.c')).to.equal(undefined)
  })

  it('hangs each actor below its parent', () => {
    const list = [
      { actor: 'fleet' },
      { actor: 'camera:camera0', parent: 'fleet' },
      { actor: 'camera:camera0/demand', parent: 'camera:camera0' },
    ]
    const [root, ...more] = treeOf(list)
    expect(more).to.deep.equal([])
    expect(root?.children[0]?.children[0]?.actor.actor).to.equal('camera:camera0/demand')
    expect(shortName('camera:camera0/demand', 'camera:camera0')).to.equal('demand')
    expect(shortName('camera:camera0', 'fleet')).to.equal('camera:camera0')
    expect(treeOf([{ actor: 'b', parent: 'hidden' }])).to.have.length(1)
  })
})
