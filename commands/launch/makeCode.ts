import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { limitMemory } from './memory.js'
import { codeFile, serviceScript } from './script.js'

// Starts the bundled service with a virtual camera, and writes V8's code of all that ran until it was ready to
// `service.code` beside it. `make build` runs this. Without the code, starts only take longer.

// The flags of the code, for good.
limitMemory(() => {})
const dir = resolve(process.argv[2] ?? 'dist')
const folder = mkdtempSync(join(tmpdir(), 'camera-code-'))
const script = serviceScript(dir)
const limit = 30_000
/** Of the log. */
const signs = ['the service listens', 'link.up', 'camera.connected']

const freePort = () =>
  new Promise<number>((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => found(typeof address === 'object' && address ? address.port : 0))
    })
  })

const keys = ['server.port', 'http_health.port', ...['api', 'rtsp', 'hls', 'webrtc'].map((of) => `mediamtx.${of}_port`)]
const ports = await Promise.all(keys.map(freePort))
for (const name of Object.keys(process.env)) if (name.startsWith('CAMERA_SERVICE_')) delete process.env[name]
for (const [index, key] of keys.entries())
  process.env[`CAMERA_SERVICE_${key.toUpperCase().replace('.', '_')}`] = String(ports[index])
Object.assign(process.env, {
  CAMERA_SERVICE_DATA_DIR: folder,
  CAMERA_SERVICE_MEDIAMTX_MODE: 'embedded',
  CAMERA_SERVICE_CAMERAS: '[{ name: code, source: virtual }]',
})

const write = process.stdout.write.bind(process.stdout)
let log = ''
process.stdout.write = ((text: string | Uint8Array, ...rest: unknown[]) => {
  log += text
  if (signs.every((sign) => log.includes(sign)) && !isReady) {
    isReady = true
    setTimeout(finish, 500)
  }
  for (const done of rest) if (typeof done === 'function') done()
  return true
}) as typeof process.stdout.write
let isReady = false

function finish() {
  if (isReady) writeFileSync(join(dir, 'service.code'), codeFile(script))
  else write(`no code is written, the service was not ready:\n${log}`)
  process.kill(process.pid, 'SIGTERM')
}

setTimeout(() => isReady || finish(), limit).unref()
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
process.argv.splice(2, process.argv.length, 'serve')
script.run()
