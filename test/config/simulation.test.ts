import { expect } from 'chai'
import { ConfigurationError } from '../../config/load.js'
import { loadScenario, parseScenario } from '../../config/simulation.js'
import type { CameraEntry } from '../../machines/domain/ports.js'

const demo: CameraEntry = { name: 'demo', source: { kind: 'virtual' }, enabled: true, settings: {} }
const yard: CameraEntry = { name: 'yard', source: { kind: 'rtsp', url: 'rtsp://a/b' }, enabled: true, settings: {} }

const faultsOf = (text: string): string[] => {
  try {
    parseScenario(text, [demo, yard], 's.yaml')
    return []
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message.split('\n')
    throw error
  }
}

describe('the file of a simulation', () => {
  it('describes cameras, with defaults, and steps in the units of the configuration', () => {
    const text = `
seed: 7
start: asked
cameras:
  - name: front
  - {name: back, serial: none, port: "1.4", plugged: false}
steps:
  - {at: 5s, do: unplug, camera: front}
  - {at: 1m, do: jump_clock, by: -2h, every: 1m30s, repeat: 2, jitter: 500ms}
  - {at: 0, do: stall, camera: demo}
  - {at: 1, do: twin, camera: front}
  - {at: 2, do: unplug, camera: front-twin}
`
    expect(parseScenario(text, [demo, yard])).to.deep.equal({
      seed: 7,
      start: 'asked',
      cameras: [
        { name: 'front', serial: 'SIM-front', port: '1', plugged: true },
        { name: 'back', port: '1.4', plugged: false },
      ],
      steps: [
        { action: 'unplug', at: 5_000, camera: 'front' },
        { action: 'jump_clock', at: 60_000, by: -7_200_000, every: 90_000, repeat: 2, jitter: 500 },
        { action: 'stall', at: 0, camera: 'demo' },
        { action: 'twin', at: 1_000, camera: 'front' },
        { action: 'unplug', at: 2_000, camera: 'front-twin' },
      ],
      names: ['front', 'back', 'demo'],
    })
  })

  it('may be empty: then only clients cause faults', () => {
    const nothing = { seed: 1, start: 'ready', cameras: [], steps: [], names: [] }
    expect(parseScenario('# nothing\n', [])).to.deep.equal(nothing)
  })

  const actions =
    'unplug, plug, replug, twin, stall, resume, busy, kill_server, hang_server, resume_server, disk_nearly_full, ' +
    'disk_full, disk_read_only, disk_ok, jump_clock'
  const cameras = 'cameras: [{name: front}]\n'
  const faulty: [what: string, text: string, faults: string[]][] = [
    [
      'a wrong action, with the nearest one',
      'steps:\n  - at: 5s\n    do: unplgu\n    camera: demo\n',
      [`steps[0].do = "unplgu": must be one of ${actions}; the nearest is unplug (s.yaml line 3)`],
    ],
    [
      'a wrong key, with the nearest one',
      'steps:\n  - {at: 5s, do: disk_ok, evry: 5s}\n',
      ['steps[0].evry = "5s": is not a known key; the nearest is every (s.yaml line 2)'],
    ],
    [
      'a camera that does not exist, with the nearest one',
      `${cameras}steps:\n  - {at: 0, do: stall, camera: frnt}\n`,
      [
        'steps[0].camera = "frnt": is not a camera of this file, or a virtual camera of the configuration; ' +
          'allowed: front, demo, any; the nearest is front (s.yaml line 3)',
      ],
    ],
    [
      'keys that belong to other actions',
      `${cameras}steps:\n  - {at: 0, do: disk_full, camera: front, port: "2", by: 5s, repeat: 2}\n`,
      [
        'steps[0].camera = "front": is only for faults of a camera, not for disk_full (s.yaml line 3)',
        'steps[0].port = "2": is only for plug, replug and twin, not for disk_full (s.yaml line 3)',
        'steps[0].by = "5s": is only for jump_clock, not for disk_full (s.yaml line 3)',
        'steps[0].repeat = 2: needs every: the time until the step is made again (s.yaml line 3)',
      ],
    ],
    [
      'keys that an action needs',
      `${cameras}steps:\n  - {at: 0, do: unplug}\n  - {at: 0, do: replug, camera: front}\n  - {at: 0, do: jump_clock}\n`,
      [
        'steps[0] = a group of keys: has no camera, which unplug needs (s.yaml line 3)',
        'steps[1] = a group of keys: has no port, which replug needs (s.yaml line 4)',
        'steps[2] = a group of keys: has no by, which jump_clock needs (s.yaml line 5)',
      ],
    ],
    [
      'a USB port of a virtual camera',
      'steps:\n  - {at: 0, do: twin, camera: demo}\n',
      ['steps[0].camera = "demo": has no USB port: only the cameras of this file have one (s.yaml line 2)'],
    ],
    [
      'two cameras at one port, also by default',
      'cameras:\n  - {name: a, port: "2"}\n  - name: b\n',
      [
        'cameras[0] = a group of keys: another camera is at the USB port 2 (s.yaml line 2)',
        'cameras[1] = a group of keys: another camera is at the USB port 2 (s.yaml line 3)',
      ],
    ],
    [
      'a name that a virtual camera has',
      'cameras:\n  - {name: demo}\n',
      ['cameras[0].name = a group of keys: must differ from the virtual cameras of the configuration (s.yaml line 2)'],
    ],
    [
      'a port without quotes, which YAML may have shortened',
      'cameras:\n  - {name: a, port: 1.10}\n',
      ['cameras[0].port = 1.1: must be a USB port in quotes, such as "2" or "1.4" (s.yaml line 2)'],
    ],
    [
      'reserved names',
      'cameras:\n  - name: camera0\n  - name: any\n  - name: a-twin\n',
      ['camera0', 'any', 'a-twin'].map(
        (name, at) =>
          `cameras[${at}].name = "${name}": must be a name of at most 48 of a-z, 0-9, _ and -, ` +
          `but not any, …-twin or camera0 (s.yaml line ${at + 2})`,
      ),
    ],
    ['a text that is not YAML', 'steps: [', ['the simulation file is not YAML']],
    ['a list', '- 1\n', ['must be a group of keys (seed, start, cameras, steps) (s.yaml line 1)']],
  ]
  for (const [what, text, faults] of faulty)
    it(`is refused with ${what}`, () => {
      const found = faultsOf(text)
      if (what.startsWith('a text')) expect(found[0]).to.include(faults[0])
      else expect(found).to.deep.equal(faults)
    })

  it('must exist', () => {
    expect(() => loadScenario('/nowhere/s.yaml', [])).to.throw(
      ConfigurationError,
      'the simulation file does not exist (file /nowhere/s.yaml)',
    )
  })
})
