import { useState } from 'preact/hooks'
import type { Methods } from '../client/index.js'
import { Confirm } from './dialog.js'
import { countText, wordText } from './format.js'
import { useLoaded, useSession } from './hooks.js'
import { Action, Ago, Card, Empty, Pending, Table, Time } from './parts.js'

type Result = Methods['list_sessions']['result']

export const SessionsTab = () => {
  const { client } = useSession()
  const { data, error, reload } = useLoaded(() => client.call('list_sessions'), 'sessions', 5_000)
  const [ending, setEnding] = useState<string | undefined>()
  return (
    <>
      <Pending data={data} {...(error !== undefined && { error })} reload={reload} />
      {data && <Clients sessions={data.sessions} end={setEnding} />}
      {data && <Readers media={data.media} />}
      {ending !== undefined && (
        <Confirm
          title="End this session?"
          text="Its streams end too. The client may sign in again with the same credential."
          label="End session"
          close={() => setEnding(undefined)}
          run={async () => {
            await client.call('end_session', { session_id: ending })
            reload()
            return 'The session was ended.'
          }}
        />
      )}
    </>
  )
}

const Clients = ({ sessions, end }: { sessions: Result['sessions']; end(id: string): void }) => (
  <Card title={countText(sessions.length, 'session')}>
    <Table
      name="Sessions"
      head={['User', 'Role', 'Credential', 'Address', 'Since', 'Expires', 'Requests', '']}
      rows={sessions.map(({ session_id: id, state, user, role, credential, address, since, expires_at, requests }) => [
        user ?? wordText(state),
        role ?? '',
        credential ?? '',
        address,
        <Ago at={since} />,
        expires_at === undefined ? 'never' : <Time at={expires_at} />,
        requests,
        <Action
          label="End"
          name={`End the session of ${user ?? address}`}
          run={() => {
            end(id)
            return undefined
          }}
        />,
      ])}
    />
  </Card>
)

const Readers = ({ media }: { media: Result['media'] }) => (
  <Card title={countText(media.length, 'reader of streams', 'readers of streams')}>
    {media.length === 0 ? (
      <Empty title="Nobody watches a stream" />
    ) : (
      <Table
        name="Readers of streams"
        head={['Camera', 'Protocol', 'User', 'Address', 'Since']}
        rows={media.map(({ device, protocol, user, address, since }) => [
          device,
          protocol,
          user,
          address,
          <Ago at={since} />,
        ])}
      />
    )}
  </Card>
)
