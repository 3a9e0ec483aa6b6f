import * as Type from 'typebox'
import { flappingText, type Flapping as Rhythm } from '../machines/domain/journal.js'

export const Flapping = Type.Optional(
  Type.Object(
    {
      disconnects: Type.Integer({ minimum: 0 }),
      window_s: Type.Integer({ minimum: 0, description: 'Seconds in which they happened' }),
      every_s: Type.Number({ minimum: 0, description: 'Median interval in seconds' }),
    },
    { description: 'The camera disconnects again and again; absent: it does not' },
  ),
)

/** `details`: those of the reason, to which the rhythm is added. */
export const flappingFields = (flapping: Rhythm | undefined, details?: string) =>
  flapping === undefined
    ? {}
    : {
        flapping: {
          disconnects: flapping.disconnects,
          window_s: Math.round(flapping.window / 1_000),
          every_s: Math.round(flapping.every / 100) / 10,
        },
        ...(details !== undefined && { details: `${details}; ${flappingText(flapping)}` }),
      }
