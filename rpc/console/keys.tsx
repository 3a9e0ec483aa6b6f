import { useState } from 'preact/hooks'
import type { Methods } from '../client/index.js'
import { Confirm, Dialog } from './dialog.js'
import { wordText } from './format.js'
import { useLoaded, useSession } from './hooks.js'
import { Action, Badge, Card, Empty, Pending, Table, Time } from './parts.js'
import type { Role } from './store.js'

type Key = Methods['list_api_keys']['result']['keys'][number]

export const KeysTab = () => {
  const { client } = useSession()
  const { data, error, reload } = useLoaded(() => client.call('list_api_keys'), 'keys', 30_000)
  const [revoking, setRevoking] = useState<Key | undefined>()
  const [secret, setSecret] = useState<string | undefined>()
  return (
    <>
      <NewKey
        created={(key) => {
          setSecret(key)
          reload()
        }}
      />
      <Card title="API keys">
        <Pending data={data} {...(error !== undefined && { error })} reload={reload} />
        {data?.total === 0 && <Empty title="No API keys yet">Create one for each program that uses the API.</Empty>}
        {data !== undefined && data.total > 0 && <KeyTable keys={data.keys} revoke={setRevoking} />}
      </Card>
      {revoking && (
        <Confirm
          title={`Revoke the key of ${revoking.user}?`}
          text={`${revoking.prefix}… stops working at once and for good. Its sessions and streams end.`}
          label="Revoke"
          close={() => setRevoking(undefined)}
          run={async () => {
            await client.call('revoke_api_key', { id: revoking.id })
            reload()
            return `The key of ${revoking.user} was revoked.`
          }}
        />
      )}
      {secret !== undefined && (
        <Dialog title="The new key" close={() => setSecret(undefined)}>
          <p>Copy it now: it is shown only once.</p>
          <p class="secret">
            <code>{secret}</code>
          </p>
          <div class="row end">
            <Action
              label="Copy"
              tone="main"
              run={async () => {
                await navigator.clipboard.writeText(secret)
                return 'The key was copied.'
              }}
            />
          </div>
        </Dialog>
      )}
    </>
  )
}

const keyTones = { active: 'good', expired: 'plain', revoked: 'plain' } as const

const KeyTable = ({ keys, revoke }: { keys: Key[]; revoke(key: Key): void }) => (
  <Table
    name="API keys"
    head={['User', 'Role', 'Cameras', 'Key', 'State', 'Expires', 'Last used', '']}
    rows={keys.map((key) => [
      key.user,
      key.role,
      key.cameras?.join(', ') ?? 'all',
      <code>{key.prefix}…</code>,
      <Badge tone={keyTones[key.status]}>{wordText(key.status)}</Badge>,
      key.expires_at === undefined ? 'never' : <Time at={key.expires_at} />,
      key.last_used_at === undefined ? 'never' : <Time at={key.last_used_at} />,
      key.status === 'active' && (
        <Action
          label="Revoke"
          name={`Revoke the key of ${key.user}`}
          run={() => {
            revoke(key)
            return undefined
          }}
        />
      ),
    ])}
  />
)

const lives = [
  ['7 days', 7],
  ['90 days', 90],
  ['1 year', 365],
  ['never', 0],
] as const

const NewKey = ({ created }: { created(secret: string): void }) => {
  const { client } = useSession()
  const [user, setUser] = useState('')
  const [role, setRole] = useState<Role>('viewer')
  const [days, setDays] = useState(90)
  return (
    <Card title="New API key">
      <div class="form">
        <label>
          <span>User</span>
          <input value={user} placeholder="wall display" onInput={(event) => setUser(event.currentTarget.value)} />
        </label>
        <label>
          <span>Role</span>
          <select value={role} onChange={(event) => setRole(event.currentTarget.value as Role)}>
            {['viewer', 'operator', 'admin'].map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label>
          <span>Expires</span>
          <select value={String(days)} onChange={(event) => setDays(Number(event.currentTarget.value))}>
            {lives.map(([name, value]) => (
              <option key={name} value={String(value)}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <Action
          label="Create key"
          tone="main"
          permission={user.trim() === '' ? { allowed: false, why: 'enter a user first' } : { allowed: true }}
          run={async () => {
            const made = await client.call('create_api_key', { user: user.trim(), role, expires_in: days * 86_400 })
            setUser('')
            created(made.api_key)
            return undefined
          }}
        />
      </div>
    </Card>
  )
}
