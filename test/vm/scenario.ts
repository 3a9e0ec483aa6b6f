/**
 * Tests the installed service under systemd with real USB cameras: discovery, snapshots, recordings, unplugged cameras
 * and a clean stop.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { formatSteps } from './formats.js'
import { captureNode, openBench, type Plug } from './guest/bench.js'
import { examinePicture, type PictureFacts } from './guest/picture.js'
import { connectRpc, type RpcClient } from './guest/rpc.js'
import { dataDir, encoders, install, issueToken, processes, property, showLog, unit } from './guest/service.js'
import { assert, eventually, output, run, secondsForSteps } from './guest/shell.js'
import { createSteps } from './guest/steps.js'

const [program, frames, checkout, only = '.'] = process.argv.slice(2)
if (program === undefined || frames === undefined || checkout === undefined)
  throw new Error('usage: scenario.mjs USB_CAMERA_PROGRAM FRAMES_DIR CHECKOUT [STEPS]')

const topics = [
  'camera.connected',
  'camera.disconnected',
  'camera.status_change',
  'recording.start',
  'recording.stop',
  'recording.error',
  'recording.interrupted',
  'recording.resumed',
  'snapshot.taken',
]
/** An emulated processor encodes about a tenth of what a real one does: few frames a second. */
const red = 'badge=red rates=5,10'
const blue = 'badge=blue rates=5,10'
const first = (port: number): Plug => ({ port, serial: 'SN1001', options: red })
const second = (port: number): Plug => ({ port, serial: 'SN0002', options: blue })
const twin = (port: number, options: string): Plug => ({ port, serial: 'TWIN', options: `model=Twin ${options}` })
/** A serial that many cameras have. */
const nameless = (port: number, options: string): Plug => ({
  port,
  serial: 'SN0001',
  options: `model=Nameless ${options}`,
})

interface Camera {
  device: string
  status: string
  identity?: { basis: string; confidence: string }
  identity_ambiguous?: boolean
}
interface Snapshot {
  device: string
  filename: string
  status: string
  file_size: number
  file_path: string
  tier: number
  width: number
  height: number
}
interface Recording {
  device: string
  filename: string
  files: string[]
  status: string
  duration: number
  file_size: number
}

const { step, failures, print } = createSteps({ seconds: secondsForSteps, only: new RegExp(only) })
const bench = await openBench({ program, frames })
let client: RpcClient
let token = ''

const connect = async () => {
  client = await eventually('the WebSocket', () => connectRpc('ws://127.0.0.1:8002/ws'))
  await client.call('authenticate', { auth_token: token })
  await client.call('subscribe_events', { topics })
}

const connected = async (count: number, seconds = 20): Promise<string[]> =>
  eventually(
    `${count} connected cameras`,
    async () => {
      const { cameras } = await client.call<{ cameras: Camera[] }>('get_camera_list')
      const devices = cameras.filter(({ status }) => status === 'CONNECTED').map(({ device }) => device)
      if (devices.length !== count)
        throw new Error(`the list is ${JSON.stringify(cameras.map(({ device, status }) => [device, status]))}`)
      return devices
    },
    { seconds },
  ).catch(async (error: Error) => {
    const { text } = await client
      .call<{ text: string }>('explain', { component: 'discovery' })
      .catch((failed) => ({ text: String(failed) }))
    const nodes = await run('bash', ['-c', 'ls -l /dev/video*; udevadm info --query=property /dev/video*'])
    throw new Error(`${error.message}\n${text}\n${nodes.stdout}${nodes.stderr}`)
  })

/**
 * Unplugs all other cameras, plugs in the missing ones, and waits until the service agrees. Resolves with the connected
 * cameras.
 */
const arrange = async (...wanted: Plug[]): Promise<string[]> => {
  const text = (plug: Plug) => JSON.stringify(plug)
  const isIn = (plugs: Plug[]) => (plug: Plug) => plugs.map(text).includes(text(plug))
  const wrong = bench.plugged().filter((plug) => !isIn(wanted)(plug))
  for (const { port } of wrong) await bench.unplug(port)
  if (wrong.length > 0) await connected(bench.plugged().length)
  const missing = wanted.filter((plug) => !isIn(bench.plugged())(plug))
  for (const plug of missing) await bench.plug(plug)
  return connected(wanted.length)
}

