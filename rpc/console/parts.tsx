import type { ComponentChildren, ComponentType } from 'preact'
import { useEffect, useId, useState } from 'preact/hooks'
import { agoText, durationText, timeText } from './format.js'
import { useConnected, useNow, useSession } from './hooks.js'
import { AlertIcon, CheckIcon, InfoIcon, MinusIcon } from './icons.js'
import type { Permission } from './reduce.js'
import { sentence } from './reduce.js'
import { errorText } from './session.js'
import { tell } from './store.js'

export type Tone = 'good' | 'bad' | 'warn' | 'plain'

const toneIcons: Record<Tone, ComponentType> = { good: CheckIcon, bad: AlertIcon, warn: InfoIcon, plain: MinusIcon }

/** A state in one word. The icon differs with the tone, so that the colour is not the only sign. */
export const Badge = ({ tone, children }: { tone: Tone; children: ComponentChildren }) => {
  const Icon = toneIcons[tone]
  return (
    <span class={`badge ${tone}`}>
      <Icon />
      {children}
    </span>
  )
}

const epoch = (at: string | number): number => (typeof at === 'number' ? at : Date.parse(at))

/** A local time; UTC on hover. */
export const Time = ({ at }: { at: string | number }) => {
  const iso = new Date(epoch(at)).toISOString()
  return (
    <time dateTime={iso} title={`${iso.replace('T', ' ').replace(/\.\d+Z$/, '')} UTC`}>
      {timeText(epoch(at), Date.now())}
    </time>
  )
}

/** `5 min ago`; the time on hover. */
export const Ago = ({ at }: { at: string | number }) => {
  const now = useNow()
  const iso = new Date(epoch(at)).toISOString()
  return (
    <time dateTime={iso} title={`${iso.replace('T', ' ').replace(/\.\d+Z$/, '')} UTC`}>
      {agoText(epoch(at), now)}
    </time>
  )
}

/** `5 min`, since that time; the time on hover. */
export const For = ({ at }: { at: string | number }) => {
  const now = useNow()
  const iso = new Date(epoch(at)).toISOString()
  return (
    <time dateTime={iso} title={`since ${iso.replace('T', ' ').replace(/\.\d+Z$/, '')} UTC`}>
      {durationText(now - epoch(at))}
    </time>
  )
}

interface ActionProps {
  label: string
  /** Shown while the action runs. */
  busyLabel?: string
  Icon?: ComponentType
  /** Absent: always allowed. */
  permission?: Permission
  tone?: 'main' | 'danger' | 'plain'
  /** Name for screen readers, where the label alone would be the same for many buttons. */
  name?: string
  /** The icon only. */
  isSmall?: boolean
  /** Returns a message for the page; a failure becomes one too. */
  run(): Promise<string | undefined> | string | undefined
}

/** A button that runs something. One that is refused can still be focused, and says why. */
export const Action = ({ label, busyLabel, Icon, permission, tone = 'plain', name, isSmall, run }: ActionProps) => {
  const { store } = useSession()
  const [isBusy, setBusy] = useState(false)
  const why = useId()
  // The client would send it after the next connection, when nobody expects it any more.
  const isOpen = useConnected()
  const isRefused = !isOpen || permission?.allowed === false
  const reason = !isOpen ? 'There is no connection to the service.' : sentence(permission?.why ?? '')
  const act = async () => {
    if (isBusy) return
    if (isRefused) return tell(store, reason, 'failed')
    setBusy(true)
    try {
      const done = await run()
      if (done !== undefined) tell(store, done)
    } catch (error) {
      tell(store, errorText(error), 'failed')
    } finally {
      setBusy(false)
    }
  }
  const text = isBusy ? (busyLabel ?? label) : label
  return (
    <>
      <button
        type="button"
        class={`button ${tone}${isSmall ? ' small' : ''}`}
        aria-disabled={isRefused || isBusy}
        aria-label={name ?? (isSmall ? text : undefined)}
        aria-describedby={isRefused ? why : undefined}
        title={isRefused ? reason : isSmall ? label : undefined}
        onClick={() => void act()}
      >
        {Icon && <Icon />}
        {!isSmall && <span>{text}</span>}
      </button>
      {isRefused && (
        <span id={why} hidden>
          {reason}
        </span>
      )}
    </>
  )
}

export const Empty = ({ title, children }: { title: string; children?: ComponentChildren }) => (
  <div class="empty">
    <p class="empty-title">{title}</p>
    {children && <p>{children}</p>}
  </div>
)

export const Problem = ({ text, retry }: { text: string; retry?: () => void }) => (
  <div class="problem" role="alert">
    <AlertIcon />
    <span>{text}</span>
    {retry && (
      <button type="button" class="button" onClick={retry}>
        Try again
      </button>
    )}
  </div>
)

/** Longer than any answer of a service that works, in ms. */
const slow = 5_000

/** Data that are loading, or could not be loaded. Nothing once they are there. */
export const Pending = ({ data, error, reload }: { data?: unknown; error?: string; reload?: () => void }) => {
  const [isSlow, setSlow] = useState(false)
  const isLoading = data === undefined && error === undefined
  useEffect(() => {
    setSlow(false)
    if (!isLoading) return
    const timer = setTimeout(() => setSlow(true), slow)
    return () => clearTimeout(timer)
  }, [isLoading])
  if (error !== undefined) return <Problem text={error} {...(reload && { retry: reload })} />
  if (!isLoading) return null
  return (
    <p class="quiet" role="status">
      {isSlow ? 'Loading… The service has not answered yet.' : 'Loading…'}
    </p>
  )
}

/** `value` from 0 to 1. */
export const Bar = ({ value, label, tone }: { value: number; label: string; tone: Tone }) => (
  // biome-ignore lint/a11y/useSemanticElements: browsers draw <meter> in colours of their own
  <div
    class={`bar ${tone}`}
    role="meter"
    aria-label={label}
    aria-valuemin={0}
    aria-valuemax={100}
    aria-valuenow={Math.round(value * 100)}
  >
    <div style={{ width: `${Math.min(100, Math.max(0, value * 100))}%` }} />
  </div>
)

/** A list of names and values. Empty values are left out. */
export const Pairs = ({ of }: { of: [string, ComponentChildren][] }) => (
  <dl class="pairs">
    {of
      .filter(([, value]) => value !== undefined && value !== '' && value !== null && value !== false)
      .map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
  </dl>
)

export const Card = ({ title, children, aside }: { title: string; children: ComponentChildren; aside?: unknown }) => (
  <section class="card" aria-label={title}>
    <div class="card-head">
      <h2>{title}</h2>
      {aside as ComponentChildren}
    </div>
    {children}
  </section>
)

/** A table that scrolls by itself on a narrow screen. */
export const Table = ({ name, head, rows }: { name: string; head: string[]; rows: ComponentChildren[][] }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by the keyboard
  <section class="table" aria-label={name} tabIndex={0}>
    <table>
      <thead>
        <tr>
          {head.map((title) => (
            <th key={title} scope="col">
              {title === '' ? <span class="unseen">Actions</span> : title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((cells, row) => (
          <tr key={row}>
            {cells.map((cell, column) => (
              <td key={head[column]}>{cell}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </section>
)
