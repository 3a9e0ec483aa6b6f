import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect'
import { expect } from 'chai'
import { protocolVersion } from '../../actors/inspection.js'
import type { Ports } from '../../adapters/open.js'
import { type App, startApp } from '../../app.js'
import { loadConfiguration } from '../../config/load.js'
import { createFakePorts, frontDoor } from '../support/fakePorts.js'
import { freePorts } from '../support/ports.js'
import { until } from '../support/until.js'

describe("app: Stately's inspector", () => {
  const running: App[] = []
  afterEach(async () => {
    for (const app of running.splice(0)) await app.stop('the test is over')
  })

  const start = async (env: Record<string, string>) => {
    const [rpc = 0] = await freePorts(1)
    const { config } = loadConfiguration({
      env: {
        CAMERA_SERVICE_SERVER_PORT: String(rpc),
        CAMERA_SERVICE_HTTP_HEALTH_ENABLED: 'false',
        CAMERA_SERVICE_SERVER_SHUTDOWN_TIMEOUT: '2s',
        CAMERA_SERVICE_CAMERAS: '[{ name: yard, source: "rtsp://ann:sesame@192.0.2.7/main" }]',
        ...env,
      },
    })
    const plugged = [frontDoor]
    let changed = () => {}
    const { open, log, ports } = createFakePorts()
    const usb = {
      list: async () => [...plugged],
      watch: (report: (event: unknown) => void) => {
        changed = () => report({ type: 'devices.hint' })
        return { mode: 'udev', dispose: () => {} }
      },
    } as unknown as Ports['usb']
    const admin = { user: 'ann', role: 'admin', expiresAt: Date.now() + 3_600_000 } as const
    const credentials = { ...ports.credentials, verify: async () => admin }
    Object.assign(ports, { usb, credentials })
    const app = await startApp({ config, log, env: {}, open })
    running.push(app)
    const unplug = () => {
      plugged.splice(0)
      changed()
    }
    await until('the camera is connected', () => app.directory.cameras()[0]?.status === 'CONNECTED')
    return { app, unplug, url: `ws://127.0.0.1:${rpc}/inspect/ws?token=any` }
  }

  it('shows its receiver the running actors, and the events and states of an unplug, in order', async () => {
    const { unplug, url } = await start({ CAMERA_SERVICE_INSPECT_ENABLED: 'true' })
    const receiver = createWebSocketReceiver({ server: url })
    const got: StatelyInspectionEvent[] = []
    const subscription = receiver.subscribe((event) => got.push(event))
    const actors = () => got.flatMap((event) => (event.type === '@xstate.actor' ? [event] : []))
    await until('the present actors', () => actors().some(({ name }) => name.endsWith('discovery')))
    const [fleet] = actors()
    const camera = await until('the camera', () => actors().find(({ name }) => name === 'camera:camera0'))
    expect(fleet?.name).to.equal('fleet')
    expect(fleet?.parentId).to.equal(undefined)
    expect(camera.parentId).to.equal(fleet?.sessionId)
    expect(JSON.stringify(camera.snapshot.value)).to.include('available')
    expect(JSON.parse(camera.definition ?? '')).to.have.property('id', 'camera')

    const before = got.length
    unplug()
    const about = (type: StatelyInspectionEvent['type']) =>
      got.slice(before).findIndex((event) => {
        if (event.type !== type || event.sessionId !== camera.sessionId) return false
        return event.type === '@xstate.event'
          ? event.event.type === 'device.removed' && event.sourceId === fleet?.sessionId
          : event.type === '@xstate.snapshot' &&
              JSON.stringify((event.snapshot as { value?: unknown }).value).includes('"unplugged"')
      })
    await until('the camera is unplugged', () => about('@xstate.snapshot') >= 0)
    expect(about('@xstate.event')).to.be.within(0, about('@xstate.snapshot') - 1)
    expect(JSON.stringify(got)).to.include('192.0.2.7')
    expect(JSON.stringify(got)).not.to.include('sesame')
    subscription.unsubscribe()
  })

  it('is not served by default', async () => {
    const { url } = await start({})
    expect((await fetch(url.replace('ws:', 'http:'))).status).to.equal(404)
  })

  it('speaks the version of the protocol that its receiver is tested with', () => {
    const file = fileURLToPath(new URL('../../node_modules/@statelyai/inspect/package.json', import.meta.url))
    expect(protocolVersion).to.equal(JSON.parse(readFileSync(file, 'utf8')).version)
  })
})