/** Both cameras and no twin, in whatever ports they are: a replug costs seconds here. */
const arrangeBoth = (): Promise<string[]> => {
  const both = bench.plugged().filter(({ serial }) => serial === 'SN1001' || serial === 'SN0002')
  return both.length === 2 ? arrange(...both) : arrange(first(0), second(1))
}

/** Takes a snapshot and checks its file. */
interface Photograph {
  snapshot: Snapshot
  picture: PictureFacts
  /** ms until the answer, without the examination of the picture. */
  took: number
}

const photograph = async (device: string): Promise<Photograph> => {
  const asked = performance.now()
  const snapshot = await client.call<Snapshot>('take_snapshot', { device }, { seconds: 60 })
  const took = Math.round(performance.now() - asked)
  assert(
    snapshot.status === 'SUCCESS' && snapshot.device === device,
    `take_snapshot answered ${JSON.stringify(snapshot)}`,
  )
  const { size } = await stat(snapshot.file_path)
  assert(size === snapshot.file_size, `file_size is ${snapshot.file_size}, the file has ${size} bytes`)
  const picture = await examinePicture(snapshot.file_path)
  assert(
    picture.width === snapshot.width && picture.height === snapshot.height,
    `the picture is ${picture.width}x${picture.height}`,
  )
  return { snapshot, picture, took }
}

/** Returns the badge in the picture of each camera: it identifies the camera independently of the service. */
const whoIsWho = async (devices: string[]): Promise<Record<string, string>> => {
  const seen: Record<string, string> = {}
  for (const device of devices) seen[device] = (await photograph(device)).picture.badge
  return seen
}
const same = (now: Record<string, string>, before: Record<string, string>) => {
  const text = (seen: Record<string, string>) => Object.entries(seen).sort().join(' ')
  assert(text(now) === text(before), `${text(now)} now, ${text(before)} before`)
  return text(now)
}

const recordingFile = async (filename: string): Promise<string> => {
  const stem = filename.replace(/\.[a-z0-9]+$/, '')
  const found = await output('find', [`${dataDir}/recordings`, '-name', `${stem}.*`])
  const [file] = found.split('\n')
  assert(file, `no file of recording ${filename}`)
  return file
}

/** Seconds of H.264 that a player reads out of the files, each to its end and without complaint. */
const playedSeconds = async (files: string[]): Promise<number> => {
  let total = 0
  for (const file of files) {
    const facts = await output('ffprobe', [
      '-v',
      'error',
      '-show_entries',
      'stream=codec_name:format=duration',
      '-of',
      'csv=p=0',
      file,
    ])
    const [codec, duration] = facts.split('\n')
    assert(codec === 'h264', `the recording is ${codec}`)
    // In the file's own time base: in that of the frame rate, copied frames that came in a burst have the same time.
    const target = ['-enc_time_base', '-1', '-f', 'null', '-']
    const { code, stderr } = await run('ffmpeg', ['-nostdin', '-v', 'error', '-xerror', '-i', file, ...target])
    assert(code === 0 && stderr === '', `the recording does not play: ${stderr}`)
    total += Number(duration)
  }
  return total
}

const framesIn = async (files: string[]): Promise<number> => {
  let total = 0
  for (const file of files) {
    const args = ['-v', 'error', '-count_packets', '-show_entries', 'stream=nb_read_packets', '-of', 'csv=p=0', file]
    total += Number.parseInt(await output('ffprobe', args), 10)
  }
  return total
}

const known: Record<string, string> = {}
const deviceOf = (badge: string): string => {
  const device = Object.keys(known).find((each) => known[each] === badge)
  assert(device, `no camera with the ${badge} picture is known`)
  return device
}

