import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isAtLeast } from '../../machines/domain/access.js'
import { methods } from '../../rpc/methods/index.js'
import { topicNames } from '../../rpc/topics/index.js'
import type { Identity, Outcome, Row, Target } from './permissionsCells.js'
import {
  cameras,
  type House,
  makeFile,
  nameOf,
  secret,
  shared,
  streamUrls,
  type Visitor,
  type Whose,
} from './permissionsHouse.js'

type Params = Record<string, unknown>
type Method = (typeof methods)[number]

/** How to call a method so that only a missing right can refuse it. */
interface Plan {
  /** Makes or names the file, key or session that a call is about, if it is no camera. */
  subject?(house: House, whose: Whose): Promise<string> | string
  params?(subject: string, house: House, visitor: Visitor): Params | Promise<Params>
  /** Runs after an allowed call. Throws if the call had no effect. */
  after?(house: House, subject: string): Promise<void> | void
  /** Runs after a refused call. Throws if the call had an effect. */
  untouched?(house: House, subject: string): void
  /** It is about all cameras, so limited callers may not call it. */
  wide?: boolean
  /** The outcome for a hidden subject; default `hidden`. */
  forbidden?: Outcome
  /** The result contains every camera that the caller may use. */
  lists?: boolean
  /** States of the camera after another call: a refusal that names one is an allowed call. */
  busy?: readonly string[]
  /** The reason for which every allowed call is refused. */
  refusedFor?: string
  oneByOne?: boolean
  /** It needs a connection that is not authenticated. */
  fresh?: boolean
  /** The camera names in its result are examples. */
  examples?: boolean
}

const filename = (name: string) => ({ filename: name })
const file = (kind: 'recordings' | 'snapshots'): Plan => ({
  subject: (house, whose) => makeFile(house, kind, whose),
  params: filename,
})
const deleted = (kind: 'recordings' | 'snapshots'): Plan => {
  const isThere = ({ dataDir }: House, name: string) =>
    (['own', 'other'] as const).some((whose) => existsSync(join(dataDir, kind, cameras[whose][0], name)))
  return {
    ...file(kind),
    after: (house, name) => {
      if (isThere(house, name)) throw new Error('the file is still there')
    },
    untouched: (house, name) => {
      if (!name.startsWith(nameOf('absent')) && !isThere(house, name)) throw new Error('the file is gone')
    },
  }
}
const key: Plan = {
  subject: async ({ call }, whose) =>
    whose === 'absent'
      ? 'nowhere'
      : (
          await call<{ id: string }>('create_api_key', {
            user: nameOf(whose),
            role: 'viewer',
            cameras: [cameras[whose][0]],
          })
        ).id,
  params: (id) => ({ id }),
}
/** The session of a connection that nothing else uses. */
const session: Plan = {
  subject: async (house, whose) => {
    if (whose === 'absent') return 'nowhere'
    const client = await house.connect()
    const auth_token = await house.token('viewer', [cameras[whose][0]])
    return (await client.call<{ session_id: string }>('authenticate', { auth_token })).session_id
  },
  params: (session_id) => ({ session_id }),
}

const plain: Plan = {}
const list: Plan = { lists: true }

/** The test fails for a method without a plan. */
const plans: Record<string, Plan> = {
  ping: plain,
  authenticate: {
    fresh: true,
    params: async (_, house, { credential }) => ({ auth_token: credential || (await house.token('viewer')) }),
  },
  // The process has printed no link, so every code is unknown.
  redeem_sign_in: { refusedFor: 'sign_in_code_invalid', params: () => ({ code: 'unknown' }) },
  get_camera_list: list,
  get_camera_status: plain,
  get_camera_capabilities: plain,
  set_camera: { params: (device) => ({ device, name: '' }) },
  take_snapshot: plain,
  start_recording: { busy: ['starting', 'recording'] },
  stop_recording: { busy: ['stopping', 'stopped', 'not recording'] },
  list_recordings: list,
  list_snapshots: list,
  get_recording_info: file('recordings'),
  get_snapshot_info: file('snapshots'),
  delete_recording: deleted('recordings'),
  delete_snapshot: deleted('snapshots'),
  protect_recording: { ...file('recordings'), params: (name) => ({ filename: name, protected: false }) },
  start_streaming: plain,
  stop_streaming: plain,
  get_stream_url: plain,
  get_stream_status: plain,
  get_streams: list,
  subscribe_events: { lists: true, params: () => ({ topics: topicNames }) },
  unsubscribe_events: { params: () => ({ topics: ['system.startup'] }) },
  get_subscription_stats: plain,
  discover_external_streams: { params: () => ({ skydio_enabled: false, generic_enabled: false }) },
  add_external_stream: { wide: true, params: () => ({ stream_url: streamUrls.own, stream_name: 'gate' }) },
  remove_external_stream: {
    subject: (_, whose) => streamUrls[whose],
    params: (stream_url) => ({ stream_url }),
    oneByOne: true,
    after: async ({ call }, stream_url) => {
      const [whose = 'own'] = (['own', 'other'] as const).filter((each) => streamUrls[each] === stream_url)
      const { device } = await call('add_external_stream', { stream_url, stream_name: nameOf(whose) })
      if (device !== cameras[whose][1]) throw new Error(`the same stream is another camera now: ${device}`)
    },
  },
  get_external_streams: plain,
  set_discovery_interval: { params: () => ({ scan_interval: 0 }) },
  get_actors: list,
  get_status: plain,
  get_system_health: plain,
  get_system_status: list,
  get_server_info: plain,
  get_storage_info: plain,
  simulate: { params: (device) => ({ device, action: 'plug' }) },
  get_metrics: list,
  set_retention_policy: { wide: true, params: () => ({ policy_type: 'age', max_age_days: 1, enabled: false }) },
  cleanup_old_files: { params: () => ({ dry_run: true }) },
  list_sessions: list,
  end_session: session,
  create_api_key: {
    subject: (_, whose) => cameras[whose][0],
    params: (camera) => ({ user: 'new', role: 'viewer', cameras: [camera] }),
    forbidden: 'role',
  },
  list_api_keys: list,
  rotate_api_key: key,
  revoke_api_key: key,
  revoke_token: { wide: true, params: () => ({ jti: 'of nobody' }) },
  get_support_bundle: { wide: true },
  set_log_level: { wide: true, params: () => ({ level: 'info' }) },
  get_audit_log: { wide: true, params: () => ({ limit: 1000 }) },
  get_history: { lists: true, params: () => ({ limit: 1000 }) },
  explain: { params: () => ({ component: 'storage' }) },
  get_config: { wide: true },
  set_config: { wide: true, params: () => ({ patch: {} }) },
  get_config_history: { wide: true },
  // The version with which the service has started: nothing changes.
  rollback_config: { wide: true, params: () => ({ version: 1 }) },
  'rpc.discover': { examples: true },
}

