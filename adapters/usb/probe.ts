import { access, constants } from 'node:fs/promises'
import pRetry, { AbortError } from 'p-retry'
import type { Capabilities, RtspDevice, UsbDevice } from '../../machines/domain/camera.js'
import { reasonOf } from '../../machines/domain/errors.js'
import type { DeviceProbe, Log, StreamReader } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import { fourccOf } from '../../machines/domain/streamMedia.js'
import { codeOf } from '../errorCode.js'
import { type Run, run as runProgram } from '../ffmpeg/run.js'
import { parseFormats } from './formats.js'

export interface ProbeOptions {
  reader: Pick<StreamReader, 'describe'>
  log: Log
  run?: Run
  /** How long to retry, in ms: udev sets the permissions of a node a little after the node appears. */
  settleTime?: number
  /** Time limit of one try, in ms. */
  timeout?: number
}

/** Reads the capabilities of devices. Takes no lock: a USB camera answers also while it streams. */
export function createDeviceProbe({
  reader,
  log,
  run = runProgram,
  settleTime = 1_500,
  timeout = 5_000,
}: ProbeOptions): DeviceProbe {
  const ask = async (device: UsbDevice, signal: AbortSignal): Promise<Capabilities> => {
    // v4l2-ctl does not say why it cannot open a device.
    await access(device.node, constants.R_OK | constants.W_OK).catch((error: unknown) => {
      throw new Failure(/^(EACCES|EPERM)$/.test(codeOf(error)) ? 'permission_denied' : 'device_gone')
    })
    const { code, stdout, stderr } = await run('v4l2-ctl', ['-d', device.node, '--list-formats-ext'], {
      signal,
      timeout,
    }).catch((error: unknown) => {
      throw new AbortError(error instanceof Error ? error : reasonOf(error))
    })
    const capabilities = parseFormats(stdout)
    if (capabilities.formats.some(({ sizes }) => sizes.length > 0)) return capabilities
    log.debug('v4l2-ctl found no formats', { code, output: (stderr || stdout).slice(0, 500) })
    throw new Failure('probe_failed', code === 0 ? 'the camera lists no picture formats' : 'the device does not answer')
  }

  return {
    async capabilities(device, signal) {
      if (device.kind === 'virtual') return virtualCapabilities
      if (device.kind === 'rtsp') return describe(device, reader, signal)
      return pRetry(() => ask(device, signal), {
        signal,
        maxRetryTime: settleTime,
        retries: 20,
        minTimeout: 60,
        factor: 1.3,
        maxTimeout: 300,
      })
    },
  }
}

async function describe(
  device: RtspDevice,
  reader: Pick<StreamReader, 'describe'>,
  signal: AbortSignal,
): Promise<Capabilities> {
  const stream = await reader.describe(device.url, signal, device)
  const { codec, width, height, fps } = stream
  const fourcc = fourccOf(codec)
  // A DESCRIBE need not tell size and rate. RTSP cameras need neither: no mode is chosen for them.
  const sizes = width && height ? [{ width, height, rates: fps ? [fps] : [] }] : []
  return { formats: [{ fourcc, description: `${codec} by RTSP`, sizes }], stream }
}

const rates = [30, 25, 15, 10, 5]
const virtualCapabilities: Capabilities = {
  formats: [
    {
      fourcc: 'YU12',
      description: 'Test pattern',
      sizes: [
        [1920, 1080],
        [1280, 720],
        [640, 480],
        [640, 360],
        [320, 240],
        [320, 180],
      ].map(([width = 0, height = 0]) => ({ width, height, rates })),
    },
  ],
}
