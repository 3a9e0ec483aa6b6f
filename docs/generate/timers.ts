/** Timers, loops and retries that are in no statechart, with the reason. A test finds those that are missing. */
export const timers: readonly { reason: string; files: readonly string[] }[] = [
  { reason: 'The clock of the statecharts', files: ['actors/patientClock.ts'] },
  {
    reason: 'The time limit of one call, connection or process. Its result is an event, and a machine decides',
    files: [
      'actors/effects/recording.ts',
      'actors/effects/time.ts',
      'adapters/ffmpeg/grabStream.ts',
      'adapters/ffmpeg/run.ts',
      'adapters/mediamtx/authServer.ts',
      'adapters/mediamtx/child.ts',
      'adapters/mediamtx/download.ts',
      'adapters/mediamtx/exchangeNear.ts',
      'adapters/mediamtx/findServer.ts',
      'adapters/mediamtx/orphans.ts',
      'adapters/rtsp/session.ts',
      'adapters/wait.ts',
      'rpc/inTime.ts',
    ],
  },
  {
    reason: 'One question that may need several attempts, within the time limit of its effect or state',
    files: [
      'adapters/mediamtx/external.ts',
      'adapters/mediamtx/mediaServer.ts',
      'adapters/mediamtx/serverProcess.ts',
      'adapters/usb/probe.ts',
    ],
  },
  {
    reason: 'Collects what happens often, and writes or reports it once. A write that fails is repeated',
    files: [
      'adapters/audit/auditLog.ts',
      'adapters/audit/repeats.ts',
      'adapters/data/sharedFile.ts',
      'adapters/files/fileBook.ts',
      'adapters/journal/journal.ts',
      'adapters/keys/apiKeys.ts',
      'adapters/log/repeat.ts',
      'adapters/usb/devices.ts',
    ],
  },
  {
    reason: 'Looks again and again at something that does not report its changes. A change is an event',
    files: [
      'adapters/files/listedAhead.ts',
      'adapters/files/segments.ts',
      'adapters/files/watchFolder.ts',
      'adapters/host/sampler.ts',
      'adapters/tokens/jwks.ts',
      'rpc/tls.ts',
    ],
  },
  {
    reason: 'Belongs to one connection: it is kept alive, or closed when it is too slow or its credential has ended',
    files: [
      'adapters/rtsp/serverRequests.ts',
      'adapters/rtsp/video.ts',
      'rpc/connection.ts',
      'rpc/http/caller.ts',
      'rpc/http/files.ts',
      'rpc/http/inspect.ts',
      'rpc/http/stills.ts',
      'rpc/listeners.ts',
      'rpc/sessions.ts',
    ],
  },
  {
    reason: 'A pause between two changes of a path, which the media server would otherwise confuse',
    files: ['adapters/mediamtx/paths.ts'],
  },
  {
    reason: 'The log works before the actors start and after they end',
    files: ['adapters/log/log.ts', 'adapters/log/logFolder.ts'],
  },
  {
    reason: 'Gives the machines their timers: the clock of the statecharts, when a run is recorded',
    files: ['actors/trace/driver.ts'],
  },
]