const planOf = ({ name }: Method): Plan => {
  const plan = plans[name]
  if (plan === undefined) throw new Error(`permissionsMethods.ts has no plan for ${name}`)
  return plan
}

interface Refusal {
  code: number
  message: string
  data?: Params
}

const outcomes: Record<number, Outcome> = { [-32001]: 'auth', [-32002]: 'role', [-32010]: 'hidden' }

/** The fault of a result: it names a hidden camera, or lacks one of the caller. */
const contentFault = ({ lists, examples }: Plan, { limited, role }: Identity, result: unknown): string | undefined => {
  if (role === 'none' || examples) return undefined
  const text = JSON.stringify(result)
  const [found] = limited ? (secret.exec(text) ?? []) : []
  if (found !== undefined)
    return `it contains ${found}: ${text.slice(Math.max(0, text.indexOf(found) - 200), text.indexOf(found) + 100)}`
  if (!lists) return undefined
  if (!shared.test(text)) return `it lacks ${cameras.own[0]}`
  return limited || secret.test(text) ? undefined : `it lacks ${cameras.other[0]}`
}

const expectedOf = (method: Method, plan: Plan, { role, limited }: Identity, target: Target): Outcome => {
  if (method.role === 'none') return 'in'
  if (role === 'none') return 'auth'
  if (!isAtLeast(role, method.role)) return 'role'
  if (limited && plan.wide) return 'role'
  return limited && target === 'other' ? (plan.forbidden ?? 'hidden') : 'in'
}

const isLetIn = ({ busy, refusedFor }: Plan, { code, data }: Refusal) =>
  (code === -32020 && busy?.includes(String(data?.state)) === true) ||
  (refusedFor !== undefined && data?.reason === refusedFor)

/** The rows of all methods: `own` and `other` for methods about a camera or its files, keys and sessions. */
export function methodRows(house: () => House): Row[] {
  const callOf = async (method: Method, plan: Plan, visitor: Visitor, subject: string) => {
    const params = plan.params
      ? await plan.params(subject, house(), visitor)
      : method.camera === undefined
        ? {}
        : { [method.camera]: subject }
    const client = plan.fresh ? await house().connect() : visitor.client
    try {
      return { result: await client.call(method.name, params) }
    } catch (error) {
      return { refusal: error as Refusal }
    } finally {
      if (plan.fresh) client.close()
    }
  }

  return methods.map((method) => {
    const plan = planOf(method)
    const hasSubject = method.camera !== undefined || plan.subject !== undefined
    const subjectOf = async (whose: Whose) => (plan.subject ? plan.subject(house(), whose) : cameras[whose][0])
    /** A hidden subject must be refused with the same error as one that does not exist. */
    const isAsAbsent = async (visitor: Visitor, subject: string, { code, message, data }: Refusal) => {
      const absent = await subjectOf('absent')
      const { refusal } = await callOf(method, plan, visitor, absent)
      const words = (of: Partial<Refusal> | undefined, name: string) =>
        JSON.stringify([of?.code, of?.message, of?.data]).replaceAll(name, '…')
      return words({ code, message, ...(data && { data }) }, subject) === words(refusal, absent)
    }
    return {
      title: method.name,
      targets: hasSubject ? ['own', 'other'] : ['both'],
      ...(plan.oneByOne && { oneByOne: true }),
      expected: (identity, target) => expectedOf(method, plan, identity, target),
      ask: async (identity, target) => {
        const visitor = house().visitor(identity)
        const subject = hasSubject && target !== 'both' ? await subjectOf(target) : ''
        const { result, refusal } = await callOf(method, plan, visitor, subject)
        if (refusal === undefined) {
          await plan.after?.(house(), subject)
          return contentFault(plan, identity, result) ?? 'in'
        }
        plan.untouched?.(house(), subject)
        if (isLetIn(plan, refusal)) return 'in'
        const { code, message, data } = refusal
        const outcome = outcomes[code] ?? `${code} ${message} ${JSON.stringify(data)}`
        if (outcome === 'hidden' && !(await isAsAbsent(visitor, subject, refusal)))
          return 'refused differently from something that does not exist'
        return outcome
      },
    }
  })
}
