import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect } from 'chai'
import { type Ran, type Run, run } from '../../../adapters/ffmpeg/run.js'
import { createDeviceProbe } from '../../../adapters/usb/probe.js'
import type { UsbDevice } from '../../../machines/domain/camera.js'
import { chooseMode } from '../../../machines/domain/captureMode.js'
import { outputOf } from '../../devices/outputOf.js'
import { failure } from '../ffmpeg/support.js'

const log = { error() {}, warn() {}, info() {}, debug() {} }
const formats =
  "\t[0]: 'MJPG' (Motion-JPEG, compressed)\n\t\tSize: Discrete 640x480\n\t\t\tInterval: Discrete 0.033s (30.000 fps)\n"
const parsed = {
  formats: [{ fourcc: 'MJPG', description: 'Motion-JPEG', sizes: [{ width: 640, height: 480, rates: [30] }] }],
}
const never = new AbortController().signal

describe('device probe', () => {
  let dir = ''
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'probe-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  it('reads the formats with v4l2-ctl', async () => {
    const device = await plugged()
    const asked: string[] = []
    const probe = probing((command, args) => {
      asked.push([command, ...args].join(' '))
      return answer({ stdout: formats })
    })
    expect(await probe.capabilities(device, never)).to.deep.equal(parsed)
    expect(asked).to.deep.equal([`v4l2-ctl -d ${device.node} --list-formats-ext`])
  })

  it('joins the formats of all nodes of a camera, and notes the node of each', async () => {
    const device = { ...(await plugged()), otherNodes: ['/dev/video8'] }
    const h264 = formats.replace("'MJPG' (Motion-JPEG", "'H264' (H.264")
    const probe = probing((_, args) => answer({ stdout: args.includes('/dev/video8') ? `${formats}${h264}` : formats }))
    const { formats: found } = await probe.capabilities(device, never)
    expect(found.map(({ fourcc, node }) => [fourcc, node])).to.deep.equal([
      ['MJPG', undefined],
      ['H264', '/dev/video8'],
    ])
    const wish = { width: 640, height: 480, fps: 30 }
    expect(chooseMode({ formats: found }, wish)?.mode).to.deep.include({ fourcc: 'H264', node: '/dev/video8' })
  })

  it('says that a camera is plugged in without a node, as in a container that does not have its devices', async () => {
    const device = usb()
    await mkdir(join(dir, 'class/video4linux', basename(device.node)), { recursive: true })
    const probe = createDeviceProbe({ reader, log, run: () => answer({}), settleTime: 100, sysDir: dir })
    expect(await failure(probe.capabilities(device, never))).to.match(/^node_missing: .*--device/)
  })

  it('waits for a device node that appears late', async () => {
    const device = usb()
    const probe = probing(() => answer({ stdout: formats }))
    const found = probe.capabilities(device, never)
    await writeFile(device.node, '')
    expect(await found).to.deep.equal(parsed)
  })

  it('retries while the device is not ready', async () => {
    const device = await plugged()
    let asked = 0
    const probe = probing(() => answer(++asked < 3 ? { code: 1, stderr: 'Cannot open device' } : { stdout: formats }))
    expect(await probe.capabilities(device, never)).to.deep.equal(parsed)
    expect(asked).to.equal(3)
  })

  it('rejects with the reason after the last try', async () => {
    expect(await failure(probing(() => answer({}), 150).capabilities(usb(), never))).to.equal(
      'device_gone: the device is gone',
    )
    expect(await failure(probing(() => answer({}), 150).capabilities(await plugged(), never))).to.equal(
      'probe_failed: the camera lists no picture formats',
    )
    expect(await failure(probing(() => answer({ code: 1 }), 150).capabilities(await plugged(), never))).to.equal(
      'probe_failed: the device does not answer',
    )
  })

  it('accepts a camera that lists no sizes', async () => {
    const probe = probing(() => answer({ stdout: outputOf('pwc') }))
    const { formats } = await probe.capabilities(await plugged(), never)
    expect(formats.map(({ fourcc }) => fourcc)).to.deep.equal(['PWC2', 'YU12'])
  })

  it('names the version of a v4l2-ctl whose output it does not understand, at once', async () => {
    const probe = probing((_, args) =>
      answer({ stdout: args.includes('--version') ? 'v4l2-ctl 0.9.5\n' : 'Format 0: MJPG\n  640x480 (30.000 fps)\n' }),
    )
    expect(await failure(probe.capabilities(await plugged(), never))).to.equal(
      'probe_not_understood: the output of v4l2-ctl 0.9.5 is not understood',
    )
  })

  it('tells a missing signal from a camera without formats', async () => {
    const input = 'Video input : 0 (HDMI: no signal)\n'
    const probe = probing((_, args) => answer({ stdout: args.includes('--get-input') ? input : '' }), 150)
    expect(await failure(probe.capabilities(await plugged(), never))).to.equal(
      'no_signal: there is no signal at the input of the device',
    )
  })

  it('rejects at once if v4l2-ctl is missing', async () => {
    const probe = createDeviceProbe({
      reader,
      log,
      run: (command, args, options) => run(command, args, { ...options, env: { PATH: dir } }),
    })
    expect(await failure(probe.capabilities(await plugged(), never))).to.equal(
      'program_missing: v4l2-ctl is not installed',
    )
  })

  it('kills a v4l2-ctl that hangs on abort', async () => {
    const device = await plugged()
    await writeFile(join(dir, 'v4l2-ctl'), `#!/bin/sh\necho $$ > ${dir}/pid\nexec sleep 60\n`)
    await chmod(join(dir, 'v4l2-ctl'), 0o755)
    const ended = new AbortController()
    const probe = createDeviceProbe({
      reader,
      log,
      run: (command, args, options) => run(command, args, { ...options, env: { PATH: `${dir}:${process.env.PATH}` } }),
    })
    const failed = failure(probe.capabilities(device, ended.signal))
    const pid = Number(await contentOf(join(dir, 'pid')))
    ended.abort(new Error('unplugged'))
    expect(await failed).to.equal('unplugged')
    expect(() => process.kill(pid, 0)).to.throw('ESRCH')
  })

  it('uses DESCRIBE for RTSP cameras', async () => {
    const probe = createDeviceProbe({
      reader: { describe: async () => ({ codec: 'H.265', width: 1920, height: 1080 }) },
      log,
    })
    expect(await probe.capabilities({ kind: 'rtsp', name: 'yard', url: 'rtsp://127.0.0.1/1' }, never)).to.deep.equal({
      formats: [{ fourcc: 'HEVC', description: 'H.265 by RTSP', sizes: [{ width: 1920, height: 1080, rates: [] }] }],
      stream: { codec: 'H.265', width: 1920, height: 1080 },
    })
  })

  it('has fixed capabilities for virtual cameras', async () => {
    const { formats } = await probing(() => answer({})).capabilities({ kind: 'virtual', name: 'demo' }, never)
    expect(formats[0]?.sizes).to.deep.include({ width: 1280, height: 720, rates: [30, 25, 15, 10, 5] })
  })

  const usb = (): UsbDevice => ({
    kind: 'usb',
    node: join(dir, 'video0'),
    vendorId: '1d6b',
    productId: '0102',
    model: 'Test Cam',
  })
  const plugged = async () => {
    await writeFile(usb().node, '')
    return usb()
  }
})

const reader = { describe: () => Promise.reject(new Error('unreachable')) }
const probing = (run: Run, settleTime = 1_500) => createDeviceProbe({ reader, log, run, settleTime })
const answer = async (ran: Partial<Ran>): Promise<Ran> => ({ code: 0, stdout: '', stderr: '', ...ran })
/** Once there is any. */
async function contentOf(file: string): Promise<string> {
  for (;;) {
    const text = await readFile(file, 'utf8').catch(() => '')
    if (text) return text
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
