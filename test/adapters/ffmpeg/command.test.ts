import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { isQuotable, progressAddress, streamCommand } from '../../../adapters/ffmpeg/command.js'
import { findVariableRate } from '../../../adapters/ffmpeg/variableRate.js'
import type { CodecSettings } from '../../../machines/domain/camera.js'
import { type HardwareEncoder, hardwareEncoders } from '../../../machines/domain/encoder.js'
import { copied, demo, encoded, fake, folder, webcam } from './support.js'

const place = {
  camera: 'camera0',
  runDir: "/srv/bob's 50% cams: new",
  mark: 'abc',
  publishHost: '127.0.0.1',
  progressPort: 4000,
  variableRate: ['-fps_mode', 'vfr'],
  withParent: [],
} as const

describe('the command of a stream', () => {
  it('encodes by hardware with the limits and keyframes of x264, and the rate of the camera', () => {
    const commandOf = (encoder: HardwareEncoder, changes: Partial<CodecSettings> = {}) => {
      const { codec, ...pipeline } = encoded('MJPG', 320, 180, 15)
      if (!codec) throw new Error('no codec')
      const hardware = { ...pipeline, encoder, codec: { ...codec, ...changes } }
      return words(streamCommand({ ...place, device: webcam, pipeline: hardware })).join(' ')
    }
    const ways = {
      h264_nvenc:
        '-profile:v baseline -level:v 30 -pix_fmt yuv420p -preset p1 -tune ull -rc cbr -delay 0 -zerolatency 1 ' +
        '-forced-idr 1',
      h264_vaapi: '-profile:v 578 -level:v 30 -async_depth 1',
      h264_rkmpp: '-profile:v baseline -level:v 30 -pix_fmt yuv420p -rc_mode CBR',
      h264_v4l2m2m: '-profile:v 578 -pix_fmt yuv420p',
    } as const
    for (const encoder of hardwareEncoders) {
      const command = commandOf(encoder)
      const group = ['h264_nvenc', 'h264_vaapi'].includes(encoder) ? 30 : 15
      expect(command).to.include(
        `-fps_mode vfr -enc_time_base 1:90000 -c:v ${encoder} ${ways[encoder]} -b:v 400000 -maxrate 400000 ` +
          `-bufsize 400000 -g ${group} -bf 0 -force_key_frames expr:gte(t,n_forced) -f rtsp`,
      )
      expect(command).not.to.match(/ultrafast|libx264/)
    }
    const vaapi = commandOf('h264_vaapi', { profile: 'high', level: '4.2' })
    expect(vaapi).to.match(/-vaapi_device \/dev\/dri\/renderD128 -f v4l2 .*-vf format=nv12,hwupload -fps_mode/)
    expect(vaapi).to.include('-profile:v 100 -level:v 42')
    expect(commandOf('h264_v4l2m2m', { pixelFormat: 'yuvj420p' })).to.include('-pix_fmt yuv420p')
    expect(commandOf('h264_nvenc', { pixelFormat: 'nv12' })).to.include('-pix_fmt nv12')
  })

  it('uploads the frames to the encoder after all other filters', () => {
    const pipeline = { ...encoded('YUYV', 321, 181), encoder: 'h264_vaapi', maxFps: 5 } as const
    const command = words(streamCommand({ ...place, device: webcam, pipeline }))
    expect(command.at(command.indexOf('-vf') + 1)).to.match(/^select=.*,crop=[^,]*,format=nv12,hwupload$/)
  })

  it('captures from the node that has the format', () => {
    const pipeline = encoded()
    const mode = { ...pipeline.mode, node: '/dev/video44' }
    const command = words(streamCommand({ ...place, device: webcam, pipeline: { ...pipeline, mode } }))
    expect(command.at(command.indexOf('-i') + 1)).to.equal('/dev/video44')
  })

  it('encodes, holds the device lock, and has three taps', () => {
    expect(words(streamCommand({ ...place, device: webcam, pipeline: encoded() }))).to.deep.equal([
      ...[
        'env',
        String.raw`FFREPORT=file=/srv/bob\'s 50%% cams\: new/camera0.log:level=16`,
        'CAMERA_SERVICE_CAMERA=abc/camera0',
      ],
      ...['flock', '--no-fork', '-w', '5', "/srv/bob's 50% cams: new/camera0.lock"],
      ...['ffmpeg', '-hide_banner', '-nostdin', '-y', '-loglevel', 'error', '-nostats', '-stats_period', '0.5'],
      ...['-progress', 'udp://127.0.0.1:4000?pkt_size=1400&localaddr=127.0.1.0'],
      ...['-f', 'v4l2', '-input_format', 'mjpeg', '-framerate', '15', '-video_size', '320x180', '-i', '/dev/video42'],
      ...[
        '-map',
        '0:v:0',
        '-fps_mode',
        'vfr',
        '-enc_time_base',
        '1:90000',
        '-c:v',
        'libx264',
        '-profile:v',
        'baseline',
        '-level:v',
        '3.0',
        '-pix_fmt',
        'yuv420p',
        '-preset',
        'ultrafast',
        '-tune',
        'zerolatency',
      ],
      ...[
        '-b:v',
        '400000',
        '-maxrate',
        '400000',
        '-bufsize',
        '400000',
        '-g',
        '30',
        '-sc_threshold',
        '0',
        '-force_key_frames',
        'expr:gte(t,n_forced)',
      ],
      ...['-f', 'rtsp', '-rtsp_transport', 'tcp', '-pkt_size', '1316', 'rtsp://127.0.0.1:8554/camera0'],
      ...[
        '-map',
        '0:v:0',
        '-vf',
        "select='isnan(prev_selected_t)+gte(t-prev_selected_t,1)'",
        '-r',
        '1',
        '-c:v',
        'mjpeg',
        '-q:v',
        '4',
        '-pix_fmt',
        'yuvj420p',
      ],
      ...['-update', '1', '-atomic_writing', '1', '-f', 'image2', "/srv/bob's 50% cams: new/camera0.jpg"],
    ])
  })

  it('reads formats that ffmpeg does not know from v4l2-ctl', async () => {
    const { dir, remove } = await folder()
    const frames = join(dir, 'frames')
    writeFileSync(frames, Buffer.alloc(15 * 64 * 48 * 2))
    await fake(dir, 'v4l2-ctl', `echo "$@" > "${join(dir, 'asked')}"; cat "${frames}"`)
    await fake(dir, 'ffmpeg', `echo "$@" > "${join(dir, 'got')}"; wc -c > "${join(dir, 'size')}"`)
    const command = streamCommand({ ...place, runDir: dir, device: webcam, pipeline: encoded('NV16', 64, 48) })
    spawnSync('sh', ['-c', command], {
      env: { ...process.env, PATH: `${dir}:${process.env.PATH}` },
    })
    const said = (name: string) => readFileSync(join(dir, name), 'utf8').trim()
    expect(said('asked')).to.equal(
      '-d /dev/video42 --silent --set-fmt-video=width=64,height=48,pixelformat=NV16 --set-parm=15 ' +
        '--stream-mmap=4 --stream-to=-',
    )
    expect(said('got')).to.contain(
      '-use_wallclock_as_timestamps 1 -f rawvideo -pixel_format nv16 -framerate 15 -video_size 64x48 -i pipe:0',
    )
    expect(Number(said('size'))).to.equal(15 * 64 * 48 * 2)
    await remove()
  })

  it('encodes each frame of a camera that changes its rate once, at its own time', async () => {
    const { dir, remove } = await folder()
    const [camera, stream] = [join(dir, 'camera.mkv'), join(dir, 'stream.asf')]
    const source = "testsrc2=rate=30:size=320x180,settb=1/1000,select='lt(t,1)+not(mod(n,3))'"
    const jitter = "setpts='PTS+mod(N*7,20)'"
    const passed = ['-fps_mode', 'passthrough', '-enc_time_base', '1:1000']
    ffmpeg('-f', 'lavfi', '-i', `${source},${jitter}`, '-t', '3', ...passed, '-c:v', 'mjpeg', camera)
    const pipeline = encoded('MJPG', 320, 180, 30)
    const variableRate = await findVariableRate()
    const command = words(streamCommand({ ...place, variableRate, device: webcam, pipeline }))
    const output = command.slice(command.indexOf('-map'), command.indexOf('rtsp'))
    // Like RTSP, this format has a constant rate by default.
    ffmpeg('-i', camera, ...output, 'asf', stream)
    const [sent, encodedTimes] = [timesOf(camera), timesOf(stream)]
    expect(encodedTimes).to.deep.equal(sent)
    expect(sent).to.have.length(50)
    await remove()
  })

  it('runs ffmpeg three times while the device is there', async () => {
    const { dir, remove } = await folder()
    await fake(dir, 'ffmpeg', 'echo run')
    await fake(dir, 'sleep', 'echo "pause $1"')
    const runs = (device: typeof webcam | typeof demo) => {
      const command = streamCommand({ ...place, runDir: dir, device, pipeline: copied })
      const env = { ...process.env, PATH: `${dir}:${process.env.PATH}` }
      return spawnSync('sh', ['-c', command], { encoding: 'utf8', env }).stdout.trim().split('\n')
    }
    expect(runs(demo)).to.deep.equal(['run', 'pause 0.3', 'run', 'pause 0.3', 'run'])
    expect(runs({ ...webcam, node: join(dir, 'unplugged') as '/dev/video42' })).to.deep.equal(['run', 'pause 0.3'])
    await remove()
  })

  it('copies without a still tap, because nothing is decoded', () => {
    const command = words(streamCommand({ ...place, device: webcam, pipeline: copied }))
    expect(command.slice(command.indexOf('-map'))).to.deep.equal([
      ...[
        '-map',
        '0:v:0',
        '-c:v',
        'copy',
        '-f',
        'rtsp',
        '-rtsp_transport',
        'tcp',
        '-pkt_size',
        '1316',
        'rtsp://127.0.0.1:8554/camera0',
      ],
    ])
  })

  it('crops odd sizes to even ones', () => {
    const command = words(streamCommand({ ...place, device: webcam, pipeline: encoded('YUYV', 321, 181) }))
    expect(command).to.include('crop=trunc(iw/2)*2:trunc(ih/2)*2')
  })

  it('contains the escaped credential for publishing', () => {
    const publishAs = { user: 'pub', password: "it's $5: (50%) @ \\x" }
    const command = streamCommand({ ...place, device: webcam, pipeline: copied, publishAs })
    const url = new URL(words(command).at(-1) ?? '')
    expect(url.host).to.equal('127.0.0.1:8554')
    expect([url.username, decodeURIComponent(url.password)]).to.deep.equal(['pub', publishAs.password])
    expect(command.match(/\$\w*/g)).to.deep.equal(['$RTSP_PORT', '$MTX_PATH'])
  })

  it('does not request an unknown format', () => {
    expect(words(streamCommand({ ...place, device: webcam, pipeline: encoded('') }))).to.not.include('-input_format')
  })

  it('contains a dollar sign only in the variables of the media server', () => {
    for (const clockwork of [{}, { fontFile: '/usr/share/fonts/x.ttf' }, undefined]) {
      const command = streamCommand({ ...place, device: demo, pipeline: encoded(), ...(clockwork && { clockwork }) })
      expect(command.match(/\$\w*/g)).to.deep.equal(['$RTSP_PORT', '$MTX_PATH'])
    }
    expect(['/srv/a b', '/srv/$HOME', '/srv/a\nb'].map(isQuotable)).to.deep.equal([true, false, false])
  })

  it('sends the progress of each camera from a different address', () => {
    expect(
      (['camera0', 'camera1', 'camera255', 'camera256', 'camera70000'] as const).map(progressAddress),
    ).to.deep.equal(['127.0.1.0', '127.0.1.1', '127.0.1.255', '127.0.2.0', '127.1.18.112'])
  })
})

