import { expect } from 'chai'
import {
  createRecogniser,
  fileOf,
  folderOf,
  formatMoment,
  type Moment,
  momentOf,
  parseMoment,
  patternOf,
} from '../../../adapters/simulator/record/naming.js'

describe('simulator: names of recordings', () => {
  const moment: Moment = { at: Date.parse('2026-11-21T10:04:12.036Z') * 1000 + 70, offset: 60 }
  const parsed = (text: string): Moment => {
    const read = parseMoment(text)
    if (!read) throw new Error(`'${text}' was not read`)
    return read
  }
  const pattern = '/rec/%path/%path_%Y-%m-%d_%H-%M-%S-%f%z.mp4'

  it('writes a moment into a file name and reads it back', () => {
    const file = fileOf(pattern.replaceAll('%path', 'site/cam'), moment)
    expect(file).to.equal('/rec/site/cam/site/cam_2026-11-21_11-04-12-036070+0100.mp4')
    expect(
      createRecogniser('/rec/%path/%Y-%m-%d_%H-%M-%S-%f%z.mp4')('/rec/site/cam/2026-11-21_11-04-12-036070+0100.mp4'),
    ).to.deep.equal({
      moment,
      path: 'site/cam',
    })
    expect(createRecogniser('/rec/cam/%s.mp4')('/rec/cam/1795259052.mp4')?.moment).to.deep.equal(
      momentOf(1_795_259_052e6),
    )
    expect(createRecogniser('/rec/cam/%s.mp4')('/rec/cam/1795259052.mp4.part')).to.equal(undefined)
    expect(createRecogniser('/rec/cam/%s.mp4')('/rec/cam/1795259052xmp4')).to.equal(undefined)
    const local = createRecogniser('/rec/cam/%Y-%m-%d_%H-%M-%S.mp4')
    const noon = Date.parse('2026-11-21T12:00:00') * 1000
    expect(local('/rec/cam/2026-11-21_12-00-00.mp4')?.moment).to.deep.equal(momentOf(noon))
    expect(local('/rec/cam/2026-13-21_12-00-00.mp4')).to.equal(undefined)
  })

  it('writes and reads RFC 3339', () => {
    expect(formatMoment(moment)).to.equal('2026-11-21T11:04:12.03607+01:00')
    expect(parseMoment('2026-11-21T11:04:12.03607+01:00')).to.deep.equal(moment)
    expect(formatMoment(parsed('2026-01-02T03:04:05Z'))).to.equal('2026-01-02T03:04:05Z')
    expect(parsed('2026-11-21T11:04:12.5-02:30').at).to.equal(Date.parse('2026-11-21T11:04:12.5-02:30') * 1000)
  })

  for (const text of ['', 'x', '2026-1', '2026-11-21', '2026-11-21T11:04:12', '2026-11-21T11:04:12 01:00'])
    it(`does not read '${text}'`, () => expect(parseMoment(text)).to.equal(undefined))

  it('returns the folder that contains all files of a pattern', () => {
    expect(folderOf('/rec/%path/%Y.mp4')).to.equal('/rec')
    expect(folderOf('/rec/cam0/%Y.mp4')).to.equal('/rec/cam0')
    expect(folderOf('/%path/%Y.mp4')).to.equal('/')
    expect(patternOf({ recordPath: '/r/%path/%s', recordFormat: 'mpegts' }, 'a/b')).to.equal('/r/a/b/%s.ts')
  })
})
