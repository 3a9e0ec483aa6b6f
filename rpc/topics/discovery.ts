import * as Type from 'typebox'
import { Count } from '../schemas.js'
import { notice, paramsOf, topic } from './topic.js'

const started = topic({
  name: 'discovery.started',
  summary: 'a scan for external streams began',
  params: paramsOf({ skydio_enabled: Type.Boolean(), generic_enabled: Type.Boolean() }),
  needsAllCameras: true,
  from: {
    'discovery.started': ({ skydio, generic }) => notice('info', { skydio_enabled: skydio, generic_enabled: generic }),
  },
})

const progress = topic({
  name: 'discovery.progress',
  summary: 'a scan goes on; the number of addresses asked so far',
  params: paramsOf({ done: Count, total: Count }),
  needsAllCameras: true,
  from: { 'discovery.progress': ({ done, total }) => notice('info', { done, total }) },
})

const found = topic({
  name: 'discovery.found',
  summary: 'a scan found a new stream',
  params: paramsOf({ url: Type.String(), name: Type.String() }),
  needsAllCameras: true,
  from: { 'discovery.found': ({ url, name }) => notice('info', { url, name }) },
})

const completed = topic({
  name: 'discovery.completed',
  summary: 'a scan ended',
  params: paramsOf({ total_found: Count, scan_duration_ms: Count, errors: Type.Array(Type.String()) }),
  needsAllCameras: true,
  from: {
    'discovery.ended': ({ found, took, errors }) =>
      notice(errors.length > 0 ? 'warning' : 'info', {
        total_found: found,
        scan_duration_ms: Math.round(took),
        errors,
      }),
  },
})

export const discoveryTopics = [started, progress, found, completed] as const
