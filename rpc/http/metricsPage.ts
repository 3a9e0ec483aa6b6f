import type { Metric as PromMetric } from 'prom-client'
import type { StateTime } from '../../machines/domain/journal.js'
import type { MediaFiles, MediaServer, StreamState } from '../../machines/domain/ports.js'
import { inTime } from '../inTime.js'
import type { CountedMetrics } from '../metrics.js'
import type { RpcOptions } from '../options.js'
import { type Metric, metricsTable, type Sample } from './metricsTable.js'

export interface MetricsOptions extends Pick<RpcOptions, 'directory' | 'about' | 'clock' | 'log'> {
  metrics: Pick<CountedMetrics, 'counts'>
  mediaServer: Pick<MediaServer, 'streams'>
  files: Pick<MediaFiles, 'sizes'>
  stateTimes: () => readonly StateTime[]
  /** Number of open WebSockets. */
  sockets: () => { authenticated: number; unauthenticated: number }
  /** ms that a scrape waits for the media server and the disk; default 2 s. */
  patience?: number
}

export interface MetricsText {
  contentType: string
  text: string
}

/** Counting files reads every folder, so it is done this rarely (ms). */
const countFilesEvery = 30_000

/** One value as prom-client writes it. */
const lineOf = ({ name, labels }: Metric, [values, value, suffix]: ReturnType<Metric['values']>[number]) => ({
  metricName: suffix === undefined ? name : `${name}_${suffix}`,
  labels: Object.fromEntries(values.map((text, index) => [labels[index] ?? 'le', text])),
  value,
})

/** Writes a sample. prom-client only formats: its own counters would start to count when it is loaded. */
const textOf = async (sample: Sample): Promise<MetricsText> => {
  // The bundle has only the default export of a CommonJS package.
  const { Registry } = (await import('prom-client')).default
  const registry = new Registry()
  for (const metric of metricsTable) {
    const { name, help, type } = metric
    const get = async () => ({ name, help, type, values: metric.values(sample).map((value) => lineOf(metric, value)) })
    registry.registerMetric({ name, get } as unknown as PromMetric)
  }
  return { contentType: registry.contentType, text: await registry.metrics() }
}

/**
 * The page that Prometheus scrapes. prom-client is loaded with the first scrape, so that a service without Prometheus
 * needs less memory. A scrape waits at most `patience` ms for the media server and the disk, and shows their last
 * answers otherwise. Scrapes at the same time share one text.
 */
export const createMetricsPage = ({
  metrics,
  directory,
  mediaServer,
  files,
  sockets,
  stateTimes,
  about,
  clock,
  log,
  patience = 2_000,
}: MetricsOptions) => {
  let underway: Promise<MetricsText> | undefined
  let states: StreamState[] = []
  let sizes: { at: number; of: Record<'recordings' | 'snapshots', number> } | undefined
  let counting: Promise<unknown> | undefined

  const countFiles = async () => {
    if (sizes !== undefined && clock.monotonic() - sizes.at < countFilesEvery) return
    counting ??= files
      .sizes()
      .then((of) => {
        sizes = { at: clock.monotonic(), of }
      })
      .catch((error: unknown) => log.warn('the files could not be counted', { error }))
      .finally(() => {
        counting = undefined
      })
    await inTime(patience, async () => counting)
  }

  const take = async (): Promise<Sample> => {
    const [fresh] = await Promise.all([inTime(patience, (signal) => mediaServer.streams(signal)), countFiles()])
    if (fresh !== undefined) states = fresh
    const { user, system } = process.cpuUsage()
    return {
      about,
      cameras: directory.cameras(),
      link: directory.link(),
      storage: directory.storage(),
      system: directory.system(),
      counts: metrics.counts(),
      streams: { states, stale: fresh === undefined },
      stateTimes: stateTimes(),
      sockets: sockets(),
      process: { residentBytes: process.memoryUsage.rss(), cpuSeconds: (user + system) / 1e6 },
      ...(sizes && { files: sizes.of }),
    }
  }

  return (): Promise<MetricsText> => {
    underway ??= take()
      .then(textOf)
      .finally(() => {
        underway = undefined
      })
    return underway
  }
}
