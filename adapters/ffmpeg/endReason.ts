/** Why a capture failed, in plain words, from what ffmpeg or v4l2-ctl wrote. By operation: the same errno means other things elsewhere. */
const reasons: [RegExp, string][] = [
  [/VIDIOC_STREAMON.*(?:No space left|ENOSPC)/i, 'USB bandwidth exhausted: other cameras on this bus use it up'],
  [/No such device|ENODEV/i, 'device gone'],
  [/(?:\/dev\/|video\d).*No such file|Cannot open device|Unable to detect what device/i, 'device gone'],
  [/(?:resource )?busy|EBUSY/i, 'device busy'],
  [
    /(?:\/dev\/|video\d|open device).*(?:Permission denied|Operation not permitted)|Failed to open.*Permission/i,
    'permission denied: the service may not open the device',
  ],
  [/Unknown encoder '?libx264/i, 'this ffmpeg has no H.264 encoder (libx264)'],
  [
    /Unknown encoder|Encoder not found|Error while opening encoder/i,
    'the encoder cannot be opened with these codec settings',
  ],
  [
    /Unknown input format|Unrecognized option|Option .* not found|No such filter/i,
    'this ffmpeg lacks a part that is needed',
  ],
  [
    /Cannot find a proper format|not a video capture device|Inappropriate ioctl/i,
    'the device does not offer this format',
  ],
  [/Cannot allocate memory|VIDIOC_REQBUFS.*memory/i, 'out of memory'],
  [/Connection refused/i, 'the media server could not be reached'],
  [/Server returned 4\d\d|method (?:ANNOUNCE|SETUP|RECORD) failed: 4\d\d/i, 'the media server refused the stream'],
  [/Broken pipe|Connection reset|method \w+ failed/i, 'the media server closed the connection'],
  [/No space left on device/i, 'no space left for its temporary files'],
  [/Input\/output error|VIDIOC_DQBUF|VIDIOC_STREAMON|VIDIOC_QBUF/i, 'the device reports errors'],
  [/Permission denied/i, 'permission denied'],
]

/** ffmpeg's own heading of a report, which holds the whole command line, and MJPEG noise that ends nothing. */
const notErrors = /^(?:ffmpeg started on|Report written to|Log level:|Command line:|ffmpeg -|ffmpeg version)|^\s*$/

export const errorLines = (text: string): string[] => {
  const lines = text.split(/\r?\n/)
  const command = lines.findIndex((line) => line.startsWith('Command line:'))
  return lines.filter((line, i) => (command === -1 || i !== command + 1) && !notErrors.test(line))
}

/** The first line that is known decides: what comes after it follows from it. `undefined`: nothing known was written. */
export function endReason(text: string): string | undefined {
  for (const line of errorLines(text)) {
    const known = reasons.find(([pattern]) => pattern.test(line))
    if (known) return known[1]
  }
  return undefined
}
