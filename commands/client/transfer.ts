import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import got, { HTTPError, type OptionsInit } from 'got'
import { bytesText } from '../../machines/domain/amounts.js'
import { reasonOf } from '../../machines/domain/errors.js'
import { CommandError, interrupted, unavailable } from '../outcome.js'
import { causeOf } from './causes.js'
import type { ClientPorts } from './open.js'
import { faultOfPlace, openSaved } from './saved.js'
import { httpRefusal, type Service } from './service.js'

type CreateConnection = OptionsInit['createConnection']

/** A download that sends nothing for so long (ms) has failed. */
const patience = 30_000
/** Progress is shown this often (ms). */
const every = 200

type TransferPorts = Pick<ClientPorts, 'screen' | 'signal' | 'clock' | 'output'>

/**
 * Downloads a file of a service; `to`: a path, or `-` for standard output. Resolves with its bytes. A download that
 * fails leaves no file; an existing one is only replaced with `force`. Rejects with CommandError.
 */
export async function transfer(
  { url, tls }: Pick<Service, 'url' | 'tls'>,
  file: { path: string; name: string; to: string; force?: boolean },
  ports: TransferPorts,
): Promise<number> {
  const { screen, signal, clock } = ports
  const address = new URL(file.path, url.replace(/^ws/, 'http'))
  // Before the request: its error must find the pipeline in place.
  const target = await openSaved(file.to, { force: file.force ?? false, output: ports.output })
  // The URL is signed for this file: it needs no token. A retry would start again from the beginning.
  const source = got.stream(address, {
    ...(tls.ca !== undefined && { https: { certificateAuthority: tls.ca } }),
    ...(tls.createConnection && { createConnection: tls.createConnection as unknown as CreateConnection }),
    retry: { limit: 0 },
    timeout: { connect: 10_000, response: patience, socket: patience },
    decompress: false,
    followRedirect: false,
  })
  let done = 0
  let total: number | undefined
  let shownAt = Number.NEGATIVE_INFINITY
  source.on('response', ({ headers }) => {
    const length = Number(headers['content-length'])
    total = Number.isFinite(length) ? length : undefined
  })
  const count = new Transform({
    transform: (chunk: Buffer, _encoding, next) => {
      done += chunk.length
      const now = clock.monotonic()
      if (now - shownAt >= every) {
        shownAt = now
        screen.progress?.(progressText(file.name, done, total))
      }
      next(null, chunk)
    },
  })
  try {
    // Standard output stays open for the process.
    await pipeline(source, count, target.stream, { signal, end: file.to !== '-' })
    await target.keep()
    return done
  } catch (error) {
    await target.drop()
    throw faultOf(error, { signal, address, done })
  } finally {
    screen.progress?.('')
  }
}

function progressText(name: string, done: number, total: number | undefined): string {
  if (total === undefined || total === 0) return `${name}: ${bytesText(done)}`
  return `${name}: ${bytesText(done)} of ${bytesText(total)} (${Math.floor((100 * done) / total)} %)`
}

function faultOf(
  error: unknown,
  { signal, address, done }: { signal: AbortSignal; address: URL; done: number },
): CommandError {
  if (error instanceof CommandError) return error
  if (signal.aborted) return new CommandError('interrupted: nothing was saved', interrupted)
  if (error instanceof HTTPError) {
    const { statusCode, rawBody } = error.response
    const { status, err = '' } = httpRefusal(statusCode, rawBody?.toString() ?? '')
    return new CommandError(err.replace('camera-service: ', ''), status)
  }
  const fault = faultOfPlace(error)
  if (fault !== undefined) return fault
  if (done > 0) return new CommandError(`the download has failed: ${reasonOf(error)}; try again`, unavailable)
  const { what, todo } = causeOf(error, address.href)
  return new CommandError(`the download has failed: ${what}; ${todo}`, unavailable)
}
