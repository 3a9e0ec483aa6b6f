import { access, constants } from 'node:fs/promises'
import { basename, join } from 'node:path'
import pRetry, { AbortError } from 'p-retry'
import type { Capabilities, Format, LocalDevice, RtspDevice } from '../../machines/domain/camera.js'
import { reasonOf } from '../../machines/domain/errors.js'
import type { DeviceProbe, Log, StreamReader } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import { fourccOf } from '../../machines/domain/streamMedia.js'
import { codeOf } from '../errorCode.js'
import { behindStreams, type Ran, type Run, run as runProgram } from '../ffmpeg/run.js'
import { isUnderstood, parseFormats } from './formats.js'

export interface ProbeOptions {
  reader: Pick<StreamReader, 'describe'>
  log: Log
  run?: Run
  /** How long to retry, in ms: udev sets the permissions of a node a little after the node appears. */
  settleTime?: number
  /** Time limit of one try, in ms. */
  timeout?: number
  sysDir?: string
}

/** Reads the capabilities of devices. Takes no lock: a USB camera answers also while it streams. */
export function createDeviceProbe({
  reader,
  log,
  run = runProgram,
  settleTime = 1_500,
  timeout = 5_000,
  sysDir = '/sys',
}: ProbeOptions): DeviceProbe {
  const runBehind = behindStreams(run)
  const answerTo = (signal: AbortSignal, ...args: string[]) =>
    runBehind('v4l2-ctl', args, { signal, timeout }).catch((error: unknown) => {
      throw new AbortError(error instanceof Error ? error : reasonOf(error))
    })
  const list = (node: string, signal: AbortSignal) => answerTo(signal, '-d', node, '--list-formats-ext')

  /** The formats that only other nodes of the camera have. */
  const more = async (nodes: readonly string[], known: Format[], signal: AbortSignal): Promise<Format[]> => {
    const formats = [...known]
    for (const node of nodes) {
      const { stdout } = await list(node, signal)
      for (const format of parseFormats(stdout).formats) {
        if (!formats.some(({ fourcc }) => fourcc === format.fourcc)) formats.push({ ...format, node })
      }
    }
    return formats
  }

  const ask = async (device: LocalDevice, signal: AbortSignal): Promise<Capabilities> => {
    // v4l2-ctl does not say why it cannot open a device.
    await access(device.node, constants.R_OK | constants.W_OK).catch(async (error: unknown) => {
      if (/^(EACCES|EPERM)$/.test(codeOf(error))) throw new Failure('permission_denied')
      const isPlugged = await access(join(sysDir, 'class/video4linux', basename(device.node))).then(
        () => true,
        () => false,
      )
      throw new Failure(isPlugged ? 'node_missing' : 'device_gone')
    })
    const { code, stdout, stderr } = await list(device.node, signal)
    const others = device.kind === 'usb' ? (device.otherNodes ?? []) : []
    const capabilities = { formats: await more(others, parseFormats(stdout).formats, signal) }
    if (capabilities.formats.length > 0) return capabilities
    log.debug('v4l2-ctl found no formats', { code, output: (stderr || stdout).slice(0, 500) })
    if (!isUnderstood(stdout)) throw new AbortError(notUnderstood(await answerTo(signal, '--version')))
    if (code !== 0) throw new Failure('probe_failed', 'the device does not answer')
    const input = await answerTo(signal, '-d', device.node, '--get-input')
    throw isDark(input.stdout)
      ? new Failure('no_signal')
      : new Failure('probe_failed', 'the camera lists no picture formats')
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

/** `Video input : 0 (HDMI: no signal)`. The words are those of v4l2-ctl for the status of an input. */
const isDark = (input: string): boolean =>
  /^Video input\s*:.*: .*\bno (?:signal|power|(?:[hv]?sync) lock|carrier)\b/m.test(input)

function notUnderstood({ stdout }: Ran): Failure {
  const [, version = 'of an unknown version'] = /^v4l2-ctl (\S+)/m.exec(stdout) ?? []
  return new Failure('probe_not_understood', `the output of v4l2-ctl ${version} is not understood`)
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