const main = async () => {
  const up = await step(
    'install, systemd-analyze verify, start',
    async () => {
      await install(checkout)
      const complaints = await run('systemd-analyze', ['verify', unit])
      assert(complaints.code === 0 && complaints.stderr === '', `verify: ${complaints.stderr}`)
      const start = performance.now()
      await output('systemctl', ['start', unit], { seconds: 70 })
      return `ready after ${((performance.now() - start) / 1000).toFixed(1)} s, "${await property('StatusText')}"`
    },
    { needed: true },
  )
  const reachable =
    up &&
    (await step(
      'token, connect, authenticate, subscribe',
      async () => {
        token = await issueToken('admin')
        await connect()
        const { cameras } = await client.call<{ cameras: Camera[] }>('get_camera_list')
        assert(cameras.length === 0, `cameras before any was plugged: ${JSON.stringify(cameras)}`)
        return undefined
      },
      { needed: true },
    ))
  if (!reachable) return

  await step(
    'plug two cameras: both CONNECTED',
    async () => {
      return (await arrange(first(0), second(1))).join(' ')
    },
    { needed: true },
  )

  await step(
    'snapshots of both by tier 0',
    async () => {
      const notes: string[] = []
      const wrong: string[] = []
      for (const device of await arrange(first(0), second(1))) {
        const { snapshot, picture, took } = await photograph(device)
        known[device] = picture.badge
        // The first picture also measures how long the camera takes to expose.
        const again = (await photograph(device)).took
        const size = `${picture.width}x${picture.height}`
        notes.push(`${device} ${picture.badge} ${size} tier ${snapshot.tier} in ${took} ms, then ${again} ms`)
        if (snapshot.tier !== 0) wrong.push(JSON.stringify(snapshot))
        assert(size === '640x360', `the picture is ${size}`)
      }
      assert(Object.values(known).sort().join() === 'blue,red', `the pictures are ${Object.values(known)}`)
      assert(wrong.length === 0, `not by tier 0: ${wrong.join(' ')}`)
      return notes.join(', ')
    },
    { needed: true },
  )

  await step('record 5 s; a snapshot meanwhile by tier 2', async () => {
    await arrange(first(0), second(1))
    const device = deviceOf('red')
    const asked = performance.now()
    await client.call('start_recording', { device }, { seconds: 40 })
    const started = performance.now()
    const status = await eventually('systemctl status to show the recording', async () => {
      const text = await property('StatusText')
      return text.endsWith('recording 1 · MediaMTX up') && text
    })
    const { snapshot } = await photograph(device)
    await delay(Math.max(0, 5000 - (performance.now() - started)))
    const recording = await client.call<Recording>('stop_recording', { device })
    // On a slow machine a recording may continue in a second file: the media server begins one when the media drifts
    // from the clock.
    const files = await Promise.all(recording.files.map(recordingFile))
    const played = await playedSeconds(files)
    const bytes = (await Promise.all(files.map((file) => stat(file)))).reduce((sum, { size }) => sum + size, 0)
    // The index that a file gets after the stop replaces the headers of its parts.
    const change = Math.abs(bytes - recording.file_size) / recording.file_size
    assert(change < 0.02, `file_size is ${recording.file_size}, the files have ${bytes} bytes`)
    assert(played >= 4.5, `${played} s were recorded`)
    assert(Math.abs(played - recording.duration) <= 1, `duration is ${recording.duration}, ${played} s play`)
    assert(snapshot.tier === 2, `the snapshot came by tier ${snapshot.tier}: ${JSON.stringify(snapshot)}`)
    const delayed = ((started - asked) / 1000).toFixed(1)
    return `started after ${delayed} s, "${status}", ${played.toFixed(1)} s play in ${files.length} file(s)`
  })

  await step('a timed recording of a camera that slows down: one file, each frame once, its duration', async () => {
    await arrange(first(0), second(1))
    const device = deviceOf('red')
    const from = client.notifications.length
    const made = await bench.frames(0)
    await client.call('start_recording', { device, duration: 12 }, { seconds: 40 })
    await delay(3000)
    await bench.dim(0)
    const { snapshot } = await photograph(device)
    await delay(5000)
    await bench.light(0)
    const ended = await client.notified('recording.stop', (params) => params.device === device, { from, seconds: 30 })
    const { files: names = [] } = (client.notifications[ended]?.params ?? {}) as Partial<Recording>
    const files = await Promise.all(names.map(recordingFile))
    const played = await playedSeconds(files)
    const frames = (await bench.frames(0)) - made
    const recorded = await framesIn(files)
    assert(files.length === 1, `there are ${files.length} files: ${names.join(' ')}`)
    assert(Math.abs(played - 12) <= 1.5, `${played} s play`)
    assert(recorded <= frames, `${recorded} frames were recorded, the camera made ${frames}`)
    assert(snapshot.tier === 2, `the snapshot came by tier ${snapshot.tier}: ${JSON.stringify(snapshot)}`)
    return `${played.toFixed(1)} s play, ${recorded} frames of ${frames} that the camera made`
  })

  await step('unplug while recording: told at once; the recording continues after the replug', async () => {
    await arrange(first(0), second(1))
    const device = deviceOf('red')
    const from = client.notifications.length
    const { filename } = await client.call<Recording>('start_recording', { device }, { seconds: 40 })
    await delay(2000)
    const pulled = performance.now()
    await bench.unplug(0)
    const ofDevice = (params: Record<string, unknown>) => params.device === device
    const error = await client.notified(
      'recording.error',
      (params) => ofDevice(params) && params.reason === 'unplugged',
      {
        from,
      },
    )
    const gone = await client.notified('camera.disconnected', ofDevice, { from })
    const told = ((performance.now() - pulled) / 1000).toFixed(1)
    assert(error < gone, 'camera.disconnected came before recording.error')
    await client.notified('recording.interrupted', ofDevice, { from: gone })
    const played = await playedSeconds([await recordingFile(filename)])
    await arrange(first(0), second(1))
    const connected = performance.now()
    await client.notified('recording.resumed', ofDevice, { from: gone, seconds: 30 })
    const resumed = ((performance.now() - connected) / 1000).toFixed(1)
    const recording = await client.call<Recording>('stop_recording', { device })
    assert(recording.files.length > 1 && recording.filename === filename, `the files are ${recording.files.join(' ')}`)
    await playedSeconds(await Promise.all(recording.files.map(recordingFile)))
    return `told after ${told} s, ${played.toFixed(1)} s play, continued ${resumed} s after CONNECTED`
  })

  await step('both pulled, plugged in the other order and ports: same ids', async () => {
    await arrange()
    await arrange(second(0))
    const devices = await arrange(second(0), first(1))
    return same(await whoIsWho(devices), known)
  })

  await step('replug while another program holds the old device: same id', async () => {
    await arrange(second(0), first(1))
    const device = deviceOf('red')
    const before = await captureNode(1)
    // To read only: a node that is gone already would come into being as a file, and keep udev from its place.
    const keeper = spawn('bash', ['-c', `exec 9<${before} && echo open; exec sleep 60`])
    try {
      const [words] = await once(keeper.stdout, 'data')
      assert(String(words).trim() === 'open', `${before} cannot be opened`)
      await arrange(second(0))
      await arrange(second(0), first(1))
      const after = await captureNode(1)
      const { picture } = await photograph(device)
      assert(picture.badge === 'red', `${device} shows the ${picture.badge} picture`)
      assert(after !== before, `the node is ${before} again: nothing was proved`)
      return `${before} became ${after}`
    } finally {
      keeper.kill()
    }
  })

  await step('twins with one serial: reported as ambiguous, each its id, also plugged in the other order', async () => {
    const others = await arrange(second(0), first(1))
    const isTwin = (device: string) => !others.includes(device)
    const [elder] = (await arrange(second(0), first(1), twin(2, red))).filter(isTwin)
    const twins = (await arrange(second(0), first(1), twin(2, red), twin(3, blue))).filter(isTwin)
    assert(elder !== undefined && twins.includes(elder), `the first twin was ${elder}, now they are ${twins}`)
    await eventually('both to be reported as ambiguous', async () => {
      const views = await Promise.all(twins.map((device) => client.call<Camera>('get_camera_status', { device })))
      if (views.some((view) => view.identity_ambiguous !== true)) throw new Error(JSON.stringify(views))
      return true
    })
    const seen = await whoIsWho(twins)
    assert(seen[elder] === 'red', `${elder} was the red twin and shows the ${seen[elder]} picture`)
    await arrange(second(0), first(1))
    await arrange(second(0), first(1), twin(3, blue))
    await arrange(second(0), first(1), twin(2, red), twin(3, blue))
    return same(await whoIsWho(twins), seen)
  })

  await step('cameras whose serial is a placeholder: known by port, ambiguous as soon as there are two', async () => {
    const others = await arrangeBoth()
    const base = bench.plugged()
    const viewsOf = (devices: string[]) =>
      Promise.all(
        devices
          .filter((device) => !others.includes(device))
          .map((device) => client.call<Camera>('get_camera_status', { device })),
      )
    const [one] = await viewsOf(await arrange(...base, nameless(2, red)))
    assert(
      one?.identity?.basis === 'port' && one.identity.confidence === 'medium' && one.identity_ambiguous === false,
      `one camera has ${JSON.stringify(one?.identity)}, ambiguous: ${one?.identity_ambiguous}`,
    )
    const devices = await arrange(...base, nameless(2, red), nameless(3, blue))
    const both = await eventually('both to be reported as ambiguous', async () => {
      const views = await viewsOf(devices)
      if (views.length !== 2 || views.some((view) => view.identity_ambiguous !== true))
        throw new Error(JSON.stringify(views))
      return views
    })
    assert(
      both.every(({ identity }) => identity?.basis === 'port'),
      `they have ${JSON.stringify(both.map(({ identity }) => identity))}`,
    )
    const seen = await whoIsWho(both.map(({ device }) => device))
    assert(seen[one.device] === 'red', `${one.device} was the red camera and shows the ${seen[one.device]} picture`)
    await arrange(...base)
    await arrange(...base, nameless(3, blue))
    await arrange(...base, nameless(2, red), nameless(3, blue))
    return same(await whoIsWho(both.map(({ device }) => device)), seen)
  })

  await formatSteps({
    ...{ step, bench, client: () => client },
    ...{ arrangeBoth, arrange, photograph, recordingFile, playedSeconds },
  })

  await step('a camera that holds back its frames: no snapshot, with a reason; one when it sends again', async () => {
    await arrange(second(0), first(1))
    const device = deviceOf('red')
    await bench.pause(1)
    try {
      const error = await client.call<Snapshot>('take_snapshot', { device }, { seconds: 60 }).then(
        (snapshot) => (snapshot.status === 'SUCCESS' ? undefined : JSON.stringify(snapshot)),
        (refused: unknown) => String(refused),
      )
      assert(error !== undefined, 'a camera without frames gave a picture')
    } finally {
      await bench.resume(1)
    }
    const { picture } = await photograph(device)
    assert(picture.badge === 'red', `${device} shows the ${picture.badge} picture`)
    return undefined
  })

  await step(
    'kill -9 while recording: systemd starts it again, same ids, no orphans; the recording continues',
    async () => {
      const cameras = await arrangeBoth()
      const before = await property('MainPID')
      const old = await processes()
      const device = deviceOf('red')
      const { filename } = await client.call<Recording>('start_recording', { device }, { seconds: 40 })
      await output('kill', ['-9', before])
      await eventually(
        'the restart',
        async () => {
          const after = await property('MainPID')
          return after !== '0' && after !== before && (await property('ActiveState')) === 'active'
        },
        { seconds: 30 },
      )
      client.close()
      await connect()
      const devices = await connected(cameras.length, 30)
      const now = await processes()
      const orphans = old.filter((line) => now.includes(line))
      assert(orphans.length === 0, `still running: ${orphans.join('; ')}`)
      const ready = performance.now()
      await eventually('the recording to continue', async () => {
        const { recording } = await client.call<{ recording?: { status: string } }>('get_camera_status', { device })
        return recording?.status === 'RECORDING'
      })
      const continued = ((performance.now() - ready) / 1000).toFixed(1)
      const { files } = await client.call<Recording>('stop_recording', { device })
      assert(files[0] === filename && files.length > 1, `the files are ${files.join(' ')}`)
      return `${same(await whoIsWho(devices), known)}, recording again ${continued} s after the cameras`
    },
  )

  await step('no encoder runs when nobody looks', async () => {
    await eventually('the encoders to end', async () => (await encoders()).length === 0, { seconds: 20 })
    return undefined
  })

  await step('stop while recording: clean, within 10 s, the file plays, nothing left', async () => {
    await arrangeBoth()
    const { filename } = await client.call<Recording>('start_recording', { device: deviceOf('blue') }, { seconds: 40 })
    await delay(1000)
    const since = `@${(Date.now() / 1000).toFixed(3)}`
    const start = performance.now()
    await output('systemctl', ['stop', unit])
    const seconds = (performance.now() - start) / 1000
    const result = await property('Result')
    const played = await playedSeconds([await recordingFile(filename)])
    const left = await processes()
    assert(result === 'success' && (await property('ExecMainStatus')) === '0', `the unit's result is ${result}`)
    assert(left.length === 0, `still running: ${left.join('; ')}`)
    assert(seconds < 10, `it took ${seconds.toFixed(1)} s`)
    const lines = await output('journalctl', ['-b', '-u', unit, '--since', since, '-o', 'cat'])
    // Lines with `repeated` sum up warnings from before the stop.
    const warnings = lines
      .split('\n')
      .filter((line) => /"level":"(warn|error)"/.test(line) && !/"repeated":/.test(line))
    assert(warnings.length === 0, `a clean stop logs warnings: ${warnings.join('; ')}`)
    return `${seconds.toFixed(1)} s, ${played.toFixed(1)} s play`
  })
}

await main()
await bench.end()
print()
if (failures() > 0) await showLog()
process.exit(failures() === 0 ? 0 : 1)
