/**
 * A demonstration client of a running service (`make run` in another terminal). Tells what happens in sentences; with
 * --json it prints all replies and notifications. DEMO_URL and DEMO_TOKEN select another service.
 */
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { connectCameraService, type Methods, RpcError, type Topic, type TopicEvent } from '../../rpc/client/index.js'
import { noticeOf, sentenceOf } from './story.js'

const { env } = process
const url = env.DEMO_URL ?? 'ws://127.0.0.1:8002/ws'
const fail = (sentence: string): never => {
  console.error(sentence)
  process.exit(1)
}
/** The command prints why it fails. */
const newToken = () => {
  try {
    const args = ['dist/main.js', 'token', '--role', 'operator']
    return execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim()
  } catch {
    return fail('There is no token for the demonstration. Start the service with `make run` in another terminal.')
  }
}
const token = env.DEMO_TOKEN ?? newToken()
const isJson = process.argv.includes('--json')
const print = (what: string, value: unknown, sentence: string | undefined) => {
  if (isJson) console.log(`${what}\n  ${JSON.stringify(value, null, 2).replaceAll('\n', '\n  ')}\n`)
  else if (sentence !== undefined) console.log(sentence)
}

const client = await connectCameraService({ url, credential: token }).catch((error: Error) =>
  fail(
    error instanceof RpcError
      ? `The service at ${url} rejected the token (${error.message}).`
      : `There is no service at ${url} (${error.message}). Start one with \`make run\` in another terminal.`,
  ),
)
const told = <Result>(method: keyof Methods, params: object, result: Result): Result => {
  print(`» ${method} ${JSON.stringify(params)}`, result, sentenceOf(method, params, result))
  return result
}
const printEvent = (event: TopicEvent<Topic>) =>
  print(
    `« ${event.topic} (${event.type})`,
    event.type === 'fact' ? event.params : 'state' in event ? event.state : event.error,
    noticeOf(event),
  )

const { cameras } = told('get_camera_list', {}, await client.call('get_camera_list'))
const device =
  cameras.find((camera) => camera.status === 'CONNECTED')?.device ??
  fail('No camera is connected. Plug one in, or start the service with `make run`, which adds a virtual one.')

for (const topic of ['recording.start', 'recording.error', 'snapshot.taken', 'camera.status_change'] as const)
  await client.on(topic, { device }, printEvent)
const ended = new Promise<string>((resolve) => {
  void client.on('recording.stop', { device }, (event) => {
    printEvent(event)
    if (event.type === 'fact') resolve(event.params.filename ?? 'no file')
  })
})
told('get_stream_url', { device }, await client.call('get_stream_url', { device }))
told('take_snapshot', { device }, await client.call('take_snapshot', { device }))
const wish = { device, duration: 5, format: 'fmp4' } as const
told('start_recording', wish, await client.call('start_recording', wish))
told('take_snapshot', { device, width: 640 }, await client.call('take_snapshot', { device, width: 640 }))
const filename = await ended
const info = told('get_recording_info', { filename }, await client.call('get_recording_info', { filename }))

const folder = mkdtempSync(join(tmpdir(), 'camera-demo-'))
const file = join(folder, 'recording.mp4')
// The signed URL is valid for this file, for 15 minutes.
const download = await fetch(new URL(info.download_url, url.replace(/^ws/, 'http')))
writeFileSync(file, Buffer.from(await download.arrayBuffer()))
const { stdout } = await promisify(execFile)('ffprobe', [
  '-v',
  'error',
  '-show_entries',
  'stream=codec_name,width,height:format=duration',
  '-of',
  'json',
  file,
])
rmSync(folder, { recursive: true })
const { streams, format } = JSON.parse(stdout) as { streams: { codec_name: string }[]; format: { duration: string } }
print(
  'ffprobe',
  { ...streams[0], duration: format.duration },
  'It was downloaded by its signed URL and examined with ffprobe.',
)
client.close()
if (streams[0]?.codec_name !== 'h264' || Math.abs(Number(format.duration) - 5) > 0.5) {
  console.error('The recording is not H.264 or not 5 s long.')
  process.exit(1)
}
console.log('The recording is H.264 and 5 s long.')
