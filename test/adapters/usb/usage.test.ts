import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createDeviceUsage } from '../../../adapters/usb/usage.js'
import type { CameraId, UsbDevice } from '../../../machines/domain/camera.js'
import { because } from '../../../machines/domain/reason.js'

const webcam = (node: string, port: string): UsbDevice => ({
  ...{ kind: 'usb', node, vendorId: '1d6b', productId: '0102', model: 'Test Cam' },
  port,
})

describe('the usage of a device', () => {
  let dir = ''
  let stranger: ChildProcess | undefined
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'usage-'))
  })
  afterEach(async () => {
    if (stranger?.kill('SIGKILL')) await once(stranger, 'exit')
    stranger = undefined
    await rm(dir, { recursive: true, force: true })
  })

  const usageOf = ({ own = [], running = [] }: { own?: number[]; running?: CameraId[] } = {}) => {
    const warnings: unknown[] = []
    const usage = createDeviceUsage({
      log: { warn: (message, fields) => warnings.push([message, fields]) },
      isOwn: (pid) => own.includes(pid),
      isRunning: (camera) => running.includes(camera),
    })
    return { usage, warnings }
  }
  /** Starts a program that has the node open, with a secret in its arguments. */
  const opened = async (node: string): Promise<number> => {
    await writeFile(node, '')
    stranger = spawn('sh', ['-c', 'exec 9<"$0"; echo open; read wait', node, 'token=secret'])
    if (stranger.stdout) await once(stranger.stdout, 'data')
    return stranger.pid ?? 0
  }

  it('names the program that holds a busy device, by pid and command, without its arguments', async () => {
    const node = join(dir, 'video0')
    const pid = await opened(node)
    const { usage, warnings } = usageOf()
    const reason = usage.explained('camera0', because('device_busy'), webcam(node, 'pci-0-usb-0:1:1.0'))
    expect(reason).to.deep.equal({ ...because('device_busy'), evidence: { holder_pid: pid, holder_command: 'sh' } })
    expect(reason.details).to.equal('the device is busy: another program uses it')
    expect(warnings).to.deep.equal([
      ['another program uses the device of a camera', { camera: 'camera0', pid, command: 'sh' }],
    ])
  })

  it('names no program of the service, and none for another reason', async () => {
    const node = join(dir, 'video0')
    const pid = await opened(node)
    const device = webcam(node, 'pci-0-usb-0:1:1.0')
    expect(usageOf({ own: [pid] }).usage.explained('camera0', because('device_busy'), device)).to.deep.equal(
      because('device_busy'),
    )
    expect(usageOf().usage.explained('camera0', because('device_error'), device)).to.deep.equal(because('device_error'))
  })

  it('names the cameras that use the same controller', () => {
    const { usage } = usageOf({ running: ['camera1', 'camera2'] })
    usage.note('camera0', webcam('/dev/video0', 'pci-0000:00:14.0-usb-0:1:1.0'))
    usage.note('camera1', webcam('/dev/video2', 'pci-0000:00:14.0-usb-0:2.4:1.0'))
    usage.note('camera2', webcam('/dev/video4', 'pci-0000:00:1a.0-usb-0:1:1.0'))
    usage.note('camera3', webcam('/dev/video6', 'pci-0000:00:14.0-usb-0:3:1.0'))
    const { evidence } = usage.explained('camera0', because('usb_bandwidth', undefined, { errno: 'ENOSPC' }))
    expect(evidence).to.deep.equal({ errno: 'ENOSPC', neighbours: 'camera1' })
  })
})
