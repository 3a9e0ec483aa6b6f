import type { Metric, Registry } from 'prom-client'
import type { Directory } from '../../actors/directory.js'
import type { Clock, Log, MediaFiles, MediaServer, StreamState } from '../../machines/domain/ports.js'
import { bounds, type Counting, type Durations } from '../metrics.js'
import type { About } from '../options.js'
import { type Family, families, type Sample } from './metricFamilies.js'

export interface MetricsOptions {
  metrics: Pick<Counting, 'counts'>
  directory: Directory
  mediaServer: Pick<MediaServer, 'streams'>
  files: Pick<MediaFiles, 'sizes'>
  /** Open WebSockets. */
  sockets: () => { authenticated: number; unauthenticated: number }
  about: About
  clock: Clock
  log: Log
  /** ms that a scrape waits for others; default 2 s. */
  patience?: number
}

export interface MetricsText {
  contentType: string
  text: string
}

/** Counting files walks the folders. */
const countFilesEvery = 30_000

/** `undefined` when it takes too long or fails; `signal` is aborted then. */
const inTime = async <T>(patience: number, begin: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> => {
  const limit = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      limit.abort(new Error('too late for this scrape'))
      resolve(undefined)
    }, patience)
  })
  try {
    return await Promise.race([
      Promise.resolve(limit.signal)
        .then(begin)
        .catch(() => undefined),
      late,
    ])
  } finally {
    clearTimeout(timer)
  }
}

/** A histogram's lines as prom-client wants them: cumulated, with sum and count. */
const linesOf = (name: string, [labels, { classes, sum }]: [Record<string, string>, Durations]) => {
  let count = 0
  const buckets = classes.map((size, index) => {
    count += size
    return { metricName: `${name}_bucket`, labels: { ...labels, le: bounds[index] ?? '+Inf' }, value: count }
  })
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ]
}

/** Ties each family to a metric of prom-client that reads its values at each scrape. */
const createRegistry = async (present: () => Sample): Promise<Registry> => {
  // Of a CommonJS package the bundle offers the default alone.
  const { Counter, Gauge, Registry } = (await import('prom-client')).default
  const registry = new Registry()
  const add = (family: Family) => {
    const { name, help, labels: labelNames = [] } = family
    if (family.type === 'histogram') {
      const get = async () => ({
        name,
        help,
        type: 'histogram',
        values: family.durations(present()).flatMap((durations) => linesOf(name, durations)),
      })
      // Its own histogram counts by itself, from its first loading on; ours has counted from the start.
      registry.registerMetric({ name, get } as unknown as Metric)
      return
    }
    const { values, type } = family
    if (type === 'gauge') {
      new Gauge({
        name,
        help,
        labelNames,
        registers: [registry],
        collect() {
          this.reset()
          for (const [labels, value] of values(present())) this.set(labels, value)
        },
      })
    } else {
      new Counter({
        name,
        help,
        labelNames,
        registers: [registry],
        collect() {
          this.reset()
          for (const [labels, value] of values(present())) this.inc(labels, value)
        },
      })
    }
  }
  for (const family of families) add(family)
  return registry
}

/**
 * The text that Prometheus scrapes. prom-client is loaded by the first scrape, so that a service that nobody scrapes
 * stays small; what is counted does not depend on it. A scrape waits at most `patience` ms for the media server and the
 * disk, and shows what they told before. Scrapes at the same time share one text.
 */
export const createMetricsPage = ({
  metrics,
  directory,
  mediaServer,
  files,
  sockets,
  about,
  clock,
  log,
  patience = 2_000,
}: MetricsOptions) => {
  let sample: Sample | undefined
  let registry: Promise<Registry> | undefined
  let underway: Promise<MetricsText> | undefined
  let states: StreamState[] = []
  let sizes: { at: number; of: Record<'recordings' | 'snapshots', number> } | undefined
  let counting: Promise<unknown> | undefined

  const present = (): Sample => {
    if (sample === undefined) throw new Error('metrics are read without a sample')
    return sample
  }

  const countFiles = async () => {
    if (sizes !== undefined && clock.now() - sizes.at < countFilesEvery) return
    counting ??= files
      .sizes()
      .then((of) => {
        sizes = { at: clock.now(), of }
      })
      .catch((error: unknown) => log.warn('the files could not be counted', { error }))
      .finally(() => {
        counting = undefined
      })
    await inTime(patience, () => Promise.resolve(counting))
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
      sockets: sockets(),
      process: { residentBytes: process.memoryUsage.rss(), cpuSeconds: (user + system) / 1e6 },
      ...(sizes && { files: sizes.of }),
    }
  }

  const render = async (): Promise<MetricsText> => {
    registry ??= createRegistry(present)
    const metrics = await registry
    sample = await take()
    return { contentType: metrics.contentType, text: await metrics.metrics() }
  }

  return (): Promise<MetricsText> => {
    underway ??= render().finally(() => {
      underway = undefined
    })
    return underway
  }
}
