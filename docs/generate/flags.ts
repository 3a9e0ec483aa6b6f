/** Flags and counts that are in no statechart, with the reason. A test finds each `let x = true` that is missing. */
export const flags: readonly { reason: string; files: readonly string[] }[] = [
  {
    reason: 'Where the reading of a text, a file or a packet is; it ends with it',
    files: [
      'adapters/audit/recover.ts',
      'adapters/ffmpeg/jpeg.ts',
      'adapters/files/mp4.ts',
      'adapters/mediamtx/mediaSessions.ts',
      'adapters/rtsp/depacketiser.ts',
      'adapters/rtsp/message.ts',
      'adapters/rtsp/sps.ts',
    ],
  },
  {
    reason: 'Belongs to one call, process or connection, and ends with it',
    files: [
      'actors/effects/configuration.ts',
      'adapters/mediamtx/exchangeFar.ts',
      'adapters/mediamtx/findServer.ts',
      'adapters/mediamtx/serverProcess.ts',
      'adapters/rtsp/reader.ts',
      'adapters/rtsp/session.ts',
      'rpc/admission.ts',
      'rpc/connection.ts',
    ],
  },
  {
    reason: 'The part is closed: what still arrives is ignored',
    files: [
      'adapters/audit/auditLog.ts',
      'adapters/data/directory.ts',
      'adapters/files/listedAhead.ts',
      'adapters/journal/journal.ts',
      'rpc/http/inspect.ts',
      'rpc/server.ts',
    ],
  },
  {
    reason: 'A read or a write is due, or in progress',
    files: ['adapters/configuration/file.ts', 'adapters/data/gaps.ts', 'adapters/ffmpeg/sizeReader.ts'],
  },
  {
    reason: 'A fault is logged once, or a line is left out',
    files: ['adapters/log/log.ts', 'adapters/log/logFolder.ts', 'adapters/systemd/notify.ts'],
  },
  {
    reason: 'What a state file holds, which is read and written as a whole; a machine decides by it',
    files: ['adapters/data/protection.ts'],
  },
  {
    reason: 'Counts what comes in a row. The result is an event: a machine opens the circuit breaker',
    files: ['adapters/mediamtx/breaker.ts'],
  },
  {
    reason: 'The allowance of one address or user. A client that has none left gets the time in its reply',
    files: ['rpc/rateLimits.ts'],
  },
  { reason: 'A metric that lies between two facts', files: ['rpc/metrics.ts'] },
  {
    reason: 'The record of a run, which is written and read beside the machines',
    files: ['actors/trace/driver.ts', 'actors/trace/trace.ts'],
  },
]
