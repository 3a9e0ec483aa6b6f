import Type from 'typebox'
import { writtenOnce } from '../answers.js'
import { method } from '../method.js'
import type { OpenRpcDocument } from '../openrpc.js'
import { None } from '../schemas.js'

let document: Promise<OpenRpcDocument> | undefined

/** Made at the first question: it costs nothing where nobody asks. The table is imported late because this method stands in it. */
const load = async (): Promise<OpenRpcDocument> => {
  const [{ methods }, { openRpcOf }] = await Promise.all([import('./index.js'), import('../openrpc.js')])
  return writtenOnce(openRpcOf(methods))
}

export const discoverMethods = [
  method({
    name: 'rpc.discover',
    summary: 'Answers this API as an OpenRPC document.',
    // It tells of the program, not of the cameras.
    role: 'none',
    // It is large, and a stranger may ask.
    cost: 100,
    since: '1.1',
    params: None,
    result: Type.Object({
      openrpc: Type.String(),
      info: Type.Object({
        title: Type.String(),
        version: Type.String({ description: 'Of the API' }),
        description: Type.String(),
      }),
      methods: Type.Array(Type.Unknown(), {
        description: 'Method objects of OpenRPC, with `x-role`, `x-cost`, `x-since`, `x-audited`, `x-camera`',
      }),
      components: Type.Unknown({ description: 'Shared shapes and errors' }),
      'x-notifications': Type.Array(Type.Unknown(), { description: 'Each topic with the shape of its params' }),
    }),
    handler: () => {
      document ??= load()
      return document
    },
  }),
]
