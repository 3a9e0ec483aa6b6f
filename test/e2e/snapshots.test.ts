import { readFile } from 'node:fs/promises'
import { expect } from 'chai'
import { describeKinds, refusal, type Service, sideBySide, startService, virtual } from './service.js'

interface Snapshot {
  filename: string
  file_path: string
  file_size: number
  tier: number
  captured_at: string
  age_ms: number
  width: number
  height: number
  passed_over: { tier: number; reason: string }[]
}

describeKinds('snapshots', (kind) => {
  let service: Service

  before(async () => {
    service = await startService({ kind, cameras: ['asleep', 'shared', 'live'].map(virtual) })
  })
  after(() => service?.end())

  const take = (device: string, params = {}) => service.call<Snapshot>('take_snapshot', { device, ...params })
  const pngStart = Buffer.from([0x89, 0x50, 0x4e, 0x47])
  const jpegStart = Buffer.from([0xff, 0xd8, 0xff])

  sideBySide({
    'come from the device while the camera sleeps, in the size, format and quality asked for': async () => {
      const device = 'camera0'
      const plain = await take(device, { quality: 95 })
      expect(plain).to.deep.include({
        tier: 1,
        width: 320,
        height: 240,
        passed_over: [{ tier: 0, reason: 'not_a_usb_camera', details: 'this is not a USB camera' }],
      })
      expect(plain.filename).to.match(/^camera0_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d-\d{3}\.jpg$/)
      const bytes = await readFile(plain.file_path)
      expect(bytes.length).to.equal(plain.file_size)
      expect(bytes.subarray(0, 3)).to.deep.equal(jpegStart)

      const coarse = await take(device, { quality: 5 })
      expect(coarse.file_size).to.be.lessThan(plain.file_size / 2)
      const narrow = await take(device, { format: 'png', width: 160 })
      expect(narrow).to.include({ width: 160, height: 120 })
      expect(narrow.filename).to.match(/\.png$/)
      expect((await readFile(narrow.file_path)).subarray(0, 4)).to.deep.equal(pngStart)
      const { files, total } = await service.call<{ files: { filename: string }[]; total: number }>('list_snapshots', {
        limit: 1000,
      })
      expect(total).to.equal(files.length)
      expect(files.map(({ filename }) => filename)).to.include.members([
        plain.filename,
        coarse.filename,
        narrow.filename,
      ])
    },

    'share one capture, each under its own name; for a name that is taken, the next free one': async () => {
      const device = 'camera1'
      const [gate, door, other] = await Promise.all([
        take(device, { filename: 'gate' }),
        take(device, { filename: 'door.png' }),
        take(device),
      ])
      expect([gate.filename, door.filename]).to.deep.equal(['gate.jpg', 'door.png'])
      expect(new Set([gate, door, other].map(({ captured_at }) => captured_at)).size, 'instants of capture').to.equal(1)
      expect(new Set([gate, door, other].map(({ file_path }) => file_path)).size, 'files').to.equal(3)
      const named: string[] = []
      for (const filename of ['gate', 'gate.jpg', 'gate.png']) named.push((await take(device, { filename })).filename)
      expect(named).to.deep.equal(['gate-2.jpg', 'gate-3.jpg', 'gate-4.png'])
      for (const filename of ['../gate', '/etc/x', '.hidden', ''])
        expect((await refusal(take(device, { filename }))).code, filename).to.equal(-32602)
    },

    'come from the stream while it runs, as old as max_age allows': async () => {
      const device = 'camera2'
      await service.call('start_streaming', { device })
      await service.until(
        'the still of the stream is written',
        async () => (await take(device, { max_age: 3 })).age_ms > 200,
      )
      const still = await take(device, { max_age: 3 })
      expect(still.tier).to.equal(2)
      expect(still.passed_over).to.deep.equal([
        { tier: 0, reason: 'device_busy', details: 'the device is busy: it is streaming' },
        { tier: 1, reason: 'device_busy', details: 'the device is busy: it is streaming' },
      ])
      const asked = Date.now()
      const fresh = await take(device, { max_age: 0 })
      expect(fresh.tier).to.equal(2)
      expect(Date.parse(fresh.captured_at)).to.be.at.least(asked)
      // Asked for while a capture runs that may give an older picture.
      const [, strict] = await Promise.all([take(device, { max_age: 3 }), take(device, { max_age: 0 })])
      expect(Date.parse(strict.captured_at)).to.be.at.least(asked)
      const taken = await service.told('snapshot.taken', { device, filename: fresh.filename })
      expect(taken.params).to.include({ resolution: '320x240', tier: 2, file_size: fresh.file_size })
      await service.call('stop_streaming', { device })
    },
  })
})
