import Type from 'typebox'
import { writtenOnce } from '../answers.js'
import { type Method, method } from '../method.js'
import { type OpenRpcDocument, openRpcOf } from '../openrpc.js'
import { None } from '../schemas.js'

/** Made with the first call. */
const documents = new WeakMap<readonly Method[], OpenRpcDocument>()
const documentOf = (methods: readonly Method[]): OpenRpcDocument => {
  const known = documents.get(methods) ?? writtenOnce(openRpcOf(methods))
  documents.set(methods, known)
  return known
}

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
