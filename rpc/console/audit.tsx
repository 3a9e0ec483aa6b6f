import { useState } from 'preact/hooks'
import { countText } from './format.js'
import { useLoaded, useSession } from './hooks.js'
import { Badge, Card, Empty, Pending, Table, Time } from './parts.js'

const tones = { ok: 'good', refused: 'warn', failed: 'bad' } as const
const pageSize = 50

export const AuditTab = () => {
  const { client } = useSession()
  const [limit, setLimit] = useState(pageSize)
  const [user, setUser] = useState('')
  const { data, error, reload } = useLoaded(
    () => client.call('get_audit_log', { limit, ...(user && { user }) }),
    `${limit} ${user}`,
    10_000,
  )
  return (
    <Card
      title="Audit log"
      aside={
        <label class="filter">
          <span>User</span>
          <input value={user} placeholder="all users" onChange={(event) => setUser(event.currentTarget.value.trim())} />
        </label>
      }
    >
      <Pending data={data} {...(error !== undefined && { error })} reload={reload} />
      {data?.entries.length === 0 && <Empty title="No entries">Nothing was changed, refused or deleted yet.</Empty>}
      {data !== undefined && data.entries.length > 0 && (
        <>
          <Table
            name="Audit log"
            head={['Time', 'Result', 'Action', 'About', 'User', 'Address', 'Reason']}
            rows={data.entries.map(({ at, result, action, subject, user: who, role, address, reason, count }) => [
              <Time at={at} />,
              <Badge tone={tones[result]}>{result}</Badge>,
              <code>{action}</code>,
              subject ?? '',
              role === undefined ? who || 'nobody' : `${who} (${role})`,
              address,
              [reason, count === undefined ? undefined : `and ${countText(count, 'more like it', 'more like it')}`]
                .filter((text) => text !== undefined)
                .join(', '),
            ])}
          />
          <p class="quiet">{countText(data.total, 'entry', 'entries')} in all</p>
          {data.next_before !== undefined && limit < 1_000 && (
            <p class="center">
              <button type="button" class="button" onClick={() => setLimit(Math.min(1_000, limit + pageSize))}>
                Show more
              </button>
            </p>
          )}
        </>
      )}
    </Card>
  )
}
