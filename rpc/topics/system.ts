import Type from 'typebox'
import { because } from '../../machines/domain/reason.js'
import type { Severity } from '../filters.js'
import { statusOf } from '../present.js'
import { reasonFields, reasonShape } from '../reason.js'
import { CameraName, Count, Status } from '../schemas.js'
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

export const systemTopics = [
  health('system.health', 'the health changed; holds the result of get_status'),
  error,
  startup,
  shutdown,
  health('system_health_update', 'as system.health'),
] as const
