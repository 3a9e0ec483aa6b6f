import type { Metrics } from '../../machines/domain/ports.js'
import { type Api, type ApiRequest, Refused, Unreachable } from './api.js'

/** Returns the same API with metrics for each call. A call that its caller aborted is not counted. */
export const timed =
  (api: Api, metrics: Pick<Metrics, 'mediaCall'>): Api =>
  async (request) => {
    const began = performance.now()
    const count = (outcome: Parameters<Metrics['mediaCall']>[1]) =>
      metrics.mediaCall(routeOf(request), outcome, performance.now() - began)
    try {
      const answer = await api(request)
      count('ok')
      return answer
    } catch (error) {
      if (error instanceof Refused) count('refused')
      else if (error instanceof Unreachable) count('unreachable')
      throw error
    }
  }

/** Returns the route without camera names, session ids and the query: `POST /v3/config/paths/replace`. */
const routeOf = ({ method, path }: Pick<ApiRequest, 'method' | 'path'>): string =>
  `${method} ${path.replace(/\?.*$/s, '').replace(/\/(get|add|patch|replace|delete|kick)\/.+$/, '/$1')}`
