import type { ComponentChildren } from 'preact'
import { ActorsTab } from './actors.js'
import { AuditTab } from './audit.js'
import { ConfigurationTab } from './configurationTab.js'
import { bytesText, countText, durationText, wordText } from './format.js'
import { useFacts, useLoaded, useNow, useSession } from './hooks.js'
import { KeysTab } from './keys.js'
import { Badge, Bar, Card, For, Pairs, Pending, Problem, Time, type Tone } from './parts.js'
import { sentence } from './reduce.js'
import { hrefOf, type Tab, tabs } from './route.js'
import { SessionsTab } from './sessions.js'

export const SystemView = ({ tab, actor }: { tab: Tab; actor?: string }) => {
  const role = useFacts((facts) => facts.role)
  const shown = role === 'admin' ? tab : 'overview'
  return (
    <>
      <div class="view-head">
        <h1>System</h1>
      </div>
      {role === 'admin' && (
        <nav class="tabs" aria-label="System">
          {tabs.map((name) => (
            <a key={name} href={hrefOf({ view: 'system', tab: name })} aria-current={name === tab ? 'page' : undefined}>
              {wordText(name)}
            </a>
          ))}
        </nav>
      )}
      {shown !== tab && <Problem text={`${wordText(tab)} is for administrators only.`} />}
      <Panel tab={shown} {...(actor && { actor })} />
    </>
  )
}

const Panel = ({ tab, actor }: { tab: Tab; actor?: string }) => {
  switch (tab) {
    case 'sessions':
      return <SessionsTab />
    case 'keys':
      return <KeysTab />
    case 'audit':
      return <AuditTab />
    case 'configuration':
      return <ConfigurationTab />
    case 'actors':
      return <ActorsTab {...(actor && { selected: actor })} />
    default:
      return <Overview />
  }
}

const healthTones: Record<string, Tone> = { HEALTHY: 'good', DEGRADED: 'warn', UNHEALTHY: 'bad' }
const partTones: Record<string, Tone> = { RUNNING: 'good', STARTING: 'warn', STOPPING: 'warn', STOPPED: 'plain' }

const Overview = () => {
  const role = useFacts((facts) => facts.role)
  return (
    <div class="cards">
      <ServiceCard />
      <MediaServerCard />
      <DiscoveryCard />
      {role === 'admin' && <StorageCard />}
      {role === 'admin' && <HostCard />}
    </div>
  )
}

const ServiceCard = () => {
  const { client } = useSession()
  const health = useFacts((facts) => facts.health)
  const now = useNow()
  const { data, error, reload } = useLoaded(() => client.call('get_server_info'), 'info', 60_000)
  return (
    <Card
      title="Service"
      aside={health && <Badge tone={healthTones[health.status] ?? 'bad'}>{wordText(health.status)}</Badge>}
    >
      <Pending data={data} {...(error !== undefined && { error })} reload={reload} />
      {data && (
        <Pairs
          of={[
            ['Version', data.version],
            ['Built', Number.isNaN(Date.parse(data.build_date)) ? data.build_date : <Time at={data.build_date} />],
            ['Running for', health && durationText(health.uptime * 1_000 + Math.max(0, now - Date.parse(health.at)))],
            ['Node.js', `${data.node_version}, ${data.architecture}`],
          ]}
        />
      )}
    </Card>
  )
}

/** A part of the service, with its state and reason. */
const Part = ({ title, part, more = [] }: { title: string; part: Named; more?: [string, ComponentChildren][] }) => {
  const health = useFacts((facts) => facts.health)
  const state = health?.components[part]
  const cause = health?.reasons[part]
  return (
    <Card title={title} aside={state && <Badge tone={partTones[state] ?? 'bad'}>{wordText(state)}</Badge>}>
      {cause?.details && <p class="reason">{sentence(cause.details)}</p>}
      <Pairs of={more} />
    </Card>
  )
}
type Named = 'camera_monitor' | 'mediamtx'

const serverKinds = { external: 'External', managed: 'Managed by this service', embedded: 'Simulator of this service' }

