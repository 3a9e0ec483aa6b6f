import * as Type from 'typebox'
import type { Reason } from '../machines/domain/reason.js'

const code = Type.String({ description: 'Code of the reason' })
const details = Type.Optional(Type.String({ description: 'The reason in one sentence' }))

/** The members that explain a state or an event. */
export const reasonShape = { reason: code, details }
export const optionalReasonShape = { reason: Type.Optional(code), details }

/** Tells that no file is deleted, or none by age, and why. */
export const suspendedShape = {
  suspended: Type.Optional(
    Type.Object(reasonShape, {
      description: 'Why retention deletes nothing (protections_lost), or nothing by age; absent: it is not suspended',
    }),
  ),
}

interface ReasonFields {
  reason: string
  details?: string
}

/** The reason of a fact or a view, as every result and notification carries it. A text is passed on as it is. */
export function reasonFields(reason: string | Reason): ReasonFields
export function reasonFields(reason: string | Reason | undefined): Partial<ReasonFields>
export function reasonFields(reason: string | Reason | undefined): Partial<ReasonFields> {
  if (reason === undefined) return {}
  return typeof reason === 'string' ? { reason } : { reason: reason.code, details: reason.details }
}

export const suspendedFields = (suspension: Reason | undefined): { suspended?: ReasonFields } =>
  suspension === undefined ? {} : { suspended: reasonFields(suspension) }

/** Tells that the files of a folder are missing, and why. */
export const unreadableFields = (reason: Reason | undefined): { files_unreadable?: ReasonFields } =>
  reason === undefined ? {} : { files_unreadable: reasonFields(reason) }
