import { expect } from 'chai'
import { ConfigurationError, loadConfiguration } from '../../config/load.js'
import type { CameraEntry } from '../../machines/domain/ports.js'

const load = (cameras: string): readonly CameraEntry[] =>
  loadConfiguration({ env: { CAMERA_SERVICE_CAMERAS: cameras } }).config.cameras
const thrownBy = (cameras: string) => {
  try {
    load(cameras)
    return []
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    return error.faults
  }
}
const faults = (cameras: string): string[] => thrownBy(cameras).map(({ key, rule }) => `${key} ${rule}`)

const allowed = 'virtual, rtsp://… , rtsps://… , usb:<serial, port or vendor:product> or v4l2:/dev/v4l/by-path/…'

describe('configuration of cameras', () => {
  it('returns camera entries', () => {
    const cameras = `
      - name: demo
        source: virtual
        size: 640x480
        fps: 15
        priority: 90
        skip_frames: auto
        retention: { max_age_days: 7, max_size_gb: 2.5 }
        codec: { video_profile: main, video_level: 3.1, bitrate: 800k, encoder: h264_vaapi }
      - { name: yard, source: 'rtsps://ann:pw@192.0.2.1:322/live?x=1', enabled: off }
      - { name: gate, source: 'usb:pci-0000:00:14.0-usb-0:1.2:1.0' }`
    expect(load(cameras)).to.deep.equal([
      {
        name: 'demo',
        source: { kind: 'virtual' },
        enabled: true,
        settings: {
          name: 'demo',
          width: 640,
          height: 480,
          fps: 15,
          priority: 90,
          skipFrames: 'auto',
          limits: { maxAgeDays: 7, maxSizeGb: 2.5 },
          codec: { profile: 'main', level: '3.1', bitrate: 800_000 },
          encoder: 'h264_vaapi',
        },
      },
      {
        name: 'yard',
        source: { kind: 'rtsp', url: 'rtsps://ann:pw@192.0.2.1:322/live?x=1' },
        enabled: false,
        settings: { name: 'yard' },
      },
      {
        name: 'gate',
        source: { kind: 'usb', match: 'pci-0000:00:14.0-usb-0:1.2:1.0' },
        enabled: true,
        settings: { name: 'gate' },
      },
    ])
  })

  it('returns how an RTSP camera is reached', () => {
    const digits = 'ab'.repeat(32)
    const cameras = `
      - name: yard
        source: 'rtsps://192.0.2.1/live'
        user: ann
        password: 'p@ss:w/rd%41 #1'
        transport: tcp
        fingerprint: 'SHA256 Fingerprint=${'AB:'.repeat(31)}AB'
        keepalive: options
        check_interval: 1h
      - { name: gate, source: 'rtsp://192.0.2.2/', user: ann, password_file: /run/credentials/gate, transport: auto }
      - { name: link, source: 'rtsp://[fe80::1%eth0]:8554/live' }`
    expect(load(cameras).map(({ source }) => source)).to.deep.equal([
      {
        kind: 'rtsp',
        url: 'rtsps://ann:p%40ss%3Aw%2Frd%2541%20%231@192.0.2.1/live',
        transport: 'tcp',
        fingerprint: digits,
        keepalive: 'options',
        checkInterval: 3_600_000,
      },
      { kind: 'rtsp', url: 'rtsp://192.0.2.2/', user: 'ann', passwordFile: '/run/credentials/gate' },
      { kind: 'rtsp', url: 'rtsp://[fe80::1%25eth0]:8554/live' },
    ])
  })

  it('names what does not fit together, without a password', () => {
    const cameras = `
      - { name: a, source: virtual, transport: tcp }
      - { name: b, source: 'rtsp://h/', user: ann }
      - { name: c, source: 'rtsp://h/', password: unspeakable }
      - { name: d, source: 'rtsp://u:p@h/', user: ann, password: unspeakable }
      - { name: e, source: 'rtsp://h/', user: ann, password: unspeakable, password_file: /f }
      - { name: f, source: 'rtsp://h/', fingerprint: '${'ab'.repeat(32)}' }
      - { name: g, source: 'rtsps://h/', fingerprint: abc, keepalive: never, check_interval: 0, transport: sctp }`
    expect(faults(cameras)).to.deep.equal([
      'cameras[0].transport is only for RTSP cameras',
      'cameras[1].user needs password or password_file',
      'cameras[2].password needs user',
      'cameras[3].user must not be set beside a user in the URL: leave one of them out',
      'cameras[4].password_file must not be set beside password: the password is in one of them',
      'cameras[5].fingerprint is only for rtsps:// sources',
      'cameras[6].transport must be one of auto, tcp, udp; the nearest is tcp',
      'cameras[6].fingerprint must be the SHA-256 fingerprint of a certificate: 64 hex digits, also with colons',
      'cameras[6].keepalive must be one of describe, options, off',
      'cameras[6].check_interval must be a duration from 1s to 1d (10s, 500ms, 1h30m; a bare number is in seconds)',
    ])
    expect(JSON.stringify(thrownBy(cameras))).not.to.include('unspeakable')
  })

  it('may be empty', () => expect(load('[]')).to.deep.equal([]))

  it('lists every fault with its place', () => {
    const cameras = `
      - { name: ' Demo', source: virtual }
      - { source: virtual }
      - name: a
        source: http://x
        size: 641x480
        fps: 0
        enabled: perhaps
        codec: { video_profile: highest, level: 4 }
      - { name: b, sorce: virtual }
      - { name: c, source: 'usb:' }
      - { name: 5, source: 'rtsp:///nowhere' }
      - just text
      - { name: d, name: e, source: virtual, codec: fast, fps: }`
    expect(faults(cameras)).to.deep.equal([
      'cameras[0].name must be a name of at most 64 printable characters, without a space at its ends; ' +
        'put digits in quotes',
      'cameras[1] has no name',
      `cameras[2].source must be ${allowed}`,
      'cameras[2].enabled must be true or false',
      'cameras[2].size must be a frame size such as 1280x720, even numbers from 16 to 7680',
      'cameras[2].fps must be a number from 1 to 240',
      'cameras[2].codec.level is not a known key; the nearest is video_level',
      'cameras[2].codec.video_profile must be one of baseline, main, high; the nearest is high',
      'cameras[3].sorce is not a known key; the nearest is source',
      'cameras[3] has no source',
      `cameras[4].source must be ${allowed}`,
      'cameras[5].name must be a name of at most 64 printable characters, without a space at its ends; ' +
        'put digits in quotes',
      'cameras[5].source must contain a host, and optionally a port from 1 to 65535; ' +
        'as in rtsp://192.168.1.20:554/stream; in a user or password write / as %2F, ? as %3F and # as %23',
      'cameras[6] must be a group of keys (name, key, source, user, password, password_file, transport, fingerprint, ' +
        'keepalive, check_interval, enabled, size, fps, codec, priority, retention, skip_frames)',
      'cameras[7].name is set twice, first on line 14',
      'cameras[7].fps has no value',
      'cameras[7].codec must be a group of keys (video_profile, video_level, pixel_format, preset, bitrate, encoder)',
    ])
  })

  it('accepts any printable name, and a key that identifies the camera beside it', () => {
    const cameras = `
      - { name: Front Door, source: virtual }
      - { name: Hof 🚜, key: yard, source: 'rtsp://192.0.2.1/live' }
      - { name: Entrance, key: Old Front Door, source: virtual }
      - { name: "Tu\\u0308r", source: 'usb:A1' }`
    expect(load(cameras).map(({ name, key }) => [name, key])).to.deep.equal([
      ['Front Door', undefined],
      ['Hof 🚜', 'yard'],
      ['Entrance', 'Old Front Door'],
      ['Tür', undefined],
    ])
    expect(faults('[{ name: "a\\u200bb", source: virtual }, { name: a, key: " A", source: virtual }]')).to.deep.equal([
      'cameras[0].name must be a name of at most 64 printable characters, without a space at its ends; ' +
        'put digits in quotes',
      'cameras[1].key must be a name of at most 64 printable characters, without a space at its ends; ' +
        'put digits in quotes',
    ])
    expect(faults(`[{ name: ${'x'.repeat(65)}, source: virtual }]`)).to.have.length(1)
    expect(load(`[{ name: ${'🚜'.repeat(64)}, source: virtual }]`)).to.have.length(1)
    expect(faults('[{ name: yard, source: virtual }, { name: Hof, key: yard, source: virtual }]')).to.deep.equal([
      'cameras[1].key must be unique: another camera has this key, or this name and no key',
    ])
  })

  for (const [source, expected] of [
    ['usb:046D:0825', { kind: 'usb', match: '046d:0825' }],
    ['usb: SN7', { kind: 'usb', match: 'SN7' }],
    [
      'usb:/dev/v4l/by-id/usb-046d_0825_A1-video-index0',
      { kind: 'usb', match: '/dev/v4l/by-id/usb-046d_0825_A1-video-index0' },
    ],
    [
      'v4l2:/dev/v4l/by-path/platform-fe801000.csi-video-index0',
      { kind: 'v4l2', path: '/dev/v4l/by-path/platform-fe801000.csi-video-index0' },
    ],
    ['v4l2:/dev/video42', { kind: 'v4l2', path: '/dev/video42' }],
    [
      'v4l2:/dev/v4l/by-path/pci-0000:00:14.0-usb-0:2:1.0-video-index0',
      { kind: 'usb', match: '/dev/v4l/by-path/pci-0000:00:14.0-usb-0:2:1.0-video-index0' },
    ],
  ] as const)
    it(`reads the source ${source}`, () =>
      expect(load(`[{ name: a, source: '${source}' }]`)[0]?.source).to.deep.equal(expected))

  for (const [source, rule] of [
    ['usb:/dev/video0', 'must not be a numbered node, whose number changes'],
    ['usb:/dev/cam', 'must be a link below /dev/v4l/by-id or /dev/v4l/by-path'],
    ['v4l2:video0', 'must be v4l2: and the path of a device'],
    ['v4l2:/dev/../etc/passwd', 'must be v4l2: and the path of a device'],
    ['v4l2:/etc/passwd', 'must be v4l2: and the path of a device'],
  ] as const)
    it(`refuses the source ${source}`, () =>
      expect(faults(`[{ name: a, source: '${source}' }]`).join()).to.contain(`cameras[0].source ${rule}`))

  it('refuses a name or a USB device that is used twice', () => {
    expect(
      faults('[{ name: a, source: virtual }, { name: a, source: usb:1 }, { name: b, source: usb:1 }]'),
    ).to.deep.equal([
      'cameras[1].name must be unique: another camera is called a',
      'cameras[2].source must be unique: another entry names the same USB camera',
    ])
  })

  it('shows the duplicate value', () => {
    const twins = '[{ name: a, source: usb:1 }, { name: a, source: usb:1 }]'
    expect(thrownBy(twins).map(({ key, value }) => `${key} = ${value}`)).to.deep.equal([
      'cameras[1].name = "a"',
      'cameras[1].source = "usb:1"',
    ])
  })

  it('must be a list', () => {
    for (const text of ['5', '{ name: a }', '', 'virtual'])
      expect(faults(text), text).to.deep.equal(['cameras must be a list of cameras'])
  })

  it('names the fault of a text that is not YAML, without the text', () => {
    for (const [text, fault] of [
      ['[{ name: a', /^cameras is not YAML: Flow map .* \(line 1\)$/],
      ['- name: a\n  source: "secret', /^cameras is not YAML: .* \(line 2\)$/],
      ['[]\n---\n[]', /^cameras holds more than one document \(line 2\)$/],
    ] as const) {
      expect(faults(text), text).to.have.length(1)
      expect(faults(text)[0], text).to.match(fault)
      expect(JSON.stringify(thrownBy(text)), text).not.to.include('secret')
    }
  })
})
