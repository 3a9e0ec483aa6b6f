/** The file of `serve --simulate`: cameras that do not exist, and what happens to them. */

import { hintOf } from '../machines/domain/nearest.js'
import type { CameraEntry } from '../machines/domain/ports.js'
import {
  type Action,
  anyCamera,
  cameraActions,
  hostActions,
  isCameraAction,
  type Scenario,
  type SimulatedCamera,
  type Step,
  twinOf,
} from '../machines/domain/simulation.js'
import { duration, durationOf, type Format, oneOf, textLike, whole, yesNo } from './formats.js'
import { documented, groupOf, groupsOf, listThat, mapped } from './groups.js'
import { ConfigurationError, type Fault, readText } from './load.js'
import { isNothing, type Raw, type Report, shown } from './raw.js'
import { parseYaml } from './yaml.js'

/** Words that would be mistaken for another camera. */
const isReserved = (name: string) => name === anyCamera || name.endsWith('-twin') || /^camera\d+$/.test(name)

const name = textLike(
  'a name of at most 48 of a-z, 0-9, _ and -, but not any, …-twin or camera0',
  (value) => /^[a-z0-9_-]{1,48}$/.test(value) && !isReserved(value),
)
const serial = textLike('none, or at most 64 of A-Z, a-z, 0-9, _ and -, not only zeros', (value) => {
  return /^[\w-]{1,64}$/.test(value) && !/^[0_-]*$/.test(value)
})
const port = textLike('a USB port in quotes, such as "2" or "1.4"', (value) =>
  /^[1-9]\d?(\.[1-9]\d?){0,5}$/.test(value),
)

/** Like a duration, also negative. */
const jump: Format<number> = {
  allowed: 'a duration up to 3650d, such as 2h; back in time with -2h',
  read: (raw, report) => {
    const [, sign, rest] = /^([+-]?)(.*)$/.exec(raw.kind === 'scalar' ? String(raw.value) : '') ?? []
    const ms = durationOf(rest, 's')
    if (ms !== undefined && ms > 0 && ms <= 3650 * 86_400_000) return sign === '-' ? -ms : ms
    report(`must be ${jump.allowed}`, raw)
    return undefined
  },
}

const action: Format<Action> = oneOf(...cameraActions, ...hostActions)

const cameraFields = { name, serial, port, plugged: yesNo }
const stepFields = {
  at: duration('0s'),
  do: action,
  camera: textLike(`the name of a camera, or ${anyCamera}`),
  port,
  by: jump,
  every: duration('1s'),
  repeat: whole(1, 1_000_000),
  jitter: duration('0s'),
}

/** The keys, for the documentation. */
export const scenarioFields = {
  cameras: documented(cameraFields, {
    name: 'Required, unique. Steps select the camera by it.',
    serial: 'Default `SIM-` and the name. `none`: the camera reports no serial and is identified by its port.',
    port: 'The USB port. Default: the number in the list.',
    plugged: 'Default true. `false`: it is not plugged in at the start.',
  }),
  steps: documented(stepFields, {
    at: 'Required. The time since the start of the scenario.',
    do: 'Required. What happens.',
    camera: `For faults of a camera: its name, or \`${anyCamera}\` for a random one.`,
    port: 'For `plug` and `twin`: default the last port, or a free one. Required for `replug`.',
    by: 'Required for `jump_clock`.',
    every: 'Repeats the step after this time.',
    repeat: 'How often the step is made in all. Default with `every`: for ever.',
    jitter: 'Delays each time by a random part of this.',
  }),
}

const cameras = listThat(
  groupsOf(groupOf(cameraFields, ['name']), 'cameras', [
    { key: 'name', idOf: (camera) => camera.name, rule: (each) => `must be unique: another camera is called ${each}` },
    { key: 'port', idOf: (camera) => camera.port, rule: () => 'must be unique: another camera is at this port' },
  ]),
  'have at most 16 items',
  (items) => items.length <= 16,
)

const steps = listThat(
  groupsOf(
    mapped(groupOf(stepFields, ['at', 'do']), ({ do: action, ...rest }): Step => ({ action, ...rest })),
    'steps',
  ),
  'have at most 1000 items',
  (items) => items.length <= 1_000,
)

const file = groupOf({ seed: whole(0, 2 ** 31 - 1), start: oneOf('ready', 'asked'), cameras, steps })

/** Reads the file. Throws ConfigurationError with every fault of it. `entries`: the configured cameras. */
export function loadScenario(path: string, entries: readonly CameraEntry[]): Scenario {
  const place = `file ${path}`
  const read = readText(path)
  if ('rule' in read)
    throw new ConfigurationError([{ key: '', value: '', rule: `the simulation file ${read.rule}`, origin: place }])
  return parseScenario(read.text, entries, place)
}

