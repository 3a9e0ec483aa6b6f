import { hardwareEncoders } from '../../machines/domain/encoder.js'
import { maskedLine, textForClients } from '../../machines/domain/mask.js'
import { because, type Evidence, Failure, type Reason, type ReasonCode } from '../../machines/domain/reason.js'

const hardware = hardwareEncoders.join('|')

/** Output of ffmpeg and v4l2-ctl → reason. Patterns include the operation, because an errno alone is ambiguous. */
const reasons: [RegExp, ReasonCode, details?: string][] = [
  // First: such a line may contain an errno, or the path of a device that is no camera. A stream that names its encoder
  // may also have failed at the muxer.
  [
    new RegExp(
      `\\[(?:enc:)?(?:${hardware}|AVHW\\w+Context) @|vost#\\S*(?:${hardware}) @[^\\]]*\\].*encod|` +
        `Unknown encoder '?(?:${hardware})|vaapi_device|/dev/dri/`,
      'i',
    ),
    'encoder_failed',
    'the hardware encoder failed',
  ],
  [/VIDIOC_STREAMON.*(?:No space left|ENOSPC)/i, 'usb_bandwidth'],
  [/VIDIOC_STREAMON.*Cannot allocate memory/i, 'usb_bandwidth', 'the USB controller has no resources for this camera'],
  [/VIDIOC_\w+.*Cannot allocate memory/i, 'out_of_memory', 'the host has no memory for the buffers of the camera'],
  [
    /VIDIOC_(?:S_FMT|REQBUFS|QUERYBUF|QBUF|STREAMON)\b.*Invalid argument/i,
    'format_not_offered',
    'the driver refuses the format, although the camera offered it',
  ],
  // ENOLINK and ENOLCK: a grabber has no signal, or cannot lock on to it.
  [/VIDIOC_\w+.*(?:Link has been severed|No locks available)/i, 'no_signal'],
  [/No such device|ENODEV/i, 'device_gone'],
  [/(?:\/dev\/|video\d).*No such file|Cannot open device|Unable to detect what device/i, 'device_gone'],
  [/(?:resource )?busy|EBUSY/i, 'device_busy'],
  [
    /(?:\/dev\/|video\d|open device).*(?:Permission denied|Operation not permitted)|Failed to open.*Permission/i,
    'permission_denied',
  ],
  [/Unknown encoder '?libx264/i, 'encoder_missing'],
  [/Unknown encoder|Encoder not found|Error while opening encoder/i, 'encoder_failed'],
  [
    /Impossible to convert between the formats/i,
    'ffmpeg_incomplete',
    'this ffmpeg cannot convert the pictures of this format',
  ],
  [/Unknown input format|Unrecognized option|Option .* not found|No such filter/i, 'ffmpeg_incomplete'],
  [/Cannot find a proper format|not a video capture device|Inappropriate ioctl/i, 'format_not_offered'],
  [/Cannot allocate memory|VIDIOC_REQBUFS.*memory/i, 'out_of_memory'],
  [/VIDIOC_\w+.*(?:Broken pipe|Connection reset)/i, 'device_error'],
  [/pipe:0?:.*(?:Invalid data|End of file)/i, 'device_error', 'the device delivered no frames'],
  [
    /Could not find tag for codec/i,
    'ffmpeg_incomplete',
    'this ffmpeg cannot write one of the tracks to MP4; a newer one may',
  ],
  [/Connection refused/i, 'server_unreachable', 'the media server cannot be reached'],
  [
    /Server returned 4\d\d|method (?:ANNOUNCE|SETUP|RECORD) failed: 4\d\d/i,
    'server_refused',
    'the media server refuses the stream',
  ],
  [/Broken pipe|Connection reset|method \w+ failed/i, 'server_closed'],
  [/No space left on device/i, 'storage_full', 'no space is left for temporary files'],
  [/Input\/output error|VIDIOC_DQBUF|VIDIOC_STREAMON|VIDIOC_QBUF/i, 'device_error'],
  [/Permission denied/i, 'permission_denied', 'permission denied'],
]

/** The header lines of an ffmpeg report, except the command line itself. */
const heading = /^(?:ffmpeg started on|Report written to|Log level:|Command line:|ffmpeg -|ffmpeg version)|^\s*$/

/** Returns the lines of ffmpeg's output without the header and the command line. */
export const errorLines = (text: string): string[] => {
  const lines = text.split(/\r?\n/)
  const command = lines.findIndex((line) => line.startsWith('Command line:'))
  return lines.filter((line, i) => (command === -1 || i !== command + 1) && !heading.test(line))
}

/** Returns why a capture failed, from the output of ffmpeg or v4l2-ctl; `undefined` if it contains no known error. */
export function endReason(text: string): Reason | undefined {
  // The first known line is the cause of the later ones.
  for (const line of errorLines(text)) {
    const known = reasons.find(([pattern]) => pattern.test(line))
    if (known) return because(known[1], known[2], evidenceOf(line))
  }
  return undefined
}

/** The errno, by the message of the C library, and the line without its path and credentials. */
function evidenceOf(line: string): Evidence {
  const errno = errnos.find(([message, code]) => line.includes(message) || line.includes(code))?.[1]
  return { ...(errno && { errno }), line: textForClients(maskedLine(line)) }
}

const errnos = [
  ['Device or resource busy', 'EBUSY'],
  ['No such device', 'ENODEV'],
  ['No such file or directory', 'ENOENT'],
  ['No space left on device', 'ENOSPC'],
  ['Input/output error', 'EIO'],
  ['Permission denied', 'EACCES'],
  ['Operation not permitted', 'EPERM'],
  ['Cannot allocate memory', 'ENOMEM'],
  ['Connection refused', 'ECONNREFUSED'],
  ['Connection reset', 'ECONNRESET'],
  ['Broken pipe', 'EPIPE'],
  ['Inappropriate ioctl', 'ENOTTY'],
  ['Invalid argument', 'EINVAL'],
  ['Link has been severed', 'ENOLINK'],
  ['No locks available', 'ENOLCK'],
] as const

/** Returns the failure that is found in the output of a program, or else the given one. */
export function failureOf(output: string, code: ReasonCode, details: string): Failure {
  const { evidence, ...reason } = endReason(output) ?? because(code, details)
  return new Failure(reason.code, reason.details, evidence)
}
