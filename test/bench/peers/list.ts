import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from '../../support/ports.js'
import { benchService } from '../service.js'
import { bytesIn, cameraCommand, growsIn, isOk, onPath, type Peer, reader, startProgram } from './peer.js'

const names = (cameras: number) => Array.from({ length: cameras }, (_, index) => `bench${index}`)

/** As YAML, or as JSON, which is YAML. */
const writeYaml = (file: string, content: object) => writeFileSync(file, JSON.stringify(content))

const service: Peer = {
  name: 'this service, with MediaMTX',
  find: () => onPath('mediamtx', '--version'),
  async open(cameras) {
    const bench = await benchService({ kind: 'managed', cameras })
    const device = 'camera0'
    return {
      pid: bench.pid,
      ...reader(bench.rtspPort, `${device}?token=${bench.token}`),
      untilAsleep: bench.untilAsleep,
      snapshot: () => bench.call('take_snapshot', { device }),
      record: () => bench.call('start_recording', { device }),
      stopRecording: () => bench.call('stop_recording', { device }),
      close: bench.stop,
    }
  },
}

const mediamtx: Peer = {
  name: 'MediaMTX alone',
  find: () => onPath('mediamtx', '--version'),
  async open(cameras) {
    const [rtsp = 0, api = 0] = await freePorts(2)
    const program = await startProgram(
      (folder) => {
        const paths = names(cameras).map((name) => [
          name,
          {
            runOnDemand: cameraCommand(`rtsp://127.0.0.1:${rtsp}/${name}`),
            runOnDemandRestart: true,
            runOnDemandCloseAfter: '1s',
          },
        ])
        const file = join(folder, 'mediamtx.yml')
        writeYaml(file, {
          api: true,
          apiAddress: `127.0.0.1:${api}`,
          rtspAddress: `127.0.0.1:${rtsp}`,
          rtspTransports: ['tcp'],
          ...Object.fromEntries(['rtmp', 'hls', 'webrtc', 'srt'].map((protocol) => [protocol, false])),
          pathDefaults: {
            recordPath: join(folder, 'recordings/%path/%Y-%m-%d_%H-%M-%S-%f'),
            recordPartDuration: '200ms',
          },
          paths: Object.fromEntries(paths),
        })
        return ['mediamtx', file]
      },
      () => isOk(`http://127.0.0.1:${api}/v3/paths/list`),
    )
    const camera = reader(rtsp, 'bench0')
    const patch = (record: boolean) =>
      isOk(`http://127.0.0.1:${api}/v3/config/paths/patch/bench0`, {
        method: 'PATCH',
        body: JSON.stringify({ record }),
      })
    return {
      ...program,
      ...camera,
      async record() {
        const before = bytesIn(program.folder, '.mp4')
        // A recording is no reader: without one, the camera would stay asleep.
        await Promise.all([patch(true), camera.frame()])
        await growsIn(program.folder, '.mp4', before)
      },
      stopRecording: () => patch(false),
    }
  },
}

const go2rtc: Peer = {
  name: 'go2rtc',
  find: () => onPath('go2rtc', '--version'),
  async open(cameras) {
    const [rtsp, api] = await freePorts(2)
    const program = await startProgram(
      (folder) => {
        const file = join(folder, 'go2rtc.yaml')
        writeYaml(file, {
          api: { listen: `127.0.0.1:${api}` },
          rtsp: { listen: `127.0.0.1:${rtsp}` },
          webrtc: { listen: '' },
          srtp: { listen: '' },
          streams: Object.fromEntries(names(cameras).map((name) => [name, `exec:${cameraCommand('{output}')}`])),
        })
        return ['go2rtc', '-config', file]
      },
      () => isOk(`http://127.0.0.1:${api}/api`),
    )
    return {
      ...program,
      ...reader(rtsp ?? 0, 'bench0'),
      async snapshot() {
        if (!(await isOk(`http://127.0.0.1:${api}/api/frame.jpeg?src=bench0`))) throw new Error('go2rtc: no picture')
      },
    }
  },
}

/** Reads network cameras: an RTSP source of MediaMTX, which runs all the time and does not count. */
const motion: Peer = {
  name: 'Motion',
  find: () => onPath('motion', '-h'),
  async open(cameras) {
    const [rtsp, control] = await freePorts(2)
    const url = `rtsp://127.0.0.1:${rtsp}/bench0`
    const source = await startProgram(
      (folder) => {
        const file = join(folder, 'mediamtx.yml')
        writeYaml(file, {
          rtspAddress: `127.0.0.1:${rtsp}`,
          rtspTransports: ['tcp'],
          ...Object.fromEntries(['rtmp', 'hls', 'webrtc', 'srt'].map((protocol) => [protocol, false])),
          paths: { bench0: { runOnInit: cameraCommand(url), runOnInitRestart: true } },
        })
        return ['mediamtx', file]
      },
      async () => (await reader(rtsp ?? 0, 'bench0').frame()).length > 0,
    )
    const program = await startProgram(
      (folder) => {
        const file = join(folder, 'motion.conf')
        const common = ['daemon off', `webcontrol_port ${control}`, 'webcontrol_localhost on', `target_dir ${folder}`]
        const camera = [`netcam_url ${url}`, 'width 1280', 'height 720', 'framerate 30', 'picture_output off']
        const movies = ['movie_output on', 'movie_codec mp4', 'snapshot_filename snapshot-%v-%s-%q', 'threshold 900000']
        const others = names(cameras).map((name, index) => {
          const own = join(folder, `${name}.conf`)
          writeFileSync(own, [`camera_id ${index + 1}`, ...camera, ''].join('\n'))
          return `camera ${own}`
        })
        const cells = cameras === 1 ? camera : others
        writeFileSync(file, [...common, ...movies, ...(cameras === 1 ? [] : camera.slice(1)), ...cells, ''].join('\n'))
        return ['motion', '-n', '-c', file]
      },
      () => isOk(`http://127.0.0.1:${control}/`),
    )
    const act = (action: string) => isOk(`http://127.0.0.1:${control}/0/action/${action}`)
    const made = async (ending: string, action: string) => {
      const before = bytesIn(program.folder, ending)
      await act(action)
      await growsIn(program.folder, ending, before)
    }
    return {
      pid: program.pid,
      snapshot: () => made('.jpg', 'snapshot'),
      record: () => made('.mp4', 'eventstart'),
      async stopRecording() {
        await act('eventend')
        // The end of the movie is written later.
        await sleep(2_000)
      },
      async close() {
        await program.close()
        await source.close()
      },
    }
  },
}

const ustreamer: Peer = {
  name: 'ustreamer',
  find() {
    const found = onPath('ustreamer', '--version')
    if ('skipped' in found || existsSync('/dev/video0')) return found
    return { skipped: `${found.version} reads V4L2 devices only; this host has none` }
  },
  async open(cameras) {
    if (cameras > 1) throw new Error('one camera for each ustreamer')
    const [port] = await freePorts(1)
    const base = `http://127.0.0.1:${port}`
    const words = ['--device', '/dev/video0', '--resolution', '1280x720', '--desired-fps', '30', '--port', String(port)]
    const program = await startProgram(
      () => ['ustreamer', ...words],
      () => isOk(`${base}/state`),
    )
    return { ...program, snapshot: () => isOk(`${base}/snapshot`) }
  },
}

export const allPeers: Peer[] = [service, mediamtx, go2rtc, motion, ustreamer]
