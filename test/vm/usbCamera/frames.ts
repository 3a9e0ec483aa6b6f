import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Fourcc, frameBytes } from './descriptors.js'
import type { Mode } from './negotiation.js'

/** Colour of the box in a picture's top left corner, by which a test tells whose picture it is. */
export const badges = ['red', 'blue'] as const
export type Badge = (typeof badges)[number]
export const isBadge = (text: string): text is Badge => badges.some((badge) => badge === text)

export interface Size {
  width: number
  height: number
}

const small = { width: 320, height: 180 }
const middle = { width: 640, height: 360 }
const large = { width: 1280, height: 720 }
/** Every size that has frames. */
export const sizes: Record<Fourcc, Size[]> = {
  MJPG: [small, middle, large],
  YUY2: [small, middle],
  H264: [small, middle],
}

/** A loop of two seconds at 15 per second: at other rates the pictures move faster or slower, which no test minds. */
const loop = { frames: 30, rate: 15 }

const encoding: Record<Fourcc, string[]> = {
  MJPG: ['-c:v', 'mjpeg', '-pix_fmt', 'yuvj422p', '-q:v', '5', '-f', 'mjpeg'],
  YUY2: ['-c:v', 'rawvideo', '-pix_fmt', 'yuyv422', '-f', 'rawvideo'],
  // Access unit delimiters tell where a frame begins; a keyframe twice a loop, with its parameter sets.
  H264: [
    '-c:v',
    'libx264',
    '-profile:v',
    'baseline',
    '-preset',
    'ultrafast',
    '-g',
    '15',
    '-bsf:v',
    'h264_metadata=aud=insert',
    '-f',
    'h264',
  ],
}

const fileOf = (dir: string, badge: Badge, { fourcc, width, height }: Size & { fourcc: Fourcc }) =>
  join(dir, `${badge}-${fourcc}-${width}x${height}`)

/** Makes what is missing of the frames in `dir`, by ffmpeg's moving test picture. */
export const makeFrames = async (dir: string): Promise<void> => {
  await mkdir(dir, { recursive: true })
  for (const fourcc of ['MJPG', 'YUY2', 'H264'] as const) {
    for (const badge of badges) {
      for (const size of sizes[fourcc]) {
        const file = fileOf(dir, badge, { fourcc, ...size })
        if (existsSync(file)) continue
        const pattern = `testsrc2=size=${size.width}x${size.height}:rate=${loop.rate}`
        const picture = `${pattern},drawbox=x=0:y=0:w=iw/4:h=ih/4:color=${badge}:t=fill`
        const input = ['-v', 'error', '-y', '-f', 'lavfi', '-i', picture, '-frames:v', String(loop.frames)]
        await promisify(execFile)('ffmpeg', [...input, ...encoding[fourcc], `${file}.new`])
        await rename(`${file}.new`, file)
      }
    }
  }
}

/** Frames in a loop, read from `dir` when first asked for. */
export const openFrames = (dir: string): ((badge: Badge, mode: Mode, count: number) => Buffer) => {
  const loops = new Map<string, Buffer[]>()
  return (badge, mode, count) => {
    const file = fileOf(dir, badge, mode)
    const frames = loops.get(file) ?? splitFrames(mode, readFileSync(file))
    loops.set(file, frames)
    const frame = frames[count % frames.length]
    if (!frame) throw new Error(`no frames in ${file}`)
    return frame
  }
}

const splitFrames = (mode: Pick<Mode, 'fourcc' | 'width' | 'height'>, bytes: Buffer): Buffer[] => {
  const startOfImage = Buffer.from('ffd8ff', 'hex')
  const accessUnitDelimiter = Buffer.from('0000000109', 'hex')
  switch (mode.fourcc) {
    case 'MJPG':
      return splitBefore(startOfImage, bytes)
    case 'H264':
      return splitBefore(accessUnitDelimiter, bytes)
    case 'YUY2': {
      const size = frameBytes(mode)
      return Array.from({ length: Math.floor(bytes.length / size) }, (_, index) =>
        bytes.subarray(index * size, (index + 1) * size),
      )
    }
  }
}

/** In entropy-coded data neither mark can occur: both codecs stuff bytes against it. */
const splitBefore = (mark: Buffer, bytes: Buffer): Buffer[] => {
  const starts: number[] = []
  for (let start = bytes.indexOf(mark); start >= 0; start = bytes.indexOf(mark, start + mark.length)) starts.push(start)
  return starts.map((start, index) => bytes.subarray(start, starts[index + 1]))
}
