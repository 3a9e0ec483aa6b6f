import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect } from 'chai'
import { codeOf } from '../../../adapters/errorCode.js'
import { simulatedPictures, simulatedPipelines, simulatedProbe } from '../../../adapters/simulation/capture.js'
import { createMovableClock, moveClocks } from '../../../adapters/simulation/clock.js'
import { claimForSimulation } from '../../../adapters/simulation/dataMark.js'
import { createSimulatedHost } from '../../../adapters/simulation/host.js'
import { createSimulatedDisk } from '../../../adapters/simulation/storage.js'
import { createSimulatedUsb, isSimulated } from '../../../adapters/simulation/usb.js'
import type { Device, UsbDevice } from '../../../machines/domain/camera.js'
import type { DiskUsage } from '../../../machines/domain/files.js'
import type { Evidence } from '../../../machines/domain/reason.js'
import { Failure } from '../../../machines/domain/reason.js'
import { turn } from '../../support/later.js'

const never = new AbortController().signal
const front = { name: 'front', serial: 'S1', port: '1', plugged: true }
const failure = (act: Promise<unknown>): Promise<Failure> =>
  act.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: unknown) => {
      if (error instanceof Failure) return error
      throw error
    },
  )

describe('simulated USB cameras', () => {
  const open = (cameras = [front]) => {
    const { usb, host } = createSimulatedUsb(cameras)
    const hints: (Evidence | undefined)[] = []
    const watch = usb.watch((evidence) => hints.push(evidence))
    const listed = async () =>
      (await usb.list(never)).map((device) => {
        const { model, port, node, serial } = device as UsbDevice
        return { model, port, node, serial }
      })
    return { usb, host, hints, watch, listed }
  }
  const portOf = (port: string) => `pci-0000:00:14.0-usb-0:${port}:1.0`

  it('are listed like those of the kernel, with nodes that no program can open', async () => {
    const { listed } = open([front, { ...front, name: 'away', port: '2', plugged: false }])
    const [camera, ...others] = await listed()
    expect(others).to.deep.equal([])
    expect(camera).to.deep.equal({ model: 'front', port: portOf('1'), node: 'simulated:0', serial: 'S1' })
    expect([isSimulated('simulated:0'), isSimulated('/dev/video0')]).to.deep.equal([true, false])
  })

  it('give a hint like udev, and have changed when the service has listed them again', async () => {
    const { host, hints, listed } = open()
    let isDone = false
    const unplugging = host.unplug('front', never).then(() => {
      isDone = true
    })
    await turn()
    expect([isDone, hints]).to.deep.equal([false, [{ udev_action: 'remove' }]])
    expect(await listed()).to.deep.equal([])
    await unplugging
    expect(hints).to.have.length(1)
  })

  it('come back under another node, at the last port or at another one', async () => {
    const { host, usb, listed } = open()
    const seen = async (change: Promise<void>) => {
      await turn()
      await usb.list(never)
      await change
      return (await listed())[0]
    }
    await seen(host.unplug('front', never))
    expect(await seen(host.plug('front', undefined, never))).to.include({ node: 'simulated:1', port: portOf('1') })
    await seen(host.unplug('front', never))
    expect(await seen(host.plug('front', '2.4', never))).to.include({ node: 'simulated:2', port: portOf('2.4') })
  })

  it('can have a twin with the same serial at a free port', async () => {
    const { host, listed } = open()
    const twin = host.twin('front', undefined, never)
    await turn()
    expect((await listed()).map(({ model, serial, port }) => [model, serial, port])).to.deep.equal([
      ['front', 'S1', portOf('1')],
      ['front-twin', 'S1', portOf('2')],
    ])
    await twin
  })

  it('stay as they are when nothing changes, and refuse what is impossible', async () => {
    const { host, hints } = open([front, { name: 'plain', port: '2', plugged: false } as typeof front])
    await host.plug('front', undefined, never)
    await host.unplug('plain', never)
    expect(hints).to.deep.equal([])
    const refused = await Promise.all([
      failure(host.plug('nobody', undefined, never)),
      failure(host.plug('plain', '1', never)),
      failure(host.plug('front', '7', never)),
      failure(host.twin('plain', undefined, never)),
    ])
    expect(refused.map(({ code, message }) => [code, message])).to.deep.equal([
      ['not_simulated', 'the scenario has no camera nobody'],
      ['not_simulated', 'another camera is at the USB port 1'],
      ['not_simulated', 'front is plugged in at another port: use replug'],
      ['not_simulated', 'plain has no serial'],
    ])
    expect(hints).to.deep.equal([])
  })

  it('stop waiting when the act is aborted, and stop hinting when nobody watches', async () => {
    const { host, hints, watch } = open()
    watch.dispose()
    const ending = new AbortController()
    const unplugging = host.unplug('front', ending.signal).catch((error: Error) => error.message)
    ending.abort(new Error('no answer within 15 s'))
    expect([await unplugging, hints]).to.deep.equal(['no answer within 15 s', []])
  })

  it('are captured as test patterns; real cameras as before', async () => {
    const seen: unknown[] = []
    const note = (_: unknown, device: Device) => void seen.push(device.kind)
    const pipelines = simulatedPipelines({ spec: note } as never) as { spec(...args: unknown[]): void }
    const pictures = simulatedPictures({ grabDirect: note, grabByFfmpeg: note } as never) as unknown as Record<
      'grabDirect' | 'grabByFfmpeg',
      (...args: unknown[]) => void
    >
    const probe = simulatedProbe({ capabilities: (device: Device) => void seen.push(device.kind) } as never)
    for (const node of ['simulated:0', '/dev/video0']) {
      const device = { kind: 'usb', node, vendorId: '1d6b', productId: '0102', model: 'x' } as const
      pipelines.spec('camera0', device)
      pictures.grabDirect('camera0', device)
      pictures.grabByFfmpeg('camera0', device)
      probe.capabilities(device, never)
    }
    expect(seen).to.deep.equal([...Array(4).fill('virtual'), ...Array(4).fill('usb')])
  })
})

