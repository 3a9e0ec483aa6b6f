import { reasonOfLevel } from './domain/diskReason.js'
import { type DiskLevel, isLeft, reached, type StorageSettings, type WriteRate } from './domain/diskRoom.js'
import type { DiskUsage, RecordingFolder } from './domain/files.js'
import type { Reason, ReasonCode } from './domain/reason.js'

/** `hasFallback`: there is a second folder for recordings. */
export interface StorageInput extends StorageSettings {
  hasFallback?: boolean | undefined
}

export interface StorageContext extends StorageInput {
  /** The folder that takes new recordings: `usage` is that of its disk. */
  folder: RecordingFolder
  usage: DiskUsage
  rate: WriteRate
  /** Why the last measurement failed. */
  failure?: Reason | undefined
  /** The code of the reason that the parent knows. */
  blockedBy?: ReasonCode
}

export const hasFault = ({ usage }: StorageContext) => usage.fault !== undefined

export const isAbove = (level: DiskLevel, context: StorageContext) =>
  reached(level, context, context.usage, context.rate) !== undefined

export const isBelow = (level: DiskLevel, context: StorageContext) =>
  !hasFault(context) && isLeft(level, context, context.usage, context.rate)

export const isCritical = (context: StorageContext) => hasFault(context) || isAbove('full', context)

export const fullReason = (context: StorageContext, level: DiskLevel) =>
  reasonOfLevel(level, context, context.usage, context.rate)

/** Returns why recordings are blocked. */
export const reasonOf = (context: StorageContext): Reason => {
  const { usage, failure } = context
  // The usage explains more than the error of the system, unless a quota is the limit.
  const isFull = usage.fault?.code === 'storage_full' && isAbove('full', context)
  return failure ?? (isFull ? undefined : usage.fault) ?? fullReason(context, 'full')
}
