/** Reads the output of `v4l2-ctl --list-formats-ext`. */
import type { Capabilities, Format, FrameSize } from '../../machines/domain/camera.js'

/** The usual sizes and rates, offered for drivers that accept any within bounds. */
const commonSizes = [
  [320, 180],
  [320, 240],
  [640, 360],
  [640, 480],
  [800, 600],
  [1280, 720],
  [1920, 1080],
  [2560, 1440],
  [3840, 2160],
] as const
const commonRates = [60, 50, 30, 25, 20, 15, 10, 5, 1]

/**
 * Returns the formats in the output of any version of v4l2-ctl, in the driver's order. Joins the sizes of a format that
 * is listed twice, and skips unknown lines. A driver may list no sizes.
 */
export function parseFormats(text: string): Capabilities {
  const formats = new Map<string, Format>()
  let format: Format | undefined
  let sizes: FrameSize[] = []
  for (const line of text.split(/\r?\n/)) {
    const heading = headingOf(line)
    if (heading) {
      format = formats.get(heading.fourcc) ?? { ...heading, sizes: [] }
      formats.set(heading.fourcc, format)
      sizes = []
    } else if (endsFormat.test(line)) {
      // The heading of a format that has no name. Its sizes must not be lent to the format before it.
      format = undefined
      sizes = []
    } else if (format && /^\s*Name\s*:/.test(line)) {
      format.description ||= described(line.slice(line.indexOf(':') + 1))
    } else if (format && /^\s*Size:/.test(line)) {
      const { sizes: known } = format
      sizes = sizesOf(line).map((size) => sizeIn(known, size))
    } else if (/^\s*Interval:/.test(line)) {
      const rates = ratesOf(line)
      for (const size of sizes) size.rates = [...new Set([...size.rates, ...rates])].sort((a, b) => b - a)
    }
  }
  return { formats: [...formats.values()].map((one) => ({ ...one, sizes: ordered(one.sizes) })) }
}

/** False if the output holds formats in a layout that is not known. The output of a device without formats is short. */
export const isUnderstood = (text: string): boolean =>
  parseFormats(text).formats.length > 0 || !/\b\d+x\d+\b|\bPixel ?Format\b|\(\d+\.\d+ fps\)/i.test(text)

/** The first line of the next format, in either layout. */
const endsFormat = /^\s*(?:\[\d+\]:|Index\s*:\s*\d+|Pixel Format:)/

/**
 * `[0]: 'MJPG' (Motion-JPEG, compressed)`, or before version 1.18 of v4l-utils `Pixel Format: 'MJPG' (compressed)` with
 * the name in the next line. A format without a code goes by its description: `[2]: '' (35315559-…)`.
 */
function headingOf(line: string): Pick<Format, 'fourcc' | 'description'> | undefined {
  const current = /^\s*\[\d+\]: '([^']*)'(?: \((.*)\))?/.exec(line)
  const [, code = '', note = ''] = current ?? /^\s*Pixel Format: '([^']*)'(?: \(.*\))?/.exec(line) ?? [undefined]
  const description = described(note)
  const fourcc = code.trim() || description
  return fourcc === '' ? undefined : { fourcc, description }
}

const described = (text: string): string => text.replace(/, (?:compressed|emulated)/g, '').trim()

function sizeIn(sizes: FrameSize[], [width, height]: readonly [number, number]): FrameSize {
  const known = sizes.find((size) => size.width === width && size.height === height)
  if (known) return known
  const size: FrameSize = { width, height, rates: [] }
  sizes.push(size)
  return size
}

/** `Discrete 640x480`, or `Stepwise 32x32 - 1920x1080 with step 2/2`, or `Continuous 32x32 - 1920x1080`. */
function sizesOf(line: string): (readonly [number, number])[] {
  const single = /Discrete (\d+)x(\d+)/.exec(line)
  if (single) return [[Number(single[1]), Number(single[2])]]
  const range = /(?:Stepwise|Continuous) (\d+)x(\d+) - (\d+)x(\d+)(?: with step (\d+)\/(\d+))?/.exec(line)
  if (!range) return []
  const [minWidth = 0, minHeight = 0, maxWidth = 0, maxHeight = 0] = range.slice(1, 5).map(Number)
  const [stepWidth, stepHeight] = [Number(range[5] ?? 1) || 1, Number(range[6] ?? 1) || 1]
  const fits = ([width, height]: readonly [number, number]): boolean =>
    width >= minWidth &&
    width <= maxWidth &&
    height >= minHeight &&
    height <= maxHeight &&
    (width - minWidth) % stepWidth === 0 &&
    (height - minHeight) % stepHeight === 0
  const all = [...commonSizes.filter(fits), [maxWidth, maxHeight] as const]
  return all.filter(([width, height], at) => all.findIndex((other) => other[0] === width && other[1] === height) === at)
}

/** `Discrete 0.033s (30.000 fps)`, or a range: `Stepwise 0.017s - 1.000s with step 0.017s (1.000-60.000 fps)`. */
function ratesOf(line: string): number[] {
  const single = /Discrete [\d.]+s \(([\d.]+) fps\)/.exec(line)
  if (single) return valid([Number(single[1])])
  const rates = /\(([\d.]+)-([\d.]+) fps\)/.exec(line)
  const seconds = /([\d.]+)s - ([\d.]+)s/.exec(line)
  const [lowest, highest] = rates
    ? [Number(rates[1]), Number(rates[2])]
    : seconds
      ? [1 / Number(seconds[2]), 1 / Number(seconds[1])]
      : [0, 0]
  const within = commonRates.filter((rate) => rate >= lowest * 0.99 && rate <= highest * 1.01)
  return within.length > 0 ? within : valid([highest])
}

const valid = (rates: number[]): number[] => rates.filter((rate) => Number.isFinite(rate) && rate > 0)

/** Sorts the sizes, largest first. A size without rates gets 30. */
const ordered = (sizes: FrameSize[]): FrameSize[] =>
  sizes
    .map((size) => (size.rates.length > 0 ? size : { ...size, rates: [30] }))
    .sort((a, b) => b.width * b.height - a.width * a.height || b.width - a.width)
