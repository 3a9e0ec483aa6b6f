import type { Camera } from '../client/index.js'
import { durationText, timeText } from './format.js'
import { changesOf, outagesOf, readHistory } from './history.js'
import { useLoaded, useNow, useSession } from './hooks.js'
import { Card, Pending, Table } from './parts.js'
import { hoursIn, type Row, type Span, timelineOf } from './timeline.js'

const day = 86_400_000
const names: Record<Row, string> = {
  connected: 'Connected',
  streaming: 'Streaming',
  recording: 'Recording',
  gap: 'Gaps',
}

/** A row as it is drawn: its class, its name and its spans. */
type Line = [style: string, name: string, spans: readonly Span[]]

/** Percent of the track: what is shorter would not be seen. */
const narrowest = 0.3

/** The last 24 hours of a camera. */
export const TimelineCard = ({ camera }: { camera: Camera }) => {
  const { client } = useSession()
  const now = useNow(30_000)
  const { id, state, recording, stream_state: stream } = camera
  const { data, error, reload } = useLoaded(
    async () => {
      const since = new Date(Date.now() - day).toISOString()
      const entries = await readHistory(client, { device: id, since, limit: 1_000 })
      // What was the case before them.
      const earlier = await readHistory(client, { device: id, until: since, limit: 50 })
      const runs = await readHistory(client, { actor: 'service', since, limit: 200 })
      if (entries === 'off' || earlier === 'off' || runs === 'off') return 'off'
      return { changes: changesOf([...entries, ...earlier]), outages: outagesOf(runs) }
    },
    `${id} ${state} ${stream} ${recording?.status ?? ''}`,
    60_000,
  )
  if (data === 'off')
    return (
      <Card title="Last 24 hours">
        <p class="quiet">History is off: this service keeps no record of what happened.</p>
      </Card>
    )
  const window: Span = { from: now - day, to: now }
  const isOn = {
    connected: camera.status === 'CONNECTED',
    streaming: stream === 'ACTIVE',
    recording: recording?.growing ?? false,
    gap: recording?.status === 'INTERRUPTED',
  }
  const { changes, outages } = data ?? { changes: [], outages: [] }
  const timeline = timelineOf(id, changes, window, isOn, outages)
  const off = outages.filter(({ to }) => to > window.from)
  const rows: Line[] = (Object.keys(names) as Row[]).map((row) => [row, names[row], timeline[row]])
  if (off.length > 0) rows.push(['off', 'Service off', off])
  const share = (at: number) => (Math.max(0, at - window.from) / day) * 100
  return (
    <Card title="Last 24 hours">
      <Pending data={data} {...(error !== undefined && { error })} reload={reload} />
      {data !== undefined && (
        <>
          <div class="timeline">
            {rows.map(([row, name, spans]) => (
              <div key={row} class="timeline-row">
                <span class="timeline-name">{name}</span>
                <div class={`track ${row}`} role="img" aria-label={spansText(name, spans, now)}>
                  {spans.map(({ from, to }) => (
                    <span
                      key={from}
                      title={spanText({ from, to }, now)}
                      style={{
                        left: `${Math.min(100 - narrowest, share(from))}%`,
                        width: `${Math.max(narrowest, share(to) - share(from))}%`,
                      }}
                    />
                  ))}
                </div>
              </div>
            ))}
            <div class="timeline-row" aria-hidden="true">
              <span class="timeline-name" />
              <div class="scale">
                {hoursIn(window, 3).map((at) => (
                  <span key={at} style={{ left: `${share(at)}%` }}>
                    {String(new Date(at).getHours()).padStart(2, '0')}
                  </span>
                ))}
              </div>
            </div>
          </div>
          <details>
            <summary>Times</summary>
            <Table
              name="Times of the last 24 hours"
              head={['From', 'To', 'What', 'How long']}
              rows={timesOf(rows, now)}
            />
          </details>
        </>
      )}
    </Card>
  )
}

/** Newest first. A page of a camera that flaps stays short. */
const timesOf = (rows: readonly Line[], now: number): string[][] =>
  rows
    .flatMap(([, name, spans]) => spans.map((span) => ({ name, ...span })))
    .sort((one, other) => other.from - one.from)
    .slice(0, 200)
    .map(({ name, from, to }) => [timeText(from, now), endText(to, now), name, durationText(to - from)])

const endText = (to: number, now: number): string => (to >= now ? 'now' : timeText(to, now))
const spanText = ({ from, to }: Span, now: number): string =>
  `${timeText(from, now)} to ${endText(to, now)}, ${durationText(to - from)}`

/** The row for a screen reader. */
const spansText = (name: string, spans: readonly Span[], now: number): string => {
  if (spans.length === 0) return `${name}: not in the last 24 hours`
  const total = spans.reduce((sum, { from, to }) => sum + to - from, 0)
  const last = spans.at(-1)
  const until = last === undefined ? 'now' : endText(last.to, now)
  const often = spans.length === 1 ? 'once' : `${spans.length} times`
  return `${name}: ${durationText(total)} in all, ${often}, until ${until}`
}
