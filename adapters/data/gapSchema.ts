import * as Type from 'typebox'

export const Time = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
export const Reason = Type.Object({ code: Type.String(), details: Type.String() })
/** A time without media in a recording, as state files keep it. */
export const Gap = Type.Object({ from: Time, to: Time, reason: Reason })
