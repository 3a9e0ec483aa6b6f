import type { CameraDescription, Fourcc, VideoFormat } from './descriptors.js'
import { type Badge, isBadge, type Size, sizes } from './frames.js'

export type Command =
  | { verb: 'plug'; port: number; description: CameraDescription; badge: Badge }
  | { verb: 'unplug' | 'pause' | 'resume' | 'dim' | 'light' | 'stats'; port: number }

export const usage = `plug PORT SERIAL [OPTION…]    plug a camera into PORT (0-6); SERIAL "-": it tells none
  iso | h264                  isochronous instead of bulk; native H.264 beside MJPG
  hd                          1280x720 in MJPG as well
  formats=mjpg,yuy2,h264      instead of the usual formats
  second=h264                 a second capture node with these formats
  sizes=320x180,1280x720      only these of a format's sizes
  rates=5,10,15,30            frames per second
  vid=1d6b pid=0102           vendor and product, in hexadecimal
  model=NAME maker=NAME       underscores stand for spaces
  badge=red | badge=blue      colour of the box in the top left corner
unplug PORT | pause PORT | resume PORT | stats PORT
dim PORT | light PORT          a third of the frames, as in the dark | all of them`

const highestPort = 6

/** Reads one command line; throws an Error that says what is wrong. */
export const parseCommand = (line: string): Command => {
  const [verb, portText, serial, ...words] = line.trim().split(/\s+/)
  const port = Number(portText)
  if (!Number.isInteger(port) || port < 0 || port > highestPort) throw new Error(`port must be 0-${highestPort}`)
  switch (verb) {
    case 'plug':
      if (serial === undefined) throw new Error('plug needs a serial, or -')
      return { verb, port, ...parseOptions(serial === '-' ? '' : serial, words) }
    case 'unplug':
    case 'pause':
    case 'resume':
    case 'dim':
    case 'light':
    case 'stats':
      return { verb, port }
    default:
      throw new Error(`unknown command ${verb}`)
  }
}

const parseOptions = (serial: string, words: string[]): { description: CameraDescription; badge: Badge } => {
  const options = new Map(words.map((word) => [word.split('=')[0] ?? '', word.split('=')[1] ?? '']))
  const take = (name: string, standard: string) => {
    const value = options.get(name) ?? standard
    options.delete(name)
    return value
  }
  const flag = (name: string) => options.delete(name)
  const badge = take('badge', 'red')
  if (!isBadge(badge)) throw new Error(`no badge ${badge}`)
  const description: CameraDescription = {
    serial,
    vendorId: Number.parseInt(take('vid', '1d6b'), 16),
    productId: Number.parseInt(take('pid', '0102'), 16),
    manufacturer: take('maker', 'Acme').replaceAll('_', ' '),
    product: take('model', 'Test_Cam').replaceAll('_', ' '),
    transfer: flag('iso') ? 'isochronous' : 'bulk',
    rates: take('rates', '5,10,15,30').split(',').map(Number),
    streams: streamsOf({
      first: take('formats', flag('h264') ? 'mjpg,h264' : 'mjpg,yuy2'),
      second: take('second', ''),
      chosen: take('sizes', flag('hd') ? '320x180,640x360,1280x720' : '320x180,640x360'),
    }),
  }
  const [unknown] = options.keys()
  if (unknown !== undefined) throw new Error(`unknown option ${unknown}`)
  return { description, badge }
}

const streamsOf = ({ first, second, chosen }: { first: string; second: string; chosen: string }): VideoFormat[][] => {
  const wanted = chosen.split(',')
  const isChosen = ({ width, height }: Size) => wanted.includes(`${width}x${height}`)
  return [first, second].filter(Boolean).map((list) =>
    list.split(',').map((name) => {
      const fourcc = fourccOf(name)
      const format = { fourcc, sizes: sizes[fourcc].filter(isChosen) }
      if (format.sizes.length === 0) throw new Error(`${name} has none of the sizes ${chosen}`)
      return format
    }),
  )
}

const fourccOf = (name: string): Fourcc => {
  const found = (Object.keys(sizes) as Fourcc[]).find((fourcc) => fourcc === name.toUpperCase())
  if (found === undefined) throw new Error(`no format ${name}`)
  return found
}
