import { expect } from 'chai'
import type { RecordingFile } from '../../machines/domain/files.js'
import { because } from '../../machines/domain/reason.js'
import { endOfMedia, outcomeOf, type RecordingContext } from '../../machines/recordingContext.js'

const file = { name: 'one.mp4', duration: 5_000 } as RecordingFile
const context = {
  ...{ reason: because('requested'), format: 'fmp4', gaps: [], grewAt: 4_000 },
  segments: [{ filename: 'one.mp4', startedAt: 1_000 }],
} as unknown as RecordingContext

describe('the outcome of a recording', () => {
  it('has no end before its files are closed', () => {
    expect(outcomeOf(context)).to.deep.include({ filename: 'one.mp4', files: ['one.mp4'], endedAt: 0, recorded: 0 })
  })

  it('ends with the media of the last file, or with the last growth if that file is not known', () => {
    expect(endOfMedia(context, { files: [file], endedAt: 9_000 })).to.equal(6_000)
    expect(endOfMedia(context, { files: [], endedAt: 9_000 })).to.equal(4_000)
    expect(endOfMedia({ ...context, segments: [] }, { files: [file], endedAt: 9_000 })).to.equal(4_000)
  })
})
