import { expect } from 'chai'
import {
  createRecogniser,
  fileOf,
  folderOf,
  formatMoment,
  type Moment,
  millisecondsOf,
  momentOf,
  parseMoment,
  patternOf,
} from '../../../adapters/simulator/record/naming.js'

describe('simulator, names of recordings', () => {
  const moment: Moment = {
    year: 2026,
    month: 11,
    day: 21,
    hour: 11,
    minute: 4,
    second: 12,
    microsecond: 36_070,
    offset: 60,
  }
  const pattern = '/rec/%path/%path_%Y-%m-%d_%H-%M-%S-%f%z.mp4'

  it('spells a moment and reads it back', () => {
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
  })

  it('writes and reads what the API shows', () => {
    expect(formatMoment(moment)).to.equal('2026-11-21T11:04:12.03607+01:00')
    expect(parseMoment('2026-11-21T11:04:12.03607+01:00')).to.deep.equal(moment)
    expect(formatMoment(parseMoment('2026-01-02T03:04:05Z'))).to.equal('2026-01-02T03:04:05Z')
    expect(millisecondsOf(parseMoment('2026-11-21T11:04:12.5-02:30'))).to.equal(
      Date.parse('2026-11-21T11:04:12.5-02:30'),
    )
  })

  const faults: [text: string, fault: string][] = [
    ['', 'cannot parse "" as "2006"'],
    ['x', 'cannot parse "x" as "2006"'],
    ['2026-1', 'cannot parse "1" as "01"'],
    ['2026-11-21', 'cannot parse "" as "T"'],
    ['2026-11-21T11:04:12', 'cannot parse "" as "Z07:00"'],
    ['2026-11-21T11:04:12 01:00', 'cannot parse " 01:00" as "Z07:00"'],
  ]
  for (const [text, fault] of faults)
    it(`refuses '${text}'`, () =>
      expect(() => parseMoment(text)).to.throw(`parsing time "${text}" as "2006-01-02T15:04:05Z07:00": ${fault}`))

  it('knows the folder that all files of a pattern are below', () => {
    expect(folderOf('/rec/%path/%Y.mp4')).to.equal('/rec')
    expect(folderOf('/rec/cam0/%Y.mp4')).to.equal('/rec/cam0')
    expect(folderOf('/%path/%Y.mp4')).to.equal('/')
    expect(patternOf({ recordPath: '/r/%path/%s', recordFormat: 'mpegts' }, 'a/b')).to.equal('/r/a/b/%s.ts')
  })
})