/** The same from the text of the file. `place` names it in the faults. */
export function parseScenario(text: string, entries: readonly CameraEntry[], place = 'the simulation file'): Scenario {
  const faults: Fault[] = []
  const originOf = (line: number | undefined) => (line === undefined ? place : `${place} line ${line}`)
  const report: Report = (rule, raw, below = '') => {
    const key = below.replace(/^\./, '')
    faults.push({ key, value: key === '' ? '' : shown(raw, key), rule, origin: originOf(raw.line) })
  }
  const { root, faults: syntax } = parseYaml(text)
  for (const { rule, line } of syntax)
    faults.push({ key: '', value: '', rule: `the simulation file ${rule}`, origin: originOf(line) })
  const isEmpty = root === undefined || isNothing(root)
  const values = isEmpty ? {} : file.read(root, report)
  if (faults.length > 0 || values === undefined) throw new ConfigurationError(faults)

  const simulated = withDefaults(values.cameras ?? [])
  const known = namesIn(simulated, entries, values.steps ?? [])
  const itemsOf = (key: string): readonly Raw[] => {
    const list = root?.kind === 'map' ? root.entries.find((entry) => entry.key === key)?.value : undefined
    return list?.kind === 'list' ? list.items : []
  }
  for (const [index, camera] of simulated.entries()) {
    const raw = itemsOf('cameras')[index]
    if (raw && known.virtual.includes(camera.name))
      report('must differ from the virtual cameras of the configuration', raw, `.cameras[${index}].name`)
    if (raw && simulated.some(({ port, name }) => port === camera.port && name !== camera.name))
      report(`another camera is at the USB port ${camera.port}`, raw, `.cameras[${index}]`)
  }
  for (const [index, step] of (values.steps ?? []).entries()) {
    const raw = itemsOf('steps')[index]
    if (raw)
      checkStep(step, known, (key, rule) => report(rule, writtenAt(raw, key), `.steps[${index}]${key && `.${key}`}`))
  }
  if (faults.length > 0) throw new ConfigurationError(faults)
  return {
    seed: values.seed ?? 1,
    start: values.start ?? 'ready',
    cameras: simulated,
    steps: values.steps ?? [],
    names: [...simulated.map(({ name }) => name), ...known.virtual],
  }
}

type Known = Record<'usb' | 'virtual', readonly string[]>

function namesIn(
  simulated: readonly SimulatedCamera[],
  entries: readonly CameraEntry[],
  steps: readonly Step[],
): Known {
  const twins = steps.flatMap(({ action, camera }) => {
    return action === 'twin' && camera !== undefined ? [twinOf(camera)] : []
  })
  return {
    usb: [...simulated.map(({ name }) => name), ...twins],
    virtual: entries.flatMap(({ name, source, enabled }) => (enabled && source.kind === 'virtual' ? [name] : [])),
  }
}

/** Checks what depends on several keys. `refuse`: the key at fault, empty for the whole step. */
function checkStep(step: Step, known: Known, refuse: (key: string, rule: string) => void): void {
  const { action, camera, port, by, every, repeat } = step
  const all = [...known.usb, ...known.virtual]
  const isUsb = camera === anyCamera ? known.virtual.length === 0 : known.usb.includes(camera ?? '')
  if (!isCameraAction(action)) {
    if (camera !== undefined) refuse('camera', `is only for faults of a camera, not for ${action}`)
  } else if (camera === undefined) refuse('', `has no camera, which ${action} needs`)
  else if (camera === anyCamera && all.length === 0) refuse('camera', 'needs at least one camera')
  else if (camera !== anyCamera && !all.includes(camera)) {
    const choice = all.length === 0 ? 'there are none' : `allowed: ${[...all, anyCamera].join(', ')}`
    refuse(
      'camera',
      `is not a camera of this file, or a virtual camera of the configuration; ${choice}${hintOf(camera, all)}`,
    )
  } else if ((action === 'replug' || action === 'twin' || port !== undefined) && !isUsb)
    refuse('camera', 'has no USB port: only the cameras of this file have one')
  if (port !== undefined && !['plug', 'replug', 'twin'].includes(action))
    refuse('port', `is only for plug, replug and twin, not for ${action}`)
  if (action === 'replug' && port === undefined) refuse('', 'has no port, which replug needs')
  if (by !== undefined && action !== 'jump_clock') refuse('by', `is only for jump_clock, not for ${action}`)
  if (action === 'jump_clock' && by === undefined) refuse('', 'has no by, which jump_clock needs')
  if (repeat !== undefined && every === undefined)
    refuse('repeat', 'needs every: the time until the step is made again')
}

const writtenAt = (raw: Raw, key: string): Raw =>
  (raw.kind === 'map' && raw.entries.find((entry) => entry.key === key)?.value) || raw

type WrittenCamera = { name: string; serial?: string; port?: string; plugged?: boolean }

const withDefaults = (written: readonly WrittenCamera[]): SimulatedCamera[] =>
  written.map(({ name, serial = `SIM-${name}`, port, plugged = true }, index) => ({
    name,
    ...(serial !== 'none' && { serial }),
    port: port ?? String(index + 1),
    plugged,
  }))
