import * as Type from 'typebox'
import { bytesText } from '../../machines/domain/amounts.js'
import { invalidParam } from '../../machines/domain/errors.js'
import type { Cleanup, RetentionPolicy } from '../../machines/domain/retention.js'
import { method } from '../method.js'
import { given } from '../present.js'
import { reasonFields, reasonShape, suspendedFields, suspendedShape } from '../reason.js'
import { demandAllCameras, hasAllCameras } from '../rights.js'
import { Count, PolicyType } from '../schemas.js'

const Days = Type.Integer({ minimum: 1, maximum: 365, description: 'Required by `age`' })
const Gigabytes = Type.Number({ exclusiveMinimum: 0, maximum: 1000, description: '10⁹ bytes each; required by `size`' })

/** Most file names in a result. */
const mostFiles = 1000

const inWords = ({ type, maxAgeDays, maxSizeGb, enabled }: RetentionPolicy): string => {
  const rule = {
    age: `files older than ${maxAgeDays} days`,
    size: `the oldest files, as long as all take more than ${maxSizeGb} GB`,
    manual: 'no files by rule',
  }[type]
  if (type === 'manual') return 'Retention policy set: nothing is deleted by itself'
  return enabled
    ? `Retention policy set: it deletes ${rule}`
    : `Retention policy set, not enabled: cleanup_old_files deletes ${rule}`
}

const plural = (count: number, word: string) => `${count} ${word}${count === 1 ? '' : 's'}`

const summaryOf = ({ type }: RetentionPolicy, { dryRun, files, freed, kept }: Cleanup): string => {
  if (type === 'manual') return 'The retention policy is manual: it names no files to delete'
  const [deleted, saved] = dryRun ? ['would be deleted', 'would be freed'] : ['deleted', 'freed']
  const sum = `${plural(files.length, 'file')} ${deleted}, ${bytesText(freed)} ${saved}`
  const [first] = kept
  return first === undefined
    ? sum
    : `${sum}; ${plural(kept.length, 'file')} could not be deleted, ${first.name}: ${first.reason}`
}

const setRetentionPolicy = method({
  name: 'set_retention_policy',
  summary: 'Sets the rule for deleting old files; it is kept over restarts.',
  role: 'admin',
  cost: 5,
  audit: { event: 'change' },
  errors: ['dependencyFailed'],
  params: Type.Object({
    policy_type: PolicyType,
    max_age_days: Type.Optional(Days),
    max_size_gb: Type.Optional(Gigabytes),
    enabled: Type.Boolean({ description: 'Whether the service applies it by itself' }),
  }),
  result: Type.Object({
    policy_type: PolicyType,
    max_age_days: Type.Optional(Type.Integer()),
    max_size_gb: Type.Optional(Type.Number()),
    enabled: Type.Boolean(),
    message: Type.String(),
    success: Type.Literal(true),
    ...suspendedShape,
  }),
  handler: async (
    { policy_type: type, max_age_days: maxAgeDays, max_size_gb: maxSizeGb, enabled },
    { services: { retention }, caller, by },
  ) => {
    if (type === 'age' && maxAgeDays === undefined)
      throw invalidParam('max_age_days', 'is required by policy_type age', 'Give max_age_days, from 1 to 365')
    if (type === 'size' && maxSizeGb === undefined)
      throw invalidParam('max_size_gb', 'is required by policy_type size', 'Give max_size_gb, up to 1000')
    // The policy applies to the files of all cameras, also of cameras that this caller cannot see.
    demandAllCameras(caller, 'the policy is for all cameras')
    const policy = await retention.setPolicy({ type, enabled, ...given({ maxAgeDays, maxSizeGb }) }, by)
    const limits = given({ max_age_days: policy.maxAgeDays, max_size_gb: policy.maxSizeGb })
    return {
      success: true as const,
      policy_type: policy.type,
      ...limits,
      enabled: policy.enabled,
      message: inWords(policy),
      ...suspendedFields(retention.view().suspension),
    }
  },
})

const cleanupOldFiles = method({
  name: 'cleanup_old_files',
  summary:
    'Applies the retention policy now, also if it is not enabled; with dry_run it only returns what would be deleted. ' +
    'By age, a cleanup for all cameras confirms that the clock is right: it ends a suspension, and has no limit. ' +
    'After the list of protected recordings was lost, nothing is deleted until it is called with ' +
    'accept_lost_protections.',
  role: 'admin',
  cost: 20,
  audit: { event: 'deletion' },
  errors: ['invalidState', 'dependencyFailed'],
  params: Type.Object({
    dry_run: Type.Optional(Type.Boolean({ default: false })),
    accept_lost_protections: Type.Optional(
      Type.Boolean({
        default: false,
        description:
          'Since 1.1. True accepts that recordings may have been protected that are no longer known (suspended: ' +
          'protections_lost): protect them again first. Ignored with dry_run',
      }),
    ),
  }),
  result: Type.Object({
    cleanup_executed: Type.Boolean({ description: 'False for a dry run' }),
    files_deleted: Count,
    space_freed: Count,
    message: Type.String(),
    recordings_removed: Count,
    snapshots_removed: Count,
    dry_run: Type.Boolean(),
    files: Type.Array(Type.String(), {
      maxItems: mostFiles,
      description: 'In the order of deletion, oldest first; at most 1000',
    }),
    files_kept: Type.Array(Type.Object({ filename: Type.String(), ...reasonShape }), {
      description: 'Files that could not be deleted, or have a date that cannot be right; at most 100',
    }),
    ...suspendedShape,
  }),
  handler: async (
    { dry_run: dryRun = false, accept_lost_protections: acceptsLoss = false },
    { services: { retention }, caller, by },
  ) => {
    if (acceptsLoss) demandAllCameras(caller, 'the list of protected recordings is for all cameras')
    const { policy } = retention.view()
    const limited = hasAllCameras(caller) ? {} : given({ cameras: caller?.cameras })
    const cleanup = await retention.cleanUp({ dryRun, by, ...limited, ...(acceptsLoss && { acceptsLoss }) })
    const { files, freed, kept } = cleanup
    const recordings = files.filter(({ kind }) => kind === 'recordings').length
    return {
      cleanup_executed: !dryRun,
      files_deleted: files.length,
      space_freed: freed,
      message: summaryOf(policy, cleanup),
      recordings_removed: recordings,
      snapshots_removed: files.length - recordings,
      dry_run: dryRun,
      files: files.slice(0, mostFiles).map(({ name }) => name),
      files_kept: kept.map(({ name, reason }) => ({ filename: name, ...reasonFields(reason) })),
      ...suspendedFields(retention.view().suspension),
    }
  },
})

export const retentionMethods = [setRetentionPolicy, cleanupOldFiles]
