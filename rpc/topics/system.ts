import * as Type from 'typebox'
import type { ConfigChange, ConfigFault } from '../../machines/domain/configuration.js'
import type { ConfigFact } from '../../machines/domain/facts.js'
import { because, type Reason } from '../../machines/domain/reason.js'
import type { Severity } from '../filters.js'
import { given, iso, statusOf } from '../present.js'
import { optionalReasonShape, reasonFields, reasonShape } from '../reason.js'
import { CameraName, Count, Status, timeOf } from '../schemas.js'
import { notice, paramsOf, topic, type World } from './topic.js'

const severityOf: Record<Status['status'], Severity> = { HEALTHY: 'info', DEGRADED: 'warning', UNHEALTHY: 'error' }

const health = <Name extends string>(name: Name, summary: string) => {
  const present = (_: unknown, world: World) => {
    const status = statusOf(world)
    return notice(severityOf[status.status], status)
  }
  return topic({
    name,
    summary,
    params: paramsOf(Status.properties),
    isState: true,
    from: {
      'link.up': present,
      'link.degraded': present,
      'link.down': present,
      'storage.ok': present,
      'storage.warning': present,
      'storage.critical': present,
      'storage.blind': present,
      'retention.suspended': ({ reason }, world) =>
        reason.code === 'protections_lost' ? present(reason, world) : undefined,
      'retention.resumed': present,
      'storage.switched': present,
      'system.started': present,
    },
  })
}

const error = topic({
  name: 'system.error',
  summary: 'a part of the service has a fault (`component`, `severity`)',
  params: paramsOf({
    component: Type.String(),
    ...reasonShape,
    device: Type.Optional(CameraName),
    error: Type.Optional(Type.String()),
    available_space: Type.Optional(Count),
  }),
  from: {
    'camera.identityAmbiguous': ({ reason }) =>
      notice('warning', { component: 'camera_monitor', error: 'identity_ambiguous', ...reasonFields(reason) }),
    'storage.blind': ({ reason }) => notice('critical', { component: 'storage', ...reasonFields(reason) }),
    'storage.critical': ({ reason, available }) =>
      notice('critical', { component: 'storage', ...reasonFields(reason), available_space: available }),
  },
})

const startup = topic({
  name: 'system.startup',
  summary: 'the service has started',
  params: paramsOf({
    version: Type.String(),
    build_info: Type.Object({ version: Type.String(), build_date: Type.String() }),
  }),
  from: {
    'system.started': (_, { about: { version, buildDate } }) =>
      notice('info', { version, build_info: { version, build_date: buildDate } }),
  },
})

const shutdown = topic({
  name: 'system.shutdown',
  summary: 'the service is stopping',
  params: paramsOf(reasonShape),
  from: {
    'system.stopping': ({ reason }) =>
      notice('info', reasonFields(because('service_stopping', `the service is stopping: ${reason}`))),
  },
})

const clockJumped = topic({
  name: 'system.clock_jumped',
  summary: 'the wall clock of the host was set, by more than 2 s; streams, recordings and sessions continue',
  params: paramsOf({
    from: timeOf('What the clock would have shown'),
    to: timeOf('What it showed instead'),
    by_ms: Type.Number({ description: 'The difference; negative if the clock was set back' }),
  }),
  from: {
    'system.clock_jumped': ({ from, to, by }) => notice('warning', { from: iso(from), to: iso(to), by_ms: by }),
  },
})

const simulated = topic({
  name: 'simulation.step',
  summary: 'a fault was simulated: a step of the scenario of `serve --simulate`, or a call of `simulate`',
  params: paramsOf({
    action: Type.String({ description: 'As in `simulate`' }),
    status: Type.Enum(['DONE', 'FAILED']),
    step: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Number of the step in the file; absent: a client asked' }),
    ),
    device: Type.Optional(CameraName),
    name: Type.Optional(Type.String({ description: 'Name of the camera in the file' })),
    ...optionalReasonShape,
  }),
  from: {
    'simulation.step': ({ act: { action, camera: name }, step, reason }) =>
      notice(reason ? 'warning' : 'info', {
        action,
        status: reason ? ('FAILED' as const) : ('DONE' as const),
        ...(step !== undefined && { step, ...given({ name }) }),
        ...reasonFields(reason),
      }),
  },
})

const configPayload = (
  status: 'APPLIED' | 'ROLLED_BACK',
  changes: readonly ConfigChange[],
  { origin, by }: Pick<ConfigFact, 'origin' | 'by'>,
) => ({ status, origin, ...given({ user: by?.user }), keys: changes.map(({ key }) => key) })

const configChanged = topic({
  name: 'system.config_changed',
  summary: 'a change of the configuration is in force, or was reverted (`status`); without its values',
  params: paramsOf({
    status: Type.Enum(['APPLIED', 'ROLLED_BACK']),
    origin: Type.Enum(['start', 'file', 'signal', 'client']),
    user: Type.Optional(Type.String({ description: 'The client that asked; absent: no client' })),
    version: Type.Optional(Type.Integer({ description: 'Number of the new version; 0: it could not be kept' })),
    keys: Type.Array(Type.String(), { description: 'The keys that changed' }),
    needs_restart: Type.Optional(
      Type.Array(Type.String(), { description: 'Changed keys that apply at the next start of the service' }),
    ),
    ...optionalReasonShape,
  }),
  needsAllCameras: true,
  from: {
    'config.changed': ({ version, changes, needsRestart, ...fact }) =>
      notice('info', { ...configPayload('APPLIED', changes, fact), version, needs_restart: needsRestart }),
    'config.rolledBack': ({ changes, reason, ...fact }) =>
      notice('error', { ...configPayload('ROLLED_BACK', changes, fact), ...reasonFields(reason) }),
  },
})

/** The message of a broken rule names the value, so it is made again without it. */
const refusalOf = ({ code, details }: Reason, faults: readonly ConfigFault[]): Reason =>
  faults.length === 0
    ? { code, details }
    : because(code, faults.map(({ key, rule }) => [key, rule].filter(Boolean).join(': ')).join('; '))

const configRefused = topic({
  name: 'system.config_refused',
  summary: 'an edit of the configuration file was refused; without its values; for admins',
  params: paramsOf({
    origin: Type.Enum(['file', 'signal']),
    ...reasonShape,
    faults: Type.Array(Type.Object({ key: Type.String(), rule: Type.String() }), {
      description: 'The keys that break a rule; a key is empty if the text cannot be read at all',
    }),
  }),
  role: 'admin',
  needsAllCameras: true,
  from: {
    // A client gets the refusal as its reply.
    'config.refused': ({ origin, reason, faults }) =>
      origin === 'file' || origin === 'signal'
        ? notice('warning', {
            origin,
            ...reasonFields(refusalOf(reason, faults)),
            faults: faults.map(({ key, rule }) => ({ key, rule })),
          })
        : undefined,
  },
})

export const systemTopics = [
  health('system.health', 'the health changed; holds the result of get_status'),
  error,
  startup,
  shutdown,
  clockJumped,
  simulated,
  configChanged,
  configRefused,
  health('system_health_update', 'as system.health'),
] as const
