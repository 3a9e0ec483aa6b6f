import { Ajv, type ValidateFunction } from 'ajv'
import type { Static, TSchema } from 'typebox'

// The schemas are ours and checked by the compiler: to check them again would take longer than the files.
const ajv = new Ajv({ logger: false, validateSchema: false })

/**
 * Returns a function that tells whether a value has this shape. It is compiled at its first use: most files are not
 * there, and without compiling, a full list of revocations takes half a second. What JSON Schema cannot say is not
 * checked: `Type.Refine` has no effect.
 */
export function shapeCheck<Shape extends TSchema>(schema: Shape): (value: unknown) => value is Static<Shape> {
  let compiled: ValidateFunction<Static<Shape>> | undefined
  return (value): value is Static<Shape> => {
    compiled ??= ajv.compile<Static<Shape>>(schema)
    return compiled(value)
  }
}
