import { type ChildProcess, spawn } from 'node:child_process'
import { removeFolder, startMediaServer, temporaryFolder } from '../contract/mediaServer/servers.js'
import type { Kind } from './service.js'

/** A network camera: a media server of its own, fed by ffmpeg. */
export async function startSource(kind: Kind, path: string) {
  const dir = await temporaryFolder()
  const server = await startMediaServer({ kind: kind === 'managed' ? 'real' : 'embedded', dir, paths: { [path]: {} } })
  const url = server.url(path)
  const isLive = async () => ((await server.api('GET', `paths/get/${path}`)).body as { ready?: boolean }).ready === true
  let feeder: ChildProcess | undefined

  const stop = async () => {
    const ended = feeder && new Promise((resolve) => feeder?.once('exit', resolve))
    feeder?.kill('SIGKILL')
    await ended
    feeder = undefined
  }
  const start = async () => {
    feeder = feed([url])
    while (!(await isLive())) await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await start()
  return {
    url,
    start,
    stop,
    async end() {
      await stop()
      await server.kill()
      await removeFolder(dir)
    },
  }
}

/** One encoder that publishes to all paths. */
export function feed(urls: readonly string[]): ChildProcess {
  const outputs = urls.map((url) => `[f=rtsp:rtsp_transport=tcp]${url}`).join('|')
  const pattern = ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=15']
  const encoding = [
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-tune',
    'zerolatency',
    '-g',
    '15',
    '-pix_fmt',
    'yuv420p',
  ]
  // The tee muxer does not ask the encoder for its parameter sets by itself.
  const output = ['-flags', '+global_header', '-map', '0:v', '-f', 'tee', outputs]
  return spawn('ffmpeg', ['-v', 'error', '-nostdin', ...pattern, ...encoding, ...output], { stdio: 'ignore' })
}
