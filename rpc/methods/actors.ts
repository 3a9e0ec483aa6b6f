import * as Type from 'typebox'
import { cameraOf } from '../../machines/domain/journal.js'
import { method } from '../method.js'
import { given, iso } from '../present.js'
import { mayReach } from '../rights.js'
import { None, Time } from '../schemas.js'

const Actor = Type.Object({
  actor: Type.String({ description: 'As in the log: `camera:camera0`, `camera:camera0/recording`' }),
  parent: Type.Optional(Type.String({ description: 'Absent: the root' })),
  machine: Type.String({ description: 'Its page: `docs/statecharts/<machine>.md`' }),
  states: Type.Array(Type.String(), {
    description: 'The active states without children, dotted, as in `online.available`; several if they are parallel',
  }),
  since: Type.Optional(Time),
})

const getActors = method({
  name: 'get_actors',
  summary: 'Lists the running state machines, parents first, with their present states.',
  role: 'admin',
  cost: 5,
  since: '1.1',
  params: None,
  result: Type.Object({ actors: Type.Array(Actor) }),
  handler: (_, { services: { directory }, caller }) => ({
    actors: directory
      .actors()
      .filter(({ name }) => {
        const camera = cameraOf(name)
        return camera === undefined || mayReach(caller, camera)
      })
      .map(({ name, parent, machine, states, since }) =>
        given({ actor: name, parent, machine, states, since: since > 0 ? iso(since) : undefined }),
      ),
  }),
})

export const actorMethods = [getActors]
