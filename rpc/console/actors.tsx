import { useState } from 'preact/hooks'
import type { Methods } from '../client/index.js'
import { type Branch, type ChartState, type Charts, isLit, shortName, stateAt, treeOf } from './chart.js'
import { countText } from './format.js'
import { readHistory } from './history.js'
import { useLoaded, useSession } from './hooks.js'
import { Ago, Badge, Card, Empty, Pending, Time } from './parts.js'
import { hrefOf } from './route.js'

type Actor = Methods['get_actors']['result']['actors'][number]

/** How often the states are read, in ms. */
const pace = 2_000

let charts: Promise<Charts> | undefined
/** Only loaded here: the other views do not need them. */
const loadCharts = (): Promise<Charts> => {
  charts ??= fetch('/charts.json').then((response) => {
    if (!response.ok) throw new Error('The charts could not be loaded.')
    return response.json() as Promise<Charts>
  })
  charts.catch(() => {
    charts = undefined
  })
  return charts
}

export const ActorsTab = ({ selected }: { selected?: string }) => {
  const { client } = useSession()
  const { data, error, reload } = useLoaded(() => client.call('get_actors'), 'actors', pace)
  const chosen = data?.actors.find(({ actor }) => actor === (selected ?? 'fleet'))
  return (
    <div class="actors">
      <Card title={data === undefined ? 'Actors' : countText(data.actors.length, 'actor')}>
        <Pending data={data} {...(error !== undefined && { error })} reload={reload} />
        <nav aria-label="Actors">
          <ul class="tree">
            {data &&
              treeOf(data.actors).map((branch) => <Node key={branch.actor.actor} branch={branch} chosen={chosen} />)}
          </ul>
        </nav>
      </Card>
      <div class="stack">
        {chosen ? (
          <>
            <ChartCard key={chosen.machine} actor={chosen} />
            <EventsCard actor={chosen} />
          </>
        ) : (
          data !== undefined && (
            <Card title="Not running">
              <Empty title={`${selected} does not run now`}>It ended, or has not started. Select another actor.</Empty>
            </Card>
          )
        )}
      </div>
    </div>
  )
}

/** The present states in few words. */
const statesText = (states: readonly string[]): string => {
  if (states.length > 4) return countText(states.length, 'parallel state')
  const shown = states.length === 1 ? 1 : 2
  return states.map((state) => state.split('.').slice(-shown).join('.')).join(', ')
}

const Node = ({ branch: { actor, children }, chosen }: { branch: Branch<Actor>; chosen: Actor | undefined }) => (
  <li>
    <a
      href={hrefOf({ view: 'system', tab: 'actors', actor: actor.actor })}
      aria-current={actor.actor === chosen?.actor ? 'true' : undefined}
    >
      <span class="actor-name">{shortName(actor.actor, actor.parent)}</span>
      <span class="actor-state">{statesText(actor.states)}</span>
    </a>
    {children.length > 0 && (
      <ul>
        {children.map((child) => (
          <Node key={child.actor.actor} branch={child} chosen={chosen} />
        ))}
      </ul>
    )}
  </li>
)

const ChartCard = ({ actor }: { actor: Actor }) => {
  const { data, error, reload } = useLoaded(loadCharts, 'charts')
  const [path, setPath] = useState<string | undefined>()
  const root = data?.[actor.machine]
  const state = root && path !== undefined ? stateAt(root, path) : undefined
  return (
    <Card
      title={actor.actor}
      aside={
        actor.since && (
          <span class="quiet">
            changed <Ago at={actor.since} />
          </span>
        )
      }
    >
      <Pending data={data} {...(error !== undefined && { error })} reload={reload} />
      <p class="states">
        {actor.states.map((leaf) => (
          <Badge key={leaf} tone="good">
            {leaf}
          </Badge>
        ))}
      </p>
      {data !== undefined && root === undefined && <p class="quiet">There is no chart of {actor.machine}.</p>}
      {root && (
        <>
          <p class="quiet">
            The chart of {actor.machine}. Lit: the present states. Press a state to see what leaves it.
          </p>
          <div class={`chart ${root.type}`}>
            {(root.states ?? []).map((child) => (
              <StateBox
                key={child.name}
                state={child}
                path={child.name}
                present={actor.states}
                chosen={path}
                choose={setPath}
              />
            ))}
          </div>
          {state && <Transitions path={path ?? ''} state={state} />}
        </>
      )}
    </Card>
  )
}

interface BoxProps {
  state: ChartState
  path: string
  present: readonly string[]
  chosen: string | undefined
  choose(path: string): void
}

const StateBox = ({ state, path, present, chosen, choose }: BoxProps) => {
  const lit = isLit(path, present)
  const isLeaf = state.states === undefined
  return (
    <div class={`state ${state.type}${lit ? ' lit' : ''}${isLeaf ? ' leaf' : ''}`}>
      <button
        type="button"
        class="state-name"
        aria-pressed={chosen === path}
        aria-label={`${path.replaceAll('.', ', ')}${lit ? ', present state' : ''}`}
        onClick={() => choose(path)}
      >
        {state.initial && (
          <span class="initial" title="First state" aria-hidden="true">
            ▸
          </span>
        )}
        {state.name}
        {state.type === 'final' && ' ◎'}
      </button>
      {state.states && (
        <div class={`inside ${state.type}`}>
          {state.states.map((child) => (
            <StateBox
              key={child.name}
              state={child}
              path={`${path}.${child.name}`}
              present={present}
              chosen={chosen}
              choose={choose}
            />
          ))}
        </div>
      )}
    </div>
  )
}

const Transitions = ({ path, state: { transitions = [] } }: { path: string; state: ChartState }) => (
  <section class="transitions" aria-label={`Transitions of ${path}`} aria-live="polite">
    <h3>{path}</h3>
    {transitions.length === 0 ? (
      <p class="quiet">Nothing leaves this state by itself; the states around it may.</p>
    ) : (
      <ul>
        {transitions.map(({ event, guard, to }) => (
          <li key={`${event} ${guard} ${to}`}>
            <code>{event}</code>
            {guard !== undefined && <span class="quiet"> if {guard}</span>}
            <span> → {to.length === 0 ? 'stays' : to.join(', ')}</span>
          </li>
        ))}
      </ul>
    )}
  </section>
)

/** The last changes of an actor. */
const EventsCard = ({ actor: { actor, since } }: { actor: Actor }) => {
  const { client } = useSession()
  const { data, error, reload } = useLoaded(
    () => readHistory(client, { actor, limit: 30 }),
    `${actor} ${since}`,
    10_000,
  )
  return (
    <Card title="Last events">
      <Pending data={data} {...(error !== undefined && { error })} reload={reload} />
      {data === 'off' && <p class="quiet">History is off: this service keeps no record of what happened.</p>}
      {data !== undefined && data !== 'off' && data.length === 0 && <p class="quiet">No change was recorded.</p>}
      {data !== undefined && data !== 'off' && (
        <ol class="events">
          {data.slice(0, 30).map(({ seq, at, from, to, state, text }) => (
            <li key={seq}>
              <Time at={at} /> {state !== undefined && <strong>{state}</strong>} <span class="quiet">{text}</span>
              <div>
                <code>
                  {from !== undefined && `${from} → `}
                  {to ?? 'ended'}
                </code>
              </div>
            </li>
          ))}
        </ol>
      )}
    </Card>
  )
}
