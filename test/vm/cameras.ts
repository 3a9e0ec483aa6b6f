/** Tests the camera bench itself, without the service: how kernel, udev, v4l2-ctl and ffmpeg see its cameras. */
import { stat } from 'node:fs/promises'
import { type Bench, captureNode, openBench, udevProperties } from './guest/bench.js'
import { examinePicture } from './guest/picture.js'
import { assert, eventually, output, run, secondsForSteps } from './guest/shell.js'
import { createSteps } from './guest/steps.js'

const [program, frames] = process.argv.slice(2)
if (program === undefined || frames === undefined) throw new Error('usage: cameras.mjs USB_CAMERA_PROGRAM FRAMES_DIR')

const { step, failures, print } = createSteps({ seconds: secondsForSteps })
const bench: Bench = await openBench({ program, frames })

await step('plug two cameras: nodes, links, serials', async () => {
  await bench.plug({ port: 0, serial: 'SN1001', options: 'hd badge=red' })
  await bench.plug({ port: 1, serial: 'SN0002', options: 'badge=blue' })
  const [first, second] = await Promise.all([captureNode(0), captureNode(1)])
  const properties = await udevProperties(first)
  assert(properties.ID_SERIAL_SHORT === 'SN1001', `udev tells serial ${properties.ID_SERIAL_SHORT}`)
  assert(
    properties.ID_VENDOR_ID === '1d6b' && properties.ID_MODEL_ID === '0102',
    'udev tells another vendor or product',
  )
  assert((await udevProperties(second)).ID_SERIAL_SHORT === 'SN0002', 'the second camera tells another serial')
  return `${first} ${second} ${properties.ID_PATH}`
})

await step('v4l2-ctl lists the formats', async () => {
  const text = await output('v4l2-ctl', ['-d', await captureNode(0), '--list-formats-ext'])
  for (const part of ["'MJPG'", "'YUYV'", '320x180', '640x360', '1280x720', '30.000 fps'])
    assert(text.includes(part), `${part} is missing in:\n${text}`)
  return text.match(/'[A-Z0-9]{4}'|\d+x\d+/g)?.join(' ')
})

for (const [port, badge] of [
  [0, 'red'],
  [1, 'blue'],
] as const) {
  await step(`v4l2-ctl takes a ${badge} picture from port ${port}`, async () => {
    const file = `/run/port${port}.jpg`
    const capture = [
      '--set-fmt-video=width=640,height=360,pixelformat=MJPG',
      '--stream-mmap=2',
      '--stream-skip=2',
      '--stream-count=1',
      `--stream-to=${file}`,
    ]
    await output('v4l2-ctl', ['-d', await captureNode(port), ...capture])
    const facts = await examinePicture(file)
    assert(
      facts.width === 640 && facts.height === 360 && facts.badge === badge,
      `the picture is ${JSON.stringify(facts)}`,
    )
    return `${(await stat(file)).size} bytes`
  })
}

const readByFfmpeg = async (port: number, format: string, size: string) => {
  const node = await captureNode(port)
  const input = ['-f', 'v4l2', '-input_format', format, '-framerate', '10', '-video_size', size, '-i', node]
  const start = performance.now()
  const text = await output('ffmpeg', [
    '-nostdin',
    '-v',
    'error',
    '-xerror',
    ...input,
    '-frames:v',
    '20',
    '-f',
    'framemd5',
    '-',
  ])
  const hashes = text
    .split('\n')
    .filter((line) => /^0,/.test(line))
    .map((line) => line.split(',').at(-1))
  assert(hashes.length === 20, `ffmpeg read ${hashes.length} of 20 frames`)
  assert(new Set(hashes).size > 10, 'the picture does not move')
  return `20 frames in ${((performance.now() - start) / 1000).toFixed(1)} s`
}
await step('ffmpeg reads MJPEG 1280x720', () => readByFfmpeg(0, 'mjpeg', '1280x720'))
await step('ffmpeg reads YUYV 640x360', () => readByFfmpeg(1, 'yuyv422', '640x360'))

await step('a hung camera sends nothing, then goes on', async () => {
  const node = await captureNode(0)
  await bench.pause(0)
  const hung = await run('timeout', [
    '3',
    'v4l2-ctl',
    '-d',
    node,
    '--stream-mmap=2',
    '--stream-count=1',
    '--stream-to=/run/hung.jpg',
  ])
  assert(hung.code === 124, 'a picture came from a hung camera')
  await bench.resume(0)
  await output('v4l2-ctl', ['-d', node, '--stream-mmap=2', '--stream-count=1', '--stream-to=/run/hung.jpg'])
  return undefined
})

await step('a busy camera refuses a second reader', async () => {
  const node = await captureNode(0)
  const holder = run('v4l2-ctl', ['-d', node, '--stream-mmap=2', '--stream-count=60', '--stream-to=/dev/null'])
  await eventually('EBUSY', async () => {
    const { stdout, stderr } = await run('v4l2-ctl', [
      '-d',
      node,
      '--stream-mmap=2',
      '--stream-count=1',
      '--stream-to=/run/busy.jpg',
    ])
    return `${stdout}${stderr}`.includes('busy')
  })
  await holder
  return undefined
})

await step('unplug: the node goes', async () => {
  const node = await captureNode(0)
  await bench.unplug(0)
  await eventually('the node to go', async () => (await run('test', ['-e', node])).code === 1, { seconds: 5 })
  return undefined
})

await step('isochronous and native H.264 cameras', async () => {
  await bench.plug({ port: 0, serial: 'SN0003', options: 'iso' })
  await bench.plug({ port: 2, serial: 'SN0004', options: 'h264' })
  const isochronous = await readByFfmpeg(0, 'mjpeg', '320x180')
  const file = '/run/h264.mp4'
  const input = [
    '-f',
    'v4l2',
    '-input_format',
    'h264',
    '-framerate',
    '10',
    '-video_size',
    '320x180',
    '-i',
    await captureNode(2),
  ]
  await output('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...input, '-frames:v', '20', '-c', 'copy', file])
  const codec = await output('ffprobe', [
    '-v',
    'error',
    '-count_frames',
    '-show_entries',
    'stream=codec_name,nb_read_frames',
    '-of',
    'csv=p=0',
    file,
  ])
  assert(codec.trim() === 'h264,20', `the H.264 file holds ${codec.trim()}`)
  return isochronous
})

await step('no serial, another vendor, product and name', async () => {
  await bench.plug({ port: 3, serial: '-', options: 'vid=046d pid=0825 model=Other_Cam' })
  const properties = await udevProperties(await captureNode(3))
  assert(properties.ID_SERIAL_SHORT === undefined, `udev tells serial ${properties.ID_SERIAL_SHORT}`)
  assert(
    properties.ID_VENDOR_ID === '046d' && properties.ID_MODEL_ID === '0825',
    'udev tells another vendor or product',
  )
  return properties.ID_V4L_PRODUCT
})

await step('wrong commands are refused', async () => {
  for (const [port, serial, options] of [
    [9, 'SN', ''],
    [1, 'SN', ''],
    [4, 'SN', 'badge=green'],
    [4, 'SN', 'fast'],
  ] as const) {
    const refused = await bench.plug({ port, serial, options }).then(
      () => false,
      () => true,
    )
    assert(refused, `plug ${port} ${serial} ${options} was accepted`)
  }
  return undefined
})

await bench.end()
print()
process.exit(failures() === 0 ? 0 : 1)
