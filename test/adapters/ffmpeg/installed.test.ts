import { expect } from 'chai'
import { checkPrograms } from '../../../adapters/ffmpeg/installed.js'
import { failure, fake, folder } from './support.js'

/** What Alpine's busybox answers to options of util-linux. */
const busybox = `echo 'flock: unrecognized option: version' >&2
echo 'BusyBox v1.36.1 (2023-06-02) multi-call binary.' >&2
exit 1`
const current = {
  ffmpeg: 'echo "ffmpeg version 7.1-3 Copyright (c) 2000-2024"',
  'v4l2-ctl': 'echo "v4l2-ctl 1.26.1"',
  flock: 'echo "flock from util-linux 2.38.1"',
}

describe('the installed programs', () => {
  let dir = ''
  let remove = async () => {}
  beforeEach(async () => {
    const made = await folder()
    dir = made.dir
    remove = made.remove
  })
  afterEach(() => remove())

  const checked = async (changes: Partial<Record<keyof typeof current, string>> = {}) => {
    for (const [name, script] of Object.entries({ ...current, ...changes })) await fake(dir, name, script)
    const warnings: string[] = []
    const warn = (message: string, { version }: Record<string, unknown> = {}) =>
      void warnings.push(version === undefined ? message : `${message} [${version}]`)
    await checkPrograms({ path: `${dir}:${process.env.PATH}`, log: { warn } })
    return warnings
  }

  it('are all right in present versions', async () => expect(await checked()).to.deep.equal([]))

  for (const [program, script, warning] of [
    ['ffmpeg', 'echo "ffmpeg version 4.1.11-0+deb10u1 Copyright"', /^the program ffmpeg is old: streams of USB and v/],
    ['ffmpeg', 'echo "ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright"', /^the program ffmpeg is old: this service is/],
    ['ffmpeg', 'echo "ffmpeg version n4.4 Copyright"', /\[4\.4\]$/],
    ['v4l2-ctl', 'echo "v4l2-ctl 1.16.3"', /^the program v4l2-ctl is old: .* \[1\.16\.3\]$/],
    ['flock', busybox, /^the program flock is that of busybox: USB and virtual cameras cannot be used/],
  ] as const)
    it(`are named when old: ${script.split('\n')[0]}`, async () => {
      const warnings = await checked({ [program]: script })
      expect(warnings).to.have.length(1)
      expect(warnings[0]).to.match(warning)
    })

  it('may print an unknown version', async () => {
    expect(await checked({ ffmpeg: 'echo "ffmpeg version git-2024-01-01"', 'v4l2-ctl': 'exit 3' })).to.deep.equal([])
  })

  it('are needed: ffmpeg', async () => {
    expect(await failure(checkPrograms({ path: dir, log: { warn() {} } }))).to.equal(
      'program_missing: the program ffmpeg is missing (package ffmpeg)',
    )
  })
})
