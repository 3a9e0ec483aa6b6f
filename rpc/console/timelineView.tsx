import type { Camera } from '../client/index.js'
import { durationText, timeText } from './format.js'
import { changesOf, readHistory } from './history.js'
import { useLoaded, useNow, useSession } from './hooks.js'
import { Card, Pending } from './parts.js'
import { hoursIn, type Row, type Span, timelineOf } from './timeline.js'

const day = 86_400_000
const names: Record<Row, string> = {
  connected: 'Connected',
  streaming: 'Streaming',
  recording: 'Recording',
  gap: 'Gaps',
}

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
      return entries === 'off' ? entries : changesOf(entries)
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
  const timeline = data && timelineOf(id, data, window, isOn)
  const share = (at: number) => ((at - window.from) / day) * 100
  return (
    <Card title="Last 24 hours">
      <Pending data={data} {...(error !== undefined && { error })} reload={reload} />
      {timeline && (
        <div class="timeline">
          {(Object.keys(names) as Row[]).map((row) => (
            <div key={row} class="timeline-row">
              <span class="timeline-name">{names[row]}</span>
              <div class={`track ${row}`} role="img" aria-label={spansText(names[row], timeline[row], now)}>
                {timeline[row].map(({ from, to }) => (
                  <span
                    key={from}
                    title={`${timeText(from, now)} to ${timeText(to, now)}, ${durationText(to - from)}`}
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
      )}
    </Card>
  )
}

/** The row for a screen reader. */
const spansText = (name: string, spans: readonly Span[], now: number): string => {
  if (spans.length === 0) return `${name}: not in the last 24 hours`
  const total = spans.reduce((sum, { from, to }) => sum + to - from, 0)
  const last = spans.at(-1)
  const until = last === undefined || last.to >= now ? 'now' : timeText(last.to, now)
  const often = spans.length === 1 ? 'once' : `${spans.length} times`
  return `${name}: ${durationText(total)} in all, ${often}, until ${until}`
}
