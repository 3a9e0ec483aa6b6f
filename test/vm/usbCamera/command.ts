import type { CameraDescription, Fourcc, VideoFormat } from './descriptors.js'
import { type Badge, isBadge, sizes } from './frames.js'

export type Command =
  | { verb: 'plug'; port: number; description: CameraDescription; badge: Badge }
  | { verb: 'unplug' | 'pause' | 'resume' | 'dim' | 'light' | 'stats'; port: number }

export const usage = `plug PORT SERIAL [OPTION…]    plug a camera into PORT (0-6); SERIAL "-": it tells none
  iso | h264                  isochronous instead of bulk; native H.264 beside MJPG
  hd                          1280x720 in MJPG as well
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
    formats: formats({ h264: flag('h264'), hd: flag('hd') }),
  }
  const [unknown] = options.keys()
  if (unknown !== undefined) throw new Error(`unknown option ${unknown}`)
  return { description, badge }
}

const formats = ({ h264, hd }: { h264: boolean; hd: boolean }): VideoFormat[] => {
  const offered: Fourcc[] = h264 ? ['MJPG', 'H264'] : ['MJPG', 'YUY2']
  return offered.map((fourcc) => ({ fourcc, sizes: sizes[fourcc].filter(({ width }) => hd || width < 1280) }))
}
