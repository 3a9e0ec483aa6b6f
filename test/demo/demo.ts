/**
 * A client's tour of a running service (`make run` in another terminal): every reply and notification is printed.
 * CAMERA_SERVICE_URL and CAMERA_SERVICE_TOKEN point it elsewhere.
 */
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { connect } from './client.js'

const { env } = process
const url = env.CAMERA_SERVICE_URL ?? 'ws://127.0.0.1:8002/ws'
const token = env.CAMERA_SERVICE_TOKEN ?? execFileSync(process.execPath, ['dist/main.js', 'token', '--role', 'operator'], { encoding: 'utf8' }).trim()
const print = (what: string, value: unknown) => console.log(`${what}\n  ${JSON.stringify(value, null, 2).replaceAll('\n', '\n  ')}\n`)

const client = await connect(url, ({ method, params }) => print(`« ${method}`, params)).catch((error: Error) => {
  console.error(`No service answers at ${url} (${error.message}). Start one with \`make run\` in another terminal.`)
  process.exit(1)
})
const call = async <Result>(method: string, params: Record<string, unknown> = {}): Promise<Result> => {
  const result = await client.call<Result>(method, params)
  print(`» ${method} ${JSON.stringify(method === 'authenticate' ? {} : params)}`, result)
  return result
}

await call('authenticate', { auth_token: token })
const { cameras } = await call<{ cameras: { device: string; status: string }[] }>('get_camera_list')
const device = cameras.find((camera) => camera.status === 'CONNECTED')?.device
if (!device) throw new Error('no camera is connected: plug one in, or start the service with `make run`, which adds a virtual one')

await call('subscribe_events', { topics: ['recording.start', 'recording.stop', 'recording.error', 'snapshot.taken', 'camera.status_change'] })
await call('get_stream_url', { device })
await call('take_snapshot', { device })
const recording = await call<{ filename: string }>('start_recording', { device, duration: 5, format: 'fmp4' })
await call('take_snapshot', { device, width: 640 })
const info = await ended(recording.filename)
const folder = mkdtempSync(join(tmpdir(), 'camera-demo-'))
const file = join(folder, 'recording.mp4')
const download = await fetch(new URL(info.download_url, url.replace(/^ws/, 'http')), { headers: { authorization: `Bearer ${token}` } })
writeFileSync(file, Buffer.from(await download.arrayBuffer()))
const { stdout } = await promisify(execFile)('ffprobe', ['-v', 'error', '-show_entries', 'stream=codec_name,width,height:format=duration', '-of', 'json', file])
rmSync(folder, { recursive: true })
const { streams, format } = JSON.parse(stdout) as { streams: { codec_name: string }[]; format: { duration: string } }
print('ffprobe', { ...streams[0], duration: format.duration })
client.close()
if (streams[0]?.codec_name !== 'h264' || Math.abs(Number(format.duration) - 5) > 0.5) {
  console.error('The recording is not what was asked for: H.264 of 5 s.')
  process.exit(1)
}
console.log('The recording is H.264 and 5 s long.')

/** Polls until the recording is over; a client with more patience listens for `recording.stop`. */
async function ended(filename: string) {
  for (;;) {
    const status = await client.call<{ recording?: unknown }>('get_camera_status', { device })
    if (!status.recording) return call<{ download_url: string }>('get_recording_info', { filename })
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}