const ffmpeg = (...args: string[]) => execFileSync('ffmpeg', ['-nostdin', '-v', 'error', ...args])

/** Returns the times of all frames in ms, from the first one. */
function timesOf(file: string): number[] {
  const args = ['-v', 'error', '-show_entries', 'packet=dts_time', '-of', 'csv=p=0', file]
  const lines = execFileSync('ffprobe', args, { encoding: 'utf8' }).split('\n')
  const times = lines.map(Number.parseFloat).filter((time) => !Number.isNaN(time))
  return times.map((time) => Math.round((time - (times[0] ?? 0)) * 1000))
}

/** The words of the whole command: those before the script, and those of ffmpeg in it. */
function words(command: string): string[] {
  const outer = split(command)
  const script = outer.pop() ?? ''
  const [, ffmpeg = ''] = /capture\(\) \{ (.*); \}; capture;/s.exec(script) ?? []
  return [...outer.slice(0, -2), ...split(ffmpeg)]
}

/** Splits a command like a POSIX shell, with the media server's variables. */
function split(command: string): string[] {
  const env = { RTSP_PORT: '8554', MTX_PATH: 'camera0', PATH: process.env.PATH }
  return execFileSync('sh', ['-c', `set -- ${command}\nfor word in "$@"; do printf '%s\\n' "$word"; done`], {
    encoding: 'utf8',
    env,
  })
    .trimEnd()
    .split('\n')
}
