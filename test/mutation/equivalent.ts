/** Survivors that no test can notice, because the program does the same with them. */
import { readFileSync } from 'node:fs'
import type { Mutant } from './mutants.js'

export interface Equivalent {
  file: string
  what: string
  /** A part of the line. */
  line: string
  reason: string
}

const onlyForTypes = 'The default is for the compiler: this is only called after the start.'

export const equivalents: readonly Equivalent[] = [
  {
    file: 'machines/camera.ts',
    what: 'target forStop → forRemoval',
    line: "initial: 'forStop',",
    reason: '`leaving` is always entered by one of its substates.',
  },
  {
    file: 'machines/cameraRecording.ts',
    what: 'drop guard',
    line: "guard: { type: 'isLoss', params: drain },",
    reason:
      'A removed recording says itself that it ends; at a stop the camera only waits for the end of the recording.',
  },
  {
    file: 'machines/cameraView.ts',
    what: '0 → 1',
    line: "['take_snapshot', { type: 'snapshot.take', wish: { by, maxAge: 0,",
    reason: 'The event is not sent: it only asks whether a snapshot can be taken.',
  },
  {
    file: 'machines/cameraView.ts',
    what: '0 → 1',
    line: "['start_streaming', { type: 'stream.hold', holder: '', since: 0 }],",
    reason: 'The event is not sent: it only asks whether the stream can be held.',
  },
  {
    file: 'machines/cameraView.ts',
    what: 'drop statement',
    line: 'known.set(snapshot, allowed)',
    reason: 'It is only slower without the cache.',
  },
  {
    file: 'machines/mediamtxLink.ts',
    what: '0 → 1',
    line: 'context: ({ input }) => ({ ...input, paths: 0, failures: 0 }),',
    reason: '`paths` is set before the first fact that contains it.',
  },
  {
    file: 'machines/recording.ts',
    what: 'target .choosing → .forCamera',
    line: "{ guard: 'isSurvivable', target: '.choosing', actions: 'noteCondition' },",
    reason: '`choosing` goes to `forCamera` at once, because the camera is lost.',
  },
  {
    file: 'machines/recordingContext.ts',
    what: '0 → 1',
    line: 'const { camera, by, format, duration, startedAt = 0, gaps, gapReason } = context',
    reason: onlyForTypes,
  },
  {
    file: 'machines/recordingContext.ts',
    what: '0 → 1',
    line: 'export const endOf = ({ startedAt = 0,',
    reason: onlyForTypes,
  },
  {
    file: 'machines/recordingContext.ts',
    what: '0 → 1',
    line: 'since: context.startedAt ?? 0,',
    reason: onlyForTypes,
  },
  {
    file: 'machines/recordingContext.ts',
    what: '<= → <',
    line: 'return endOf(context) <= limit.at ? untilEnd(context) : limit',
    reason: 'If both are at the same time, both waits end then, and `isAtItsEnd` decides.',
  },
]

export const lineOf = ({ file, line }: Mutant): string => readFileSync(file, 'utf8').split('\n')[line - 1]?.trim() ?? ''

export const equivalentOf = (mutant: Mutant): Equivalent | undefined =>
  equivalents.find(
    ({ file, what, line }) => file === mutant.file && what === mutant.what && lineOf(mutant).includes(line),
  )