const MediaServerCard = () => {
  const { client } = useSession()
  const { data } = useLoaded(() => client.call('get_server_info'), 'info', 60_000)
  const server = data?.media_server
  const link = useFacts((facts) => facts.health?.reasons.mediamtx)
  return (
    <Part
      title="Media server"
      part="mediamtx"
      more={[
        [
          'Link',
          link && (
            <>
              {wordText(link.state)} for <For at={link.since} />
            </>
          ),
        ],
        ['Kind', server && serverKinds[server.kind]],
        ['Because', server && sentence(server.why)],
        ['Version', server?.version],
        ['Protocols', data?.stream_protocols.map((name) => name.toUpperCase()).join(', ')],
      ]}
    />
  )
}

const DiscoveryCard = () => {
  const { client } = useSession()
  const { data } = useLoaded(() => client.call('get_system_status'), 'status', 15_000)
  const modes = { udev: 'Events of the kernel (udev)', devfs: 'Polling of /dev', off: 'Off' }
  return (
    <Part
      title="Camera discovery"
      part="camera_monitor"
      more={[
        ['Found by', data && modes[data.discovery_mode]],
        ['Available', data && countText(data.available_cameras.length, 'camera')],
      ]}
    />
  )
}

const storageTones: Record<string, Tone> = { ok: 'good', warning: 'warn', critical: 'bad', blind: 'bad' }

const StorageCard = () => {
  const { client } = useSession()
  const { data, error, reload } = useLoaded(() => client.call('get_storage_info'), 'storage', 10_000)
  if (data === undefined)
    return (
      <Card title="Storage">
        <Pending {...(error !== undefined && { error })} reload={reload} />
      </Card>
    )
  const { forecast, retention } = data
  const left = forecast?.days_left
  const tone = storageTones[data.state] ?? 'plain'
  return (
    <Card title="Storage" aside={<Badge tone={tone}>{wordText(data.state)}</Badge>}>
      {data.details && <p class="reason">{sentence(data.details)}</p>}
      <Bar
        value={data.usage_percentage / 100}
        label={`Storage, ${Math.round(data.usage_percentage)} % used`}
        tone={tone}
      />
      <Pairs
        of={[
          ['Free', `${bytesText(data.available_space)} of ${bytesText(data.total_space)}`],
          ['Recordings', bytesText(data.recordings_size)],
          ['Snapshots', bytesText(data.snapshots_size)],
          ['Protected', data.protected_files > 0 && countText(data.protected_files, 'recording')],
          ['Quarantined', (data.quarantined_files ?? 0) > 0 && countText(data.quarantined_files ?? 0, 'file')],
          ['Forecast', forecastText(forecast?.bytes_per_day, left)],
          ['Retention', retentionText(retention)],
        ]}
      />
      {retention.suspended?.details && <p class="reason">{sentence(retention.suspended.details)}</p>}
    </Card>
  )
}

const forecastText = (perDay: number | undefined, daysLeft: number | undefined): string => {
  if (perDay === undefined) return 'Too little was recorded lately'
  const rate = `${bytesText(perDay)} per day`
  return daysLeft === undefined
    ? `${rate}, will not be full`
    : `${rate}, full in ${durationText(daysLeft * 86_400_000)}`
}

const retentionText = ({ enabled, policy_type }: { enabled: boolean; policy_type: string }): string =>
  enabled ? `Deletes by ${policy_type}` : 'Off: nothing is deleted by itself'

const HostCard = () => {
  const { client } = useSession()
  const { data, error, reload } = useLoaded(() => client.call('get_metrics'), 'metrics', 5_000)
  return (
    <Card title="Host">
      <Pending data={data} {...(error !== undefined && { error })} reload={reload} />
      {data && (
        <>
          <Meter name="Processor" percent={data.cpu_usage} />
          <Meter name="Memory" percent={data.memory_usage} />
          <Pairs
            of={[
              ['Service', `${bytesText(data.system_metrics.resident_bytes)} of memory`],
              ['Streams', `${data.stream_metrics.active_streams} of ${data.stream_metrics.total_streams} running`],
              ['Readers', String(data.stream_metrics.total_viewers)],
              ['Connections', String(data.network_stats.connections)],
            ]}
          />
        </>
      )}
    </Card>
  )
}

const Meter = ({ name, percent }: { name: string; percent: number }) => (
  <div class="meter">
    <div class="row between">
      <span>{name}</span>
      <span>{Math.round(percent)} %</span>
    </div>
    <Bar value={percent / 100} label={name} tone={percent > 90 ? 'warn' : 'plain'} />
  </div>
)
