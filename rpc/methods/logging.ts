import * as Type from 'typebox'
import { logLevels, logModules } from '../../machines/domain/logLevels.js'
import { method } from '../method.js'
import { demandAllCameras } from '../rights.js'
import { recordOf } from '../schemas.js'

const Level = Type.Enum([...logLevels])

const setLogLevel = method({
  name: 'set_log_level',
  summary:
    'Sets the lowest level that is logged, of the service or of one module, until the service ends or the level in the ' +
    'configuration changes.',
  role: 'admin',
  since: '1.1',
  audit: { event: 'change', subject: 'level' },
  params: Type.Object({
    level: Type.Enum([...logLevels, 'default'], {
      description: 'default: that of the configuration (logging.level), or for a module that of the service',
    }),
    module: Type.Optional(
      Type.Enum([...logModules], {
        description: 'The field module of the lines. Absent: all without a level of their own',
      }),
    ),
  }),
  result: Type.Object({
    level: Level,
    modules: recordOf(Level, { description: 'The modules that have a level of their own' }),
  }),
  handler: ({ level, module }, { services: { logging }, caller }) => {
    demandAllCameras(caller, 'the log is about all cameras')
    logging.set(level, module)
    return logging.levels()
  },
})

export const loggingMethods = [setLogLevel]
