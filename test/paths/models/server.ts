import { clockWatchMachine } from '../../../machines/clockWatch.js'
import type { MediaSession } from '../../../machines/domain/access.js'
import { neverExpires } from '../../../machines/domain/access.js'
import type { Drift } from '../../../machines/domain/drift.js'
import { type Admission, afterQuestion, type Kick, type Readers } from '../../../machines/domain/mediaReaders.js'
import type { ServerChoice } from '../../../machines/domain/ports.js'
import { because } from '../../../machines/domain/reason.js'
import { mediamtxLinkMachine } from '../../../machines/mediamtxLink.js'
import { mediaSessionsMachine } from '../../../machines/mediaSessions.js'
import { pathWatchMachine } from '../../../machines/pathWatch.js'
import { serverProcessMachine } from '../../../machines/serverProcess.js'
import { model, type Outcome } from '../model.js'
import { ann, camera, crashes, fails, resolves, sends } from './examples.js'

const chosen = (kind: ServerChoice['kind']): Outcome => ({ done: { kind, why: 'it was found' } satisfies ServerChoice })

const serverProcess = model(serverProcessMachine, {
  starts: { start: undefined },
  events: [{ type: 'server.silent' }, { type: 'server.answers' }, { type: 'server.end' }],
  effects: {
    chooseServer: [chosen('embedded'), chosen('external'), fails('program_missing')],
    runServer: [sends('server.started', { pid: 1 }), sends('server.exited', { reason: 'it ended with status 1' })],
    endServer: [resolves, crashes],
    killServer: [resolves, crashes],
  },
  ends: [{ type: 'server.end' }],
  bound: 300,
})

const one = { done: { version: '1.19.3', started: 'monday' } }
const other = { done: { version: '1.19.3', started: 'tuesday' } }

const mediamtxLink = model(mediamtxLinkMachine, {
  starts: { start: { seed: 1, resetAfter: 30_000 } },
  events: [
    { type: 'link.check' },
    { type: 'server.ended', reason: because('server_ended', 'it was killed') },
    { type: 'server.runs' },
  ],
  effects: {
    askInfo: [one, other, fails('server_unreachable')],
    syncPaths: [{ done: 2 }, fails('server_unreachable')],
    tryCall: [one, fails('server_unreachable')],
    pauseCalls: [],
    watchBreaker: [sends('breaker.opened')],
    pathWatch: [sends('paths.agreed'), sends('paths.contested', { reason: because('path_changed') }), crashes],
  },
  // The verdict stays while no watch runs.
  rests: ['up.verdict'],
  bound: 600,
})

const removed: Drift = { camera, differs: [], inUse: false }
const renamed: Drift = { camera, differs: ['source'], inUse: true }
const harmless: Drift = { camera, differs: ['runOnDemandCloseAfter'], inUse: true }
const compared = (at: number, drifts: Drift[]): Outcome => ({ done: { at, drifts } })

const pathWatch = model(pathWatchMachine, {
  starts: { start: { isContested: false }, 'after a crash': { isContested: true } },
  events: [],
  effects: {
    findDrift: [
      compared(0, []),
      compared(1_000, [removed]),
      compared(2_000, [renamed]),
      compared(3_000, [harmless]),
      compared(900_000, [removed]),
      fails('server_unreachable'),
    ],
    repairPaths: [resolves, fails('server_unreachable')],
  },
  bound: 800,
})

const sessionOf = (number: number): MediaSession => ({
  id: `session${number}`,
  protocol: 'rtsp',
  camera,
  user: ann.user,
  address: '10.0.0.5',
  since: 1,
  expiresAt: number === 0 ? neverExpires : 1_000,
})
const admission = (number: number, at: number): Admission => ({
  session: sessionOf(number),
  at,
  endsAt: number === 0 ? Number.POSITIVE_INFINITY : 1_000,
})
const many = Array.from({ length: 20 }, (_, index) => index + 1)
const crowd = many.reduce<Readers>((readers, number) => afterQuestion(readers, admission(number, 0)), [])
const kickOf = (number: number): Kick => ({
  key: `session${number} ${camera} `,
  session: sessionOf(number),
  query: undefined,
  reason: 'token_expired',
  request: undefined,
})
const listed = (at: number, numbers: readonly number[]): Outcome => ({
  done: { at, sessions: numbers.map((number) => ({ id: `session${number}`, connections: [] })) },
})

const mediaSessions = model(mediaSessionsMachine, {
  starts: { start: { startLimit: 20_000 }, 'after a crash': { startLimit: 20_000, readers: crowd } },
  events: [
    { type: 'reader.admit', ...admission(0, 10) },
    { type: 'reader.admit', ...admission(1, 10) },
    { type: 'readers.end', keys: [kickOf(0).key, kickOf(1).key], reason: 'revoked', request: '1', at: 20 },
    { type: 'readers.check' },
    { type: 'clock.set', at: 30, wall: 500 },
  ],
  effects: {
    kickReaders: ({ context }) =>
      // The effect reports each kick once.
      context.kicking === 0
        ? []
        : (['ended', 'absent', 'failed'] as const).flatMap((outcome) =>
            [0, 1, 2].map((number) => sends('kick.done', { kick: kickOf(number), outcome, at: 40 })),
          ),
    waitUntil: [{ done: { at: 1_000 } }],
    listSessions: [listed(90_000, []), listed(50, [0, 1]), fails('server_unreachable')],
  },
  rests: ['kicks.idle', 'kicks.busy', 'presence.empty'],
  bound: 12_000,
})

const clockWatch = model(clockWatchMachine, {
  starts: { start: undefined },
  events: [],
  effects: {
    readClock: [
      { done: { wall: 1_000_000, monotonic: 1_000, change: { from: 1_000_000, to: 1_000_000, by: 0 } } },
      { done: { wall: 9_000_000, monotonic: 1_000, change: { from: 1_000_000, to: 9_000_000, by: 8_000_000 } } },
      crashes,
    ],
  },
  bound: 200,
})

export const server = [serverProcess, mediamtxLink, pathWatch, mediaSessions, clockWatch]
