import type { Configuration } from '../config/schema.js'
import { hostInUrl, reachable } from '../machines/domain/address.js'
import { causeOf } from './client/causes.js'
import { type CommandOf, UsageError } from './line/command.js'
import { CommandError, type Outcome, unavailable } from './outcome.js'

/** How long the service may take to answer (ms): less than the 5 s that probes of containers usually allow. */
const patience = 3_000

/**
 * `health`: asks the health port of the service on this host; one line. The exit status is 0 or 1, or 69 if nobody
 * answers there.
 */
export async function health(
  { http_health: port }: Configuration,
  { live, json }: Pick<CommandOf<'health'>, 'live' | 'json'>,
  limit = patience,
): Promise<Outcome> {
  if (!port.enabled) throw new UsageError('http_health.enabled is false: there is no health port to ask')
  if (port.port === 0) throw new UsageError('http_health.port is 0: the port of the running service is not known')
  const url = `http://${hostInUrl(reachable(port.host))}:${port.port}/health/${live ? 'live' : 'ready'}`
  const { status, text } = await answerOf(url, limit)
  if (status === 403)
    throw new CommandError(`the service answers, but not to this host: add it to http_health.allowed_ips`, 1)
  const answer = objectOf(text)
  const good = answer?.[live ? 'alive' : 'ready']
  if (typeof good !== 'boolean')
    throw new CommandError(`another program answers at ${url}: is http_health.port that of the service?`, unavailable)
  const line = `the service is ${good ? '' : 'not '}${live ? 'alive' : 'ready'}`
  const why = good || typeof answer?.message !== 'string' ? '' : `: ${answer.message}`
  return { status: good ? 0 : 1, out: json ? JSON.stringify(answer) : line + why }
}

async function answerOf(url: string, limit: number): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(limit), redirect: 'manual' })
    return { status: response.status, text: await response.text() }
  } catch (error) {
    const { what, todo } = causeOf(error, url)
    throw new CommandError(`the service does not answer at ${url}: ${what}; ${todo}`, unavailable)
  }
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}
