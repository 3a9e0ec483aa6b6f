import { readFile } from 'node:fs/promises'
import { assert, output } from './shell.js'

export interface PictureFacts {
  width: number
  height: number
  /** Whose picture it is: the colour of the box in its top left corner (`usbCamera/frames.ts`). */
  badge: 'red' | 'blue' | 'none'
}

const grid = 16
/** Row and column in the grid, well inside of the box. */
const inBox = 1

/** Decodes a JPEG; throws when it is none, or is uniform. */
export const examinePicture = async (file: string): Promise<PictureFacts> => {
  const size = frameSize(await readFile(file))
  assert(size, `${file} is not a JPEG`)
  const filter = `scale=${grid}:${grid}:flags=area,format=rgb24`
  const command = `ffmpeg -nostdin -v error -xerror -i "$0" -vf ${filter} -f rawvideo - | od -An -v -tu1 -w3`
  const lines = (await output('bash', ['-o', 'pipefail', '-c', command, file])).trim().split('\n')
  const cells = lines.map((line) => line.trim().split(/\s+/).map(Number))
  assert(cells.length === grid * grid, `${file} does not decode`)
  const brightness = cells.map(([red = 0, green = 0, blue = 0]) => (red + green + blue) / 3)
  assert(Math.max(...brightness) - Math.min(...brightness) > 30, `${file} is uniform`)
  return { ...size, badge: badgeOf(cells[inBox * grid + inBox] ?? []) }
}

const badgeOf = ([red = 0, green = 0, blue = 0]: number[]) => {
  if (red > 150 && green < 100 && blue < 100) return 'red'
  return blue > 150 && red < 100 && green < 100 ? 'blue' : 'none'
}

/** From the frame header; ffprobe would need seconds to start in an emulated machine. */
const frameSize = (jpeg: Buffer): { width: number; height: number } | undefined => {
  const startOfImage = 0xffd8
  const frameHeaders = [0xffc0, 0xffc1, 0xffc2] // baseline, extended, progressive
  if (jpeg.length < 4 || jpeg.readUInt16BE(0) !== startOfImage) return undefined
  for (let offset = 2; offset + 9 <= jpeg.length; offset += 2 + jpeg.readUInt16BE(offset + 2)) {
    if (frameHeaders.includes(jpeg.readUInt16BE(offset)))
      return { height: jpeg.readUInt16BE(offset + 5), width: jpeg.readUInt16BE(offset + 7) }
  }
  return undefined
}
