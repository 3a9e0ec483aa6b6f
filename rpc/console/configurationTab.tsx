import { useState } from 'preact/hooks'
import { valueText, wordText } from './format.js'
import { useLoaded, useSession } from './hooks.js'
import { Card, Pending, Problem, Table } from './parts.js'
import { sentence } from './reduce.js'

const applies = { live: 'at once', reconnects: 'at once, cameras reconnect', restart: 'at the next start' }

export const ConfigurationTab = () => {
  const { client } = useSession()
  const { data, error, reload } = useLoaded(() => client.call('get_config'), 'config', 15_000)
  const [text, setText] = useState('')
  const [isOwn, setOwn] = useState(false)
  const values = (data?.values ?? []).filter(
    ({ key, origin }) => key.includes(text.trim().toLowerCase()) && (!isOwn || origin !== 'default'),
  )
  return (
    <Card
      title="Configuration in force"
      aside={
        <div class="row">
          <label class="check">
            <input type="checkbox" checked={isOwn} onChange={(event) => setOwn(event.currentTarget.checked)} />
            <span>Only what was set</span>
          </label>
          <label class="filter">
            <span>Key</span>
            <input value={text} placeholder="all keys" onInput={(event) => setText(event.currentTarget.value)} />
          </label>
        </div>
      }
    >
      <Pending data={data} {...(error !== undefined && { error })} reload={reload} />
      {data && (
        <>
          {data.details && <Problem text={sentence(data.details)} />}
          {data.needs_restart.length > 0 && (
            <p class="reason">Applies at the next start: {data.needs_restart.join(', ')}.</p>
          )}
          <p class="quiet">
            Version {data.version}
            {data.changing ? ', a change is being applied' : ''}. {values.length} of {data.values.length} keys.
          </p>
          <Table
            name="Configuration"
            head={['Key', 'Value', 'From', 'A change applies']}
            rows={values.map(({ key, value, origin, applies: when }) => [
              <code>{key}</code>,
              <code class="value">{valueText(value)}</code>,
              wordText(origin),
              applies[when],
            ])}
          />
        </>
      )}
    </Card>
  )
}
