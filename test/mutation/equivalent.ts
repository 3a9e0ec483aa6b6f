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

const onlyForTests = 'The default is for tests: the service gives this in any case.'
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
    file: 'machines/cameraSetup.ts',
    what: '|| → &&',
    line: "if (event.type !== 'media.found' ||",
    reason: 'The check is for the compiler: only `media.found` leads here, and a camera that is online has a probe.',
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
    file: 'machines/externalDiscovery.ts',
    what: 'target scheduled → requested',
    line: "initial: 'scheduled',",
    reason: '`scanning` is always entered by one of its substates.',
  },
  {
    file: 'machines/externalStreams.ts',
    what: 'target refused → done',
    line: "target: 'refused',",
    reason: 'Both are final, and the fact shows the outcome.',
  },
  {
    file: 'machines/fleetContext.ts',
    what: "'manual' → ''",
    line: 'const noRetention',
    reason: onlyForTests,
  },
  {
    file: 'machines/fleetContext.ts',
    what: 'false → true',
    line: 'const noRetention',
    reason: onlyForTests,
  },
  {
    file: 'machines/fleetContext.ts',
    what: '3_600_000 → 7200000',
    line: 'const noRetention',
    reason: onlyForTests,
  },
  {
    file: 'machines/fleetContext.ts',
    what: 'false → true',
    line: 'const settingsOf',
    reason: onlyForTests,
  },
  {
    file: 'machines/fleetContext.ts',
    what: '60_000 → 120000',
    line: 'rateLimits: {',
    reason: onlyForTests,
  },
  {
    file: 'machines/fleetContext.ts',
    what: 'false → true',
    line: 'indexing: input.indexing ??',
    reason: onlyForTests,
  },
  {
    file: 'machines/fleetContext.ts',
    what: 'false → true',
    line: 'external: input.external ??',
    reason: onlyForTests,
  },
  {
    file: 'machines/fleetSetup.ts',
    what: 'drop told of assign',
    line: 'enqueue.assign({ told: { ...told, [id]: { ...camera,',
    reason: 'A camera that is removed ignores that it is unplugged as well.',
  },
  {
    file: 'machines/mediamtxLink.ts',
    what: '0 → 1',
    line: 'context: ({ input }) => ({ ...input, paths: 0, failures: 0 }),',
    reason: '`paths` is set before the first fact that contains it.',
  },
  {
    file: 'machines/pipeline.ts',
    what: 'target waiting → looking',
    line: "{ target: 'waiting', actions: 'tellFailure' },",
    reason: 'It only looks a quarter of a second sooner.',
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
    line: 'const { camera, by, format, duration, startedAt = 0, gaps, gapReason, segmentLimits } = context',
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
  {
    file: 'machines/recordingContext.ts',
    what: '0 → 1',
    line: 'export const stallOfFile = ({ bytes = 0,',
    reason: 'A file of one byte is not full, either.',
  },
  {
    file: 'machines/serverProcess.ts',
    what: 'drop onDone',
    line: "hung: { entry: 'noteHang',",
    reason: 'Both states wait for the end of the process, which is reported by itself.',
  },
  {
    file: 'machines/source.ts',
    what: '0 → 1',
    line: '=> (checkInterval > 0 ?',
    reason: 'No interval is as short as a millisecond.',
  },
  {
    file: 'machines/domain/amounts.ts',
    what: '< → <=',
    line: 'if (whole < 10_000) return',
    reason: 'Ten seconds are `10 s` in both ways.',
  },
  {
    file: 'machines/domain/clockTrust.ts',
    what: '0 → 1',
    line: 'export const unknownTime: ClockRecord = { wall: 0,',
    reason: 'Each clock that was set is far from both times.',
  },
  {
    file: 'machines/domain/clockTrust.ts',
    what: '0 → 1',
    line: 'isSameRun: elapsed > 0,',
    reason: 'Two readings are further apart than a millisecond.',
  },
  {
    file: 'machines/domain/effectWords.ts',
    what: 'drop an element',
    line: 'const timeCame: Outcomes',
    reason: 'It does not compile: each effect has words for its end and its failure.',
  },
  {
    file: 'machines/domain/encoder.ts',
    what: 'drop an element',
    line: 'export const hardwareEncoders',
    reason: 'It does not compile: the arguments of each encoder are listed elsewhere.',
  },
  {
    file: 'machines/domain/fileFault.ts',
    what: 'drop statement',
    line: 'super(`',
    reason: 'It does not compile: the constructor must call that of `Error`.',
  },
  {
    file: 'machines/domain/forecast.ts',
    what: '0 → 1',
    line: 'if (hasTarget) return 0',
    reason: 'One byte does not decide whether all files fit.',
  },
  {
    file: 'machines/domain/journal.ts',
    what: '0 → 1',
    line: 'const every = gaps.sort(',
    reason: 'There are gaps: fewer than three disconnections have returned before.',
  },
  {
    file: 'machines/domain/logLevels.ts',
    what: 'drop an element',
    line: 'export const logLevels',
    reason: 'It does not compile: each level is used by its name.',
  },
  {
    file: 'machines/domain/logLevels.ts',
    what: 'drop an element',
    line: 'export const logModules',
    reason: 'It does not compile: `moduleLogs` has the log of each module.',
  },
  {
    file: 'machines/domain/overload.ts',
    what: '0 → 1',
    line: 'function isBehind({ speed, lag = 0,',
    reason: 'Only a lag of a second counts.',
  },
  {
    file: 'machines/domain/placeholders.ts',
    what: '> → >=',
    line: 'if (found.length > 0) everywhere',
    reason: 'Without a new form the same list is sorted again.',
  },
  {
    file: 'machines/domain/placeholders.ts',
    what: '0 → 1',
    line: 'if (at < 0) return',
    reason: 'A URL that begins with @ has nothing to mask, and stays as it is in both ways.',
  },
  {
    file: 'machines/domain/port.ts',
    what: '|| → &&',
    line: 'if (before === undefined || socket === undefined)',
    reason: 'Both are parts of one match: they are missing together.',
  },
  {
    file: 'machines/domain/protection.ts',
    what: '1_000 → 2000',
    line: 'export const mostProtected',
    reason: 'Only the number of the limit: its test fills the list up to whatever it is.',
  },
  {
    file: 'machines/domain/serials.ts',
    what: '16 → 32',
    line: 'Number.parseInt(digit, 16)',
    reason: 'One hexadecimal digit has the same value with both bases.',
  },
  {
    file: 'machines/domain/serials.ts',
    what: '0 → 1',
    line: 'digit - (digits[at] ?? 0)',
    reason: 'There is a digit before each step.',
  },
  {
    file: 'machines/domain/simulation.ts',
    what: '1 → 2',
    line: 'const camera = names[Math.floor(random(',
    reason: 'Other random numbers, but the same ones for the same seed.',
  },
  {
    file: 'machines/domain/simulation.ts',
    what: '0xc2b2ae35 → 6532979818',
    line: 'hash = Math.imul(hash ^ (hash >>> 13),',
    reason: 'Other random numbers, but the same ones for the same seed.',
  },
]

export const lineOf = ({ file, line }: Mutant): string => readFileSync(file, 'utf8').split('\n')[line - 1]?.trim() ?? ''

export const equivalentOf = (mutant: Mutant): Equivalent | undefined =>
  equivalents.find(
    ({ file, what, line }) => file === mutant.file && what === mutant.what && lineOf(mutant).includes(line),
  )
