import { expect } from 'chai'
import { parseConfiguration } from '../../config/load.js'
import { usableFormats } from '../../machines/domain/captureMode.js'
import { isReasonCode } from '../../machines/domain/reason.js'
import { supportOf } from '../../machines/domain/streamSupport.js'
import { fencedBlocks } from './code.js'
import { column, pages, pageText } from './markdown.js'

const page = pageText('docs/cameras.md')
describe('docs: page of cameras', () => {
  it('names reason codes that exist, each once', () => {
    const codes = column(page, 'Reason code').flatMap((cell) =>
      [...cell.matchAll(/`(\w+)`/g)].map(([, code]) => code ?? ''),
    )
    expect(codes.filter((code) => !isReasonCode(code))).to.deep.equal([])
    expect(codes).to.have.length(new Set(codes).size).and.to.include.members(['no_signal', 'no_keyframe', 'b_frames'])
  })

  it('has every format that is captured, and no other', () => {
    const formats = column(page, 'Formats').flatMap((cell) =>
      [...cell.matchAll(/`(\w+)`/g)].map(([, format]) => format),
    )
    expect(formats).to.have.members([...usableFormats])
  })

  it('says of each codec what works', () => {
    const uses = { snapshot: 'Snapshot', recording: 'Recording', hls: 'HLS', webrtc: 'WebRTC' }
    const payloads: Record<string, string> = { MJPEG: 'JPEG', 'MPEG-4': 'MP4V-ES', 'MPEG-2': 'MPV' }
    column(page, 'Codec').forEach((cell, row) => {
      for (const codec of cell.split(', '))
        for (const { use, reason } of supportOf({ codec: payloads[codec] ?? codec.replace('.', '') }))
          expect(column(page, uses[use])[row], `${codec}, ${use}`).to.match(reason ? /^no$/ : /^yes/)
    })
  })
})

describe('docs: samples of the configuration', () => {
  for (const name of pages.filter((path) => /^(README|docs\/[a-z]+)\.md$/.test(path))) {
    const samples = fencedBlocks(pageText(name)).filter(
      ({ language, text }) =>
        language === 'yaml' && /^(cameras|server|mediamtx|security|storage):/m.test(text) && !/^steps:/m.test(text),
    )
    if (samples.length === 0) continue
    it(`are accepted: ${name}`, () => {
      for (const { text, heading } of samples)
        expect(parseConfiguration({ env: {}, file: text }).warnings, heading).to.deep.equal([])
    })
  }
})
