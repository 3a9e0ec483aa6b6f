import { Ajv } from 'ajv'
import { expect } from 'chai'
import fc from 'fast-check'
import { ServiceError } from '../../machines/domain/errors.js'
import {
  cameraOf,
  checkFileName,
  isFileName,
  isSegmentName,
  isStem,
  snapshotStems,
  timeOf,
} from '../../machines/domain/fileName.js'
import { FileName } from '../../rpc/schemas.js'

describe('file names', () => {
  const isAllowed = new Ajv().compile(FileName)

  it('cannot leave their folder', () => {
    for (const name of [
      'camera0_2026-11-21_10-49-09-375957.mp4',
      'a',
      'front.door-2.jpg',
      'x'.repeat(255),
      'front door',
      'Haustür (2), 100%.jpg',
      '☃.png',
      "a'b",
    ])
      expect(isFileName(name), name).to.equal(true)
    const bad = [
      '',
      '.',
      '..',
      '../a',
      'a/b',
      'a\\b',
      '.hidden',
      '-rf',
      'a..b',
      'a\0',
      'a\nb',
      ' a',
      'a ',
      'a.',
      'a\u007fb',
      'a\u2028b',
      'a\ud800b',
      'x'.repeat(256),
      'ä'.repeat(128),
      ...[...'/\\<>:"|?*'].map((char) => `a${char}b`),
      '/etc/passwd',
      'a\u202eb',
    ]
    for (const name of bad) expect(isFileName(name), JSON.stringify(name)).to.equal(false)
  })

  it('are refused by their rule, and leave room for an extension', () => {
    expect(() => checkFileName('front door.mp4')).not.to.throw()
    expect(() => checkFileName('../a')).to.throw(ServiceError)
    expect([251, 252].map((length) => isStem('x'.repeat(length)))).to.deep.equal([true, false])
    expect(isStem('a/b')).to.equal(false)
  })

  it('follow the same rules in the API schema, except for the length in bytes', () => {
    const odd = fc.constantFrom(
      '.',
      '-',
      ' ',
      '/',
      '\\',
      ':',
      'a',
      'ä',
      '☃',
      '\u00a0',
      '\u202e',
      '\ud800',
      '\n',
      'x'.repeat(250),
    )
    const names = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.string({ unit: odd }))
    fc.assert(
      fc.property(names, (name) => (isAllowed(name) && Buffer.byteLength(name) <= 255) === isFileName(name)),
      { numRuns: 2_000 },
    )
  })

  it('contain the camera and the time in UTC', () => {
    expect(cameraOf('camera12_2026-11-21_10-49-09-375957.mp4')).to.equal('camera12')
    expect(cameraOf('cameraX_1.mp4')).to.equal(undefined)
    expect(cameraOf('camera1')).to.equal(undefined)
    expect(timeOf('camera0_2026-11-21_10-49-09-375957.mp4')).to.equal(Date.UTC(2026, 10, 21, 10, 49, 9, 375))
    expect(timeOf('camera0_2026-11-21_10-49-09-042.jpg')).to.equal(Date.UTC(2026, 10, 21, 10, 49, 9, 42))
    for (const name of ['camera0_2026-02-31_10-49-09-000000.mp4', 'camera0_2026-11-21_25-00-00-000000.mp4', 'door.jpg'])
      expect(timeOf(name), name).to.equal(undefined)
  })

  it('of segments begin with the id of one camera', () => {
    expect(isSegmentName('camera1', 'camera1_2026-11-21_10-49-09-375957.mp4')).to.equal(true)
    for (const name of [
      'camera11_2026-11-21_10-49-09-375957.mp4',
      'camera1_2026-11-21_10-49-09-375957.mkv',
      'camera1_x.mp4',
      'camera1_2026-11-21_10-49-09-375957.mp4.tmp',
    ])
      expect(isSegmentName('camera1', name), name).to.equal(false)
  })

  it('of snapshots are numbered, or one millisecond apart, and never too long', () => {
    const first = (count: number, requested?: string) =>
      [...snapshotStems('camera0', Date.UTC(2026, 0, 2, 3, 4, 5, 999), requested)].slice(0, count)
    expect(first(2)).to.deep.equal(['camera0_2026-01-02_03-04-05-999', 'camera0_2026-01-02_03-04-06-000'])
    expect(first(3, 'yard')).to.deep.equal(['yard', 'yard-2', 'yard-3'])
    expect(first(2, 'ä'.repeat(125))[1]).to.equal(`${'ä'.repeat(124)}-2`)
    expect(first(2, 'x'.repeat(249))[1]).to.equal(`${'x'.repeat(249)}-2`)
    expect(first(2, 'x'.repeat(250))[1]).to.equal(`${'x'.repeat(249)}-2`)
  })
})
