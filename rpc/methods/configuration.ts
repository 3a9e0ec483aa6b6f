import * as Type from 'typebox'
import type { ConfigOutcome } from '../../machines/domain/configuration.js'
import { method } from '../method.js'
import { given, iso } from '../present.js'
import { optionalReasonShape, reasonFields } from '../reason.js'
import { demandAllCameras } from '../rights.js'
import { Count, None, Page, Time } from '../schemas.js'

const Applies = Type.Enum(['live', 'reconnects', 'restart'], {
  description:
    'live: while the service runs. reconnects: the same, and the cameras that it concerns reconnect. ' +
    'restart: at the next start of the service',
})
const Value = Type.Unknown({ description: 'As written in the file; credentials are masked: ***' })
const Version = Type.Integer({ minimum: 0, description: 'Number of the version in force; 0: there is no file' })
const Origin = Type.Enum(['start', 'file', 'signal', 'client'], {
  description: 'Where the change came from. start: the file as it was when the service started',
})
const NeedsRestart = Type.Array(Type.String(), {
  description: 'Changed keys that apply at the next start of the service, also those of earlier changes',
})
const CameraChange = Type.Object({
  name: Type.String(),
  change: Type.Enum(['added', 'removed', 'reconnected', 'updated'], { description: 'updated: without a reconnection' }),
})
const Change = Type.Object({
  key: Type.String(),
  from: Value,
  to: Value,
  applies: Applies,
  cameras: Type.Optional(Type.Array(CameraChange, { description: 'Of `cameras`: the cameras that it concerns' })),
})
const Outcome = Type.Object({
  success: Type.Literal(true),
  dry_run: Type.Boolean(),
  version: Version,
  changes: Type.Array(Change, { description: 'Empty: no value differs' }),
  needs_restart: NeedsRestart,
  warnings: Type.Array(Type.String(), { description: 'Such as keys that the environment or a flag overrides' }),
})

const outcomeOf = ({ version, changes, needsRestart, warnings }: ConfigOutcome, dryRun = false) => ({
  success: true as const,
  dry_run: dryRun,
  version,
  changes: changes.map(({ key, from, to, applies, cameras }) => ({ key, from, to, applies, ...given({ cameras }) })),
  needs_restart: needsRestart,
  warnings,
})

const why = 'the configuration is for all cameras'

const getConfig = method({
  name: 'get_config',
  summary: 'Returns every key of the configuration with its value and its source; credentials are masked.',
  role: 'admin',
  cost: 5,
  since: '1.1',
  params: None,
  result: Type.Object({
    version: Version,
    changing: Type.Boolean({ description: 'Whether a change is being applied or reverted' }),
    values: Type.Array(
      Type.Object({
        key: Type.String(),
        value: Value,
        origin: Type.Enum(['default', 'file', 'environment', 'flag']),
        applies: Applies,
      }),
    ),
    needs_restart: NeedsRestart,
    ...optionalReasonShape,
  }),
  handler: (_, { services: { configuration }, caller }) => {
    demandAllCameras(caller, why)
    const { version, changing, values, needsRestart, reason } = configuration.view()
    return { version, changing, values, needs_restart: needsRestart, ...reasonFields(reason) }
  },
})

const setConfig = method({
  name: 'set_config',
  summary:
    'Changes the configuration file by a merge patch (RFC 7396) and applies it; null returns a key to its default. ' +
    'The reply comes when the service is healthy again; otherwise the change is reverted.',
  role: 'admin',
  cost: 20,
  since: '1.1',
  audit: { event: 'change' },
  errors: ['unsupported', 'invalidState', 'dependencyFailed'],
  params: Type.Object({
    patch: Type.Object(
      {},
      {
        additionalProperties: true,
        description:
          'Groups of keys, as in the file. A list replaces the whole list. A masked value (***) stays as it is',
      },
    ),
    dry_run: Type.Optional(Type.Boolean({ default: false, description: 'Only returns what would change' })),
  }),
  result: Outcome,
  handler: async ({ patch, dry_run: dryRun = false }, { services: { configuration }, caller, by }) => {
    demandAllCameras(caller, why)
    return outcomeOf(dryRun ? configuration.plan(patch) : await configuration.set(patch, by), dryRun)
  },
})

const getConfigHistory = method({
  name: 'get_config_history',
  summary: 'Lists the versions of the configuration file that are kept, newest first.',
  role: 'admin',
  cost: 2,
  since: '1.1',
  errors: ['dependencyFailed'],
  params: Page,
  numeric: ['limit', 'offset'],
  result: Type.Object({
    versions: Type.Array(
      Type.Object({
        version: Version,
        at: Time,
        user: Type.Optional(Type.String({ description: 'The client that made it; absent: no client' })),
        origin: Origin,
        current: Type.Boolean({ description: 'Whether it is in force' }),
      }),
    ),
    total: Count,
  }),
  handler: async ({ limit = 50, offset = 0 }, { services: { configuration }, caller }) => {
    demandAllCameras(caller, why)
    const all = (await configuration.versions()).reverse()
    const current = configuration.view().version
    const versions = all.slice(offset, offset + limit).map(({ version, at, user, origin }) => ({
      version,
      at: iso(at),
      ...given({ user: user || undefined }),
      origin,
      current: version === current,
    }))
    return { versions, total: all.length }
  },
})

const rollbackConfig = method({
  name: 'rollback_config',
  summary: 'Writes an earlier version of the configuration file again and applies it, as a new version.',
  role: 'admin',
  cost: 20,
  since: '1.1',
  audit: { event: 'change', subject: 'version' },
  errors: ['unsupported', 'notFound', 'invalidState', 'dependencyFailed'],
  params: Type.Object({ version: Type.Integer({ minimum: 1, description: 'From get_config_history' }) }),
  numeric: ['version'],
  result: Outcome,
  handler: async ({ version }, { services: { configuration }, caller, by }) => {
    demandAllCameras(caller, why)
    return outcomeOf(await configuration.restore(version, by))
  },
})

export const configurationMethods = [getConfig, setConfig, getConfigHistory, rollbackConfig]
