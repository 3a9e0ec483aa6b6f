import type { Limit } from './judge.js'

export interface Goal {
  what: string
  /** Name in the figures. */
  figure: string
  limit: Limit
  /** If missed: what limits it, and what was tried. */
  limitedBy?: string
}

const both = (goal: Omit<Goal, 'figure'>, figure: (kind: string) => string): Goal[] =>
  ['embedded', 'managed'].map((kind) => ({ ...goal, what: `${goal.what}, ${kind}`, figure: figure(kind) }))

const start =
  'A bare Node takes a seventh of the processor time; most of the rest loads typebox, xstate and the charts from the code ' +
  'cache. On a busy machine, all other processes come on top of it. Tried: other settings of the collector during the ' +
  'start (no difference), a start-up snapshot (no modules in it), see decision 0026. What is left on the main thread: ' +
  'collections 56 ms, the code of V8 34 ms, starting processes 40 ms.'
const encode =
  'ffmpeg alone takes nearly as long (first row of the latencies): its start and the first frame of the encoder.'
const requests =
  'Checks, schemas and metrics of each request. Compare the processor time: at many connections the one thread of all ' +
  'clients limits both servers. Tried and kept: results serialised once for each caller, ids and metadata as text, ' +
  'checks compiled at their first use. In a profile of get_camera_status the largest parts are the write to the socket ' +
  '(27 %), the look-up (11 %), collections and reading the request (8 % each).'

export const goals: Goal[] = [
  {
    what: 'ping, 100 connections, share of the echo',
    figure: 'ping, 100 connections: rate / echo',
    limit: { least: 0.9 },
    limitedBy: requests,
  },
  ...['get_camera_status', 'take_snapshot, live'].map((name) => ({
    what: `with the journal, share of without: ${name}`,
    figure: `journal, ${name}: rate with / without`,
    limit: { least: 0.95 },
  })),
  {
    what: 'get_camera_list of 16 cameras, 100 connections, share of the echo',
    figure: 'get_camera_list, 100 connections: rate / echo',
    limit: { least: 0.75 },
    limitedBy: requests,
  },
  {
    what: 'get_camera_status, 100 connections, share of the echo',
    figure: 'get_camera_status, 100 connections: rate / echo',
    limit: { least: 0.75 },
    limitedBy: requests,
  },
  {
    what: 'get_camera_list, one at a time, p99 (ms)',
    figure: 'get_camera_list, one at a time: p99 ms',
    limit: { most: 2 },
  },
  {
    what: 'one fact to 1,000 subscribers, p99 as a share of a bare ws server',
    figure: 'fan-out, 1000 subscribers: p99 / bare ws',
    limit: { most: 1 },
  },
  { what: 'one fact to 1,000 subscribers, p99 (ms)', figure: 'fan-out, 1000 subscribers: p99 ms', limit: { most: 20 } },
  { what: 'start (ms), embedded', figure: 'start, embedded: ms', limit: { most: 500 }, limitedBy: start },
  { what: 'start (ms), managed', figure: 'start, managed: ms', limit: { most: 800 }, limitedBy: start },
  ...both(
    { what: 'CPU of the start, times a bare Node', limit: { most: 3 }, limitedBy: start },
    (kind) => `start, ${kind}: CPU / bare Node`,
  ),
  ...both({ what: 'snapshot, live (ms)', limit: { most: 15 } }, (kind) => `snapshot live, ${kind}: ms`),
  ...both(
    { what: 'snapshot, asleep (ms)', limit: { most: 150 }, limitedBy: encode },
    (kind) => `snapshot asleep, ${kind}: ms`,
  ),
  ...both(
    {
      what: 'snapshot, max_age 0, median in keyframe intervals',
      limit: { most: 0.5 },
      limitedBy: 'Half an interval passes on average until the next keyframe; its decoding comes on top.',
    },
    (kind) => `snapshot max_age 0, ${kind}: time / GOP`,
  ),
  ...both(
    {
      what: 'start_recording, asleep (ms)',
      limit: { most: 400 },
      limitedBy: 'The start of ffmpeg and x264, then the first part of 200 ms.',
    },
    (kind) => `start_recording asleep, ${kind}: ms`,
  ),
  ...both(
    {
      what: 'start_recording, live, median in keyframe intervals',
      limit: { most: 0.65 },
      limitedBy:
        'A file begins with a keyframe: half an interval on average. MediaMTX writes a part when it is whole, 200 ms ' +
        'later, and the service answers 20 to 50 ms after these first bytes (eight recordings, each watched).',
    },
    (kind) => `start_recording live, ${kind}: time / GOP`,
  ),
  ...both(
    { what: 'start_recording, live, worst (ms)', limit: { most: 1_300 } },
    (kind) => `start_recording live, ${kind}: worst ms`,
  ),
  ...both({ what: 'stop_recording, final (ms)', limit: { most: 300 } }, (kind) => `stop_recording, ${kind}: ms`),
  ...both(
    { what: 'media server back to 16 paths (ms)', limit: { most: 1_000 } },
    (kind) => `media server back, ${kind}: ms to the paths`,
  ),
  ...both(
    {
      what: 'media server back to 4 recordings (ms)',
      limit: { most: 2_000 },
      limitedBy: 'Four pipelines of 720p30 start at once and share the processors with everything else.',
    },
    (kind) => `media server back, ${kind}: ms to the recordings`,
  ),
  {
    what: 'idle, 16 cameras, MediaMTX (% of a core)',
    figure: 'idle, 16 cameras, managed: % of a core',
    limit: { most: 0.5 },
    limitedBy:
      'The media server is asked every second, and asks this service whether it may answer. JavaScript takes about ' +
      '0.8 %; the rest (0.5 to 2 % in runs of one day) are some 18 wake-ups a second, which cost most on a host that ' +
      'does nothing else. Tried: other settings of the collector (no difference). Asked every 30 s it would be 0.3 % less, but the times in which a ' +
      'hang is noticed (reliability.md) need the second.',
  },
  {
    what: 'one live stream, MediaMTX (% of a core)',
    figure: 'one live stream, managed: % of a core',
    limit: { most: 2 },
    limitedBy: 'The same as at rest.',
  },
  {
    what: 'memory at rest, one camera (MB)',
    figure: 'memory, 1 cameras, embedded: MB',
    limit: { most: 60 },
    limitedBy:
      'Objects of charts and schemas, the text of the program, and the compiler. Decision 0026 lists what was tried, ' +
      'with the figures.',
  },
  {
    what: 'memory at rest, ten cameras (MB)',
    figure: 'memory, 10 cameras, embedded: MB',
    limit: { most: 66 },
    limitedBy: 'As with one camera.',
  },
  {
    what: 'one of 1,000 cameras (KB)',
    figure: 'one of 1,000 cameras: KB',
    limit: { most: 60 },
    limitedBy:
      'The client of this measurement, which asks for the list of 1,000 cameras (1 MB) until all are connected: without ' +
      'a client during the start it is 56 KB.',
  },
  {
    what: 'one of 10,000 idle connections (KB)',
    figure: 'idle connection: KB',
    limit: { most: 12 },
    limitedBy:
      'A connection of a bare ws server takes 9 KB (3,000 of them, same host). The rest: session, caller, rate limits, ' +
      'and the space for young objects, which grows while the connections come.',
  },
  { what: 'a page of 100,000 recordings (ms)', figure: 'recordings listed, 100,000: ms', limit: { most: 5 } },
]
