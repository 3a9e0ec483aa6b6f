import { execFileSync } from 'node:child_process'
import { expect } from 'chai'
import { pixelFormats } from '../../../adapters/ffmpeg/pixelFormats.js'
import { usableFormats } from '../../../machines/domain/captureMode.js'

describe('pixel formats', () => {
  it('have a name for each format that the service may choose', () =>
    expect(Object.keys(pixelFormats)).to.have.members(usableFormats))

  it('have names of formats that ffmpeg can convert, and its number of bits per pixel', () => {
    const known = new Map(
      execFileSync('ffmpeg', ['-hide_banner', '-pix_fmts'], { encoding: 'utf8' })
        .split('\n')
        .map((line) => line.trim().split(/\s+/))
        .filter(([flags]) => flags?.startsWith('I'))
        .map(([, name, , bits]) => [name, Number(bits)]),
    )
    // ffmpeg does not count what fills a pixel up to whole bytes.
    const padded: Record<string, number> = { p010le: 15, bgr0: 24, '0rgb': 24, rgb555le: 15, rgb555be: 15 }
    // Newer versions convert NV16, too; it is the last choice.
    if (!known.has('nv16')) known.set('nv16', 16)
    for (const { name, bits } of Object.values(pixelFormats))
      if (bits !== undefined) expect([name, known.get(name)]).to.deep.equal([name, padded[name] ?? bits])
  })
})
