import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { createEncoders } from '../../../adapters/ffmpeg/encoders.js'
import { failure, fake, folder, never, runWith, until } from './support.js'

const listed = ['libx264', 'h264_nvenc', 'h264_v4l2m2m', 'h264_vaapi']

/** An ffmpeg that lists `names` and encodes with those that have no `faults`. It writes down each call. */
const ffmpeg = (names: readonly string[], faults: Record<string, string> = {}) => `
echo "$*" >> "$(dirname "$0")/calls"
case "$*" in
  *-encoders*) ${names.map((name) => `echo ' V....D ${name}  an encoder'`).join('; ')}; exit;;
${Object.entries(faults)
  .map(([name, line]) => `  *${name}*) ${line.startsWith('exec') ? line : `echo "${line}" >&2; exit 1`};;`)
  .join('\n')}
esac`

describe('the encoders of this host', () => {
  let place: Awaited<ReturnType<typeof folder>>
  const closers: (() => void)[] = []
  beforeEach(async () => {
    place = await folder()
  })
  afterEach(async () => {
    for (const close of closers.splice(0)) close()
    await place.remove()
  })

  async function host(script: string, devices: string[] = ['nvidiactl', 'dri/renderD128', 'video11']) {
    await fake(place.dir, 'ffmpeg', script)
    const encoders = createEncoders({ runner: runWith(place.dir), devices: async () => devices })
    closers.push(encoders.close)
    const calls = async () => (await readFile(join(place.dir, 'calls'), 'utf8').catch(() => '')).trim().split('\n')
    return { ...encoders, calls }
  }

  it('selects the first hardware encoder that encodes a picture', async () => {
    const { choose, calls } = await host(ffmpeg(listed, { h264_nvenc: '[h264_nvenc @ 0x5] Cannot load libcuda.so.1' }))
    expect(await choose('auto', never)).to.deep.equal({ encoder: 'h264_vaapi', reason: 'this host encodes with it' })
    const [list, nvenc, vaapi, ...more] = await calls()
    expect([list, more]).to.deep.equal(['-hide_banner -encoders', []])
    expect(nvenc).to.match(/^-hide_banner -nostdin .*-frames:v 1 -c:v h264_nvenc /)
    expect(vaapi).to.match(
      /-nostdin .*-vaapi_device \/dev\/dri\/renderD128 -f lavfi .*-vf format=nv12,hwupload -c:v h264_vaapi .* -f null -$/,
    )
  })

  it('selects libx264 with the line of ffmpeg about each that fails, without paths', async () => {
    const { choose } = await host(
      ffmpeg(listed, {
        h264_nvenc: '[h264_nvenc @ 0x5] Cannot load libcuda.so.1',
        h264_vaapi: '[AVHWDeviceContext @ 0x5] No VA display found for device /dev/dri/renderD128.',
        h264_v4l2m2m: '[h264_v4l2m2m @ 0x5] Could not open the encoder',
      }),
    )
    expect(await choose('auto', never)).to.deep.equal({
      encoder: 'libx264',
      reason:
        'h264_nvenc failed its test: Cannot load libcuda.so.1; ' +
        'h264_vaapi failed its test: No VA display found for device …; ' +
        'h264_v4l2m2m failed its test: Could not open the encoder',
    })
  })

  it('says nothing of V4L2 on a host whose V4L2 devices are cameras', async () => {
    const fault = '[h264_v4l2m2m @ 0x5] Could not find a valid device'
    const { choose } = await host(ffmpeg(listed, { h264_v4l2m2m: fault }), ['video0', 'video1'])
    expect(await choose('auto', never)).to.deep.equal({
      encoder: 'libx264',
      reason: 'this host has no hardware encoder',
    })
  })

  it('only tries the one that is configured', async () => {
    const { choose, calls } = await host(ffmpeg(listed, { h264_vaapi: 'no profile' }))
    expect(await choose('h264_vaapi', never)).to.deep.equal({
      encoder: 'libx264',
      reason: 'h264_vaapi failed its test: no profile',
    })
    expect(await calls()).to.have.length(2)
    expect(await choose('h264_rkmpp', never)).to.deep.equal({
      encoder: 'libx264',
      reason: 'this host has no device for h264_rkmpp',
    })
  })

  it('starts no program for libx264, and none on a host without a device for encoding', async () => {
    const { choose, calls } = await host(ffmpeg(listed), ['null', 'dri/card0'])
    expect(await choose('libx264', never)).to.deep.equal({
      encoder: 'libx264',
      reason: 'the configuration selects it',
    })
    expect(await choose('auto', never)).to.deep.equal({
      encoder: 'libx264',
      reason: 'this host has no hardware encoder',
    })
    expect(await calls()).to.deep.equal([''])
  })

  it('names an encoder that this ffmpeg does not have', async () => {
    const { choose } = await host(ffmpeg(['libx264']))
    expect((await choose('h264_vaapi', never)).reason).to.equal('this ffmpeg has no h264_vaapi')
    expect((await choose('auto', never)).reason).to.equal('this host has no hardware encoder')
  })

  it('tests once for all callers, and again after `forget`', async () => {
    const { choose, forget, calls } = await host(ffmpeg(listed, { h264_nvenc: 'busy', h264_vaapi: 'busy' }))
    const [one, two] = await Promise.all([choose('auto', never), choose('auto', never)])
    expect([one, two, await choose('h264_v4l2m2m', never)].map(({ encoder }) => encoder)).to.deep.equal([
      'h264_v4l2m2m',
      'h264_v4l2m2m',
      'h264_v4l2m2m',
    ])
    expect(await calls()).to.have.length(4)
    await fake(place.dir, 'ffmpeg', ffmpeg(listed))
    forget()
    expect((await choose('auto', never)).encoder).to.equal('h264_nvenc')
  })

  it('goes on for the others when one caller gives up, and ends its programs when it closes', async () => {
    const { choose, close, calls } = await host(ffmpeg(listed, { h264_nvenc: 'exec sleep 60' }))
    const leaving = new AbortController()
    const gone = choose('auto', leaving.signal)
    const stays = choose('auto', never)
    leaving.abort(new Error('the camera is gone'))
    expect(await failure(gone)).to.equal('the camera is gone')
    await until('the test runs', async () => (await calls()).some((call) => call.includes('h264_nvenc')))
    close()
    expect(await stays).to.deep.equal({
      encoder: 'libx264',
      reason: ['h264_nvenc', 'h264_vaapi', 'h264_v4l2m2m']
        .map((name) => `${name} failed its test: the service is stopping`)
        .join('; '),
    })
  })

  it('selects libx264 if ffmpeg cannot list its encoders', async () => {
    const encoders = createEncoders({
      runner: async () => {
        throw new Error('timed out after 5 s')
      },
      devices: async () => ['mpp_service'],
    })
    expect(await encoders.choose('auto', never)).to.deep.equal({
      encoder: 'libx264',
      reason: 'h264_rkmpp failed its test: timed out after 5 s',
    })
  })
})
