import * as Type from 'typebox'
import { method } from '../method.js'
import { demandAllCameras } from '../rights.js'
import { Count, None } from '../schemas.js'
import { supportBundle } from '../supportBundle.js'

const getSupportBundle = method({
  name: 'get_support_bundle',
  summary:
    'Returns one file for a report of a fault: configuration, health, metrics, log, and the trace of the last events. ' +
    'Credentials are masked.',
  role: 'admin',
  cost: 50,
  since: '1.1',
  audit: { event: 'change' },
  params: None,
  result: Type.Object({
    filename: Type.String({ description: 'A name for the file' }),
    bytes: Count,
    content: Type.String({ description: 'The file in Base64: JSON lines, compressed with gzip' }),
  }),
  handler: async (_, { services, caller }) => {
    demandAllCameras(caller, 'a support bundle is about all cameras')
    const bundle = await supportBundle(services)
    const time = new Date(services.clock.now()).toISOString().slice(0, 19).replaceAll(':', '-')
    return {
      filename: `camera-service_${time}.jsonl.gz`,
      bytes: bundle.length,
      content: bundle.toString('base64'),
    }
  },
})

export const supportMethods = [getSupportBundle]
