import { execFile } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const source = (seconds: number) => [
  '-nostdin',
  '-v',
  'error',
  '-y',
  '-f',
  'lavfi',
  '-i',
  `testsrc=size=160x120:rate=15:duration=${seconds}`,
]
const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '15', '-pix_fmt', 'yuv420p']

/** Writes a recording like MediaMTX while it is growing: parts of 200 ms, duration 0 in the header. */
export async function growing(file: string, seconds: number): Promise<void> {
  await run('ffmpeg', [
    ...source(seconds),
    ...h264,
    '-movflags',
    '+empty_moov+default_base_moof+skip_trailer',
    '-frag_duration',
    '200000',
    '-f',
    'mp4',
    file,
  ])
}

/** Writes the same recording closed: the duration is in the header. */
export async function closed(file: string, seconds: number): Promise<void> {
  await growing(file, seconds)
  await close(file, seconds)
}

/** Writes the duration into the header, like MediaMTX when it closes the file. */
export async function close(file: string, seconds: number): Promise<void> {
  const content = await readFile(file)
  const at = content.indexOf('mvhd')
  const handle = await open(file, 'r+')
  const ticks = Buffer.alloc(4)
  ticks.writeUInt32BE(content.readUInt32BE(at + 16) * seconds)
  await handle.write(ticks, 0, 4, at + 20)
  await handle.close()
}

/** Writes an ordinary MP4 with its header at the end. */
export async function plain(file: string, seconds: number): Promise<void> {
  await run('ffmpeg', [...source(seconds), ...h264, file])
}

export async function probedDuration(file: string): Promise<number> {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', 'format=duration', '-of', 'csv=p=0', file])
  return Number(stdout) * 1000
}
