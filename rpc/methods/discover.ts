import * as Type from 'typebox'
import { keptValues } from '../../machines/domain/kept.js'
import { writtenOnce } from '../answers.js'
import { type Method, method } from '../method.js'
import { openRpcOf } from '../openrpc.js'
import { None } from '../schemas.js'

const kept = keptValues()
/** Made with the first call. */
const documentOf = (methods: readonly Method[]) => kept(methods, 'document', [], () => writtenOnce(openRpcOf(methods)))

const discover = method({
  name: 'rpc.discover',
  summary: 'Returns this API as an OpenRPC document.',
  // The document describes the program, not the cameras.
  role: 'none',
  // It is large, and does not need a credential.
  cost: 100,
  since: '1.1',
  params: None,
  result: Type.Object({
    openrpc: Type.String(),
    info: Type.Object({
      title: Type.String(),
      version: Type.String({ description: 'Version of the API' }),
      description: Type.String(),
    }),
    methods: Type.Array(Type.Unknown(), {
      description: 'Method objects of OpenRPC, with `x-role`, `x-cost`, `x-since`, `x-audited`, `x-camera`',
    }),
    components: Type.Unknown({ description: 'Shared shapes and errors' }),
    'x-notifications': Type.Array(Type.Unknown(), { description: 'Each topic with the shape of its params' }),
  }),
  handler: (_, { services: { methods } }) => documentOf(methods),
})

export const discoverMethods = [discover]
