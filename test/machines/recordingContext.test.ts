import { expect } from 'chai'
import type { RecordingFile } from '../../machines/domain/files.js'
import { because } from '../../machines/domain/reason.js'
import { endOfMedia, outcomeOf, type RecordingContext, stallOfFile } from '../../machines/recordingContext.js'

const file = { name: 'one.mp4', duration: 5_000 } as RecordingFile
const context = {
  ...{ reason: because('requested'), format: 'fmp4', gaps: [], grewAt: 4_000 },
  segments: [{ filename: 'one.mp4', startedAt: 1_000 }],
} as unknown as RecordingContext

describe('the outcome of a recording', () => {
  it('has no end before its files are closed', () => {
    expect(outcomeOf(context)).to.deep.include({ filename: 'one.mp4', files: ['one.mp4'], endedAt: 0, recorded: 0 })
  })

  it('names the first of its closed files, and all of them', () => {
    const files = [file, { ...file, name: 'two.mp4' }]
    expect(outcomeOf({ ...context, closed: { files, endedAt: 9_000 } })).to.deep.include({
      ...{ filename: 'one.mp4', files: ['one.mp4', 'two.mp4'], endedAt: 9_000, recorded: 10_000 },
    })
  })

  it('ends with the media of the last file, or with the last growth if that file is not known', () => {
    expect(endOfMedia(context, { files: [file], endedAt: 9_000 })).to.equal(6_000)
    expect(endOfMedia(context, { files: [], endedAt: 9_000 })).to.equal(4_000)
    expect(endOfMedia({ ...context, segments: [] }, { files: [file], endedAt: 9_000 })).to.equal(4_000)
  })
})

describe('a file of a recording that does not grow', () => {
  it('is too large, if so, after the time since its start', () => {
    const noon = Date.UTC(2026, 0, 2, 12)
    const segments = [{ filename: 'one.mp4', startedAt: noon }]
    const { code, details } = stallOfFile({ ...context, segments, grewAt: noon + 100_000, bytes: 4_294_000_000 })
    expect(code).to.equal('file_too_large')
    expect(details).to.include('at most 75 s;')
    expect(stallOfFile({ ...context, bytes: undefined })).to.deep.equal(because('no_data'))
  })
})