describe('a simulated disk', () => {
  const real: DiskUsage = { total: 1_000, used: 100, available: 800, percent: 11, inodes: 50, inodesPercent: 2 }
  const levels = { warnPercent: 80, blockPercent: 90 }
  const open = (usage = real) => {
    const { storage, ...disk } = createSimulatedDisk(levels)
    return { ...disk, storage: storage({ usage: async () => usage, use: async () => {}, keepReserve: async () => {} }) }
  }

  it('shows the real usage until it is changed, and again afterwards', async () => {
    const { storage, set } = open()
    expect(await storage.usage('main')).to.equal(real)
    set('disk_full')
    set('disk_ok')
    expect(await storage.usage('main')).to.equal(real)
  })

  it('is never less full than the real one', async () => {
    const crowded = { ...real, used: 792, available: 108, percent: 88 }
    const { storage, set } = open(crowded)
    set('disk_nearly_full')
    expect(await storage.usage('main')).to.deep.equal({ ...crowded, simulated: true })
  })

  it('is nearly full between the levels of warning and refusal, full, or read-only; the fallback folder is not', async () => {
    const { storage, set } = open()
    set('disk_nearly_full')
    const nearly = { ...real, used: 742, available: 158, percent: 82.5, simulated: true }
    expect(await storage.usage('main')).to.deep.equal(nearly)
    set('disk_full')
    const full = await storage.usage('main')
    expect(full).to.include({ used: 900, available: 0, percent: 100, simulated: true })
    expect(full.fault?.code).to.equal('storage_full')
    set('disk_read_only')
    const readOnly = await storage.usage('main')
    expect(readOnly).to.include({ used: 100, percent: 11, simulated: true })
    expect(readOnly.fault?.code).to.equal('storage_read_only')
    expect(await storage.usage('fallback')).to.equal(real)
  })
})

describe('snapshots on a simulated disk', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'simulation-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const arrange = async () => {
    const saved: string[] = []
    const { pictures, set } = createSimulatedDisk({ warnPercent: 80, blockPercent: 90 })
    const { save } = pictures({
      save: async (_: unknown, { file }: { file: string }) => saved.push(basename(file)),
    } as never)
    const file = join(dir, 'new.jpg')
    const take = async (more: { fleeting?: true } = {}, also = { keep: false }) => {
      await writeFile(file, 'picture')
      const options = { format: 'jpg', quality: 90, ...more } as const
      return save('camera0', { file, capturedAt: 1 }, options, never, also)
    }
    return { saved, set, file, take }
  }

  for (const [action, code, details] of [
    ['disk_full', 'storage_full', 'no space is left for the picture'],
    ['disk_read_only', 'not_written', 'the picture could not be written (EROFS)'],
  ] as const)
    it(`fail as on a real one: ${action}`, async () => {
      const { saved, set, file, take } = await arrange()
      set(action)
      const { code: found, message } = await failure(take())
      expect([found, message, saved]).to.deep.equal([code, details, []])
      expect(await readFile(file).catch(codeOf), 'no temporary file stays').to.equal('ENOENT')
      await failure(take({}, { keep: true }))
      expect(await readFile(file, 'utf8'), 'another caller needs it').to.equal('picture')
      await take({ fleeting: true })
      set('disk_ok')
      await take()
      set('disk_nearly_full')
      await take()
      expect(saved).to.have.length(3)
    })
})

describe('a simulated host', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'simulation-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  it('moves the wall clock, for the media server in a file, but not the monotonic one', async () => {
    const clock = createMovableClock({ now: () => 5_000, monotonic: () => 7 })
    const file = join(dir, 'offset')
    await moveClocks(clock, file, 3_600_000)
    await moveClocks(clock, file, -600_000)
    expect([clock.clock.now(), clock.clock.monotonic()]).to.deep.equal([3_005_000, 7])
    expect(await readFile(file, 'utf8')).to.equal('3000000\n')
  })

  it('only signals a media server that the service has started', async () => {
    const sent: string[] = []
    let isRunning = true
    const host = createSimulatedHost({
      usb: {} as never,
      setDisk: () => {},
      moveClock: async () => {},
      signalServer(signal) {
        if (isRunning) sent.push(signal)
        return isRunning
      },
    })
    for (const action of ['hang_server', 'resume_server', 'kill_server'] as const) await host.server(action)
    expect(sent).to.deep.equal(['SIGSTOP', 'SIGCONT', 'SIGKILL'])
    isRunning = false
    expect((await failure(host.server('kill_server'))).code).to.equal('not_simulated')
  })

  it('takes a new data directory, and its own again, but not that of a service with real cameras', async () => {
    const state = join(dir, 'state')
    await mkdir(state)
    await claimForSimulation({ dir, state })
    await writeFile(join(state, 'registry.json'), '{}')
    await claimForSimulation({ dir, state })
    await rm(join(state, 'simulation'))
    const message = await claimForSimulation({ dir, state }).catch((error: Error) => error.message)
    expect(message).to.match(/^data directory .* belongs to a service that does not simulate: select another one/)
  })
})
