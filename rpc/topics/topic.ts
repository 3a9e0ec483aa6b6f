import type { Static, TProperties, TSchema } from 'typebox'
import * as Type from 'typebox'
import type { Role } from '../../machines/domain/access.js'
import type { Fact, FactOf } from '../../machines/domain/facts.js'
import { type Severity, severities } from '../filters.js'
import type { StatusSources } from '../present.js'
import { CameraName, timeOf } from '../schemas.js'

/** In every notification. */
const stamp = {
  severity: Type.Enum([...severities]),
  seq: Type.Integer({ minimum: 0, description: 'Number of the fact; numbers without a notification leave gaps' }),
  at: timeOf('Time of the fact'),
  timestamp: timeOf('The same as `at`, for older clients'),
}

/** The params of a topic: its own members and those of every notification. */
export const paramsOf = <Members extends TProperties>(members: Members) => Type.Object({ ...members, ...stamp })
export const cameraParamsOf = <Members extends TProperties>(members: Members) =>
  paramsOf({ device: CameraName, ...members })

/** What payloads are made from, besides their fact. */
export type World = StatusSources

type FactType = Fact['type']

/** What a fact says under one topic. */
export interface Notice<Payload extends object = object> {
  severity: Severity
  payload: Payload
}

export const notice = <const Payload extends object>(severity: Severity, payload: Payload): Notice<Payload> => ({
  severity,
  payload,
})

/** `streams` differ between subscribers; `device` and the stamp are the same in all topics. */
type Added = keyof typeof stamp | 'device' | 'streams'
type PayloadOf<Params extends TSchema> =
  Static<Params> extends infer Whole ? (Whole extends unknown ? Omit<Whole, Added> : never) : never

interface Definition<Name extends string, Params extends TSchema> {
  name: Name
  /** When it is sent: completes "Sent when …". */
  summary: string
  params: Params
  /** It states how things are, not what happened: a client that resumes gets only the newest one of each camera. */
  isState?: true
  /** It may concern something that is not a camera yet: callers limited to specific cameras do not get it. */
  needsAllCameras?: true
  /** Callers with a lower role do not get it. Default: every role does. */
  role?: Role
  /** Each subscriber gets its own URLs of the camera as `streams`. */
  withStreams?: true
  /** The facts that it comes from, and what each says; `undefined`: nothing. */
  from: { [Type in FactType]?: (fact: FactOf<Type>, world: World) => Notice<PayloadOf<Params>> | undefined }
}

/** What a client can subscribe to. */
export interface Topic<Name extends string = string> extends Omit<Definition<Name, TSchema>, 'from'> {
  from: { [Type in FactType]?: (fact: FactOf<Type>, world: World) => Notice | undefined }
}

/** Ties the payloads of a topic to the shape of its params. */
export const topic = <Name extends string, Params extends TSchema>(definition: Definition<Name, Params>): Topic<Name> =>
  definition as unknown as Topic<Name>
