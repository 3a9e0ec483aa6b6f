import { localSources } from '../client/localConfiguration.js'
import { type Colour, clean, paint, type Screen } from '../client/screen.js'
import type { CommandOf } from '../line/command.js'
import type { CommandPorts, Outcome } from '../outcome.js'
import { checkCameras } from './cameras.js'
import { checkDisks } from './disk.js'
import { type Finding, guarded } from './finding.js'
import { type DoctorHost, hostOf } from './host.js'
import { checkMediaServer, isExternal } from './mediaServer.js'
import { checkPorts, findService, serviceFinding } from './network.js'
import { checkPrograms } from './programs.js'
import { checkClock, checkConfiguration, checkMemory, checkSecrets } from './system.js'

/** `doctor`: checks this host and the configuration. The exit status is 1 if a check failed. */
export async function doctor(
  command: Pick<CommandOf<'doctor'>, 'config' | 'flags' | 'json'>,
  { screen, ...ports }: Pick<CommandPorts, 'env' | 'clock'> & { screen: Screen },
  host: DoctorHost = hostOf(ports),
): Promise<Outcome> {
  const checks = await examine(() => localSources(command, ports.env), host)
  const status = (['fail', 'warn'] as const).find((each) => checks.some((check) => check.status === each)) ?? 'ok'
  const out = command.json ? JSON.stringify({ status, checks }, null, 2) : textOf(screen, checks)
  return { status: status === 'fail' ? 1 : 0, out }
}

/** All findings, in the order in which a person repairs them. */
export async function examine(sources: Parameters<typeof checkConfiguration>[0], host: DoctorHost): Promise<Finding[]> {
  const { config, isDefault, findings } = await checkConfiguration(sources)
  const service = await findService(config, host)
  const external = await isExternal(config, host)
  // The speed of the disk is measured last, because the others would slow it down.
  const others = await Promise.all([
    guarded('programs', () => checkPrograms(host, config.mediamtx.codec.encoder)),
    guarded('cameras', () => checkCameras(config, host)),
    guarded('ports', () => checkPorts(config, host, { service, isExternal: external })),
    guarded('MediaMTX', () => checkMediaServer(config, host, { service, external })),
    guarded('secrets', () => checkSecrets(config, host)),
    guarded('clock', () => checkClock(host)),
    guarded('memory', () => checkMemory(host)),
  ])
  const disks = await guarded('disk', () => checkDisks(config, host))
  return [...findings, serviceFinding(service, isDefault), ...others.flat(), ...disks]
}

const colours: Record<Finding['status'], Colour> = { ok: 'green', warn: 'yellow', fail: 'red' }

function textOf(screen: Screen, checks: readonly Finding[]): string {
  const width = Math.max(...checks.map(({ check }) => check.length))
  const lines = checks.flatMap(({ check, status, message, fix }) => [
    `${paint(screen, colours[status], status.padEnd(4))}  ${clean(check).padEnd(width)}  ${clean(message)}`,
    ...(fix === undefined ? [] : [`${' '.repeat(6 + width + 2)}→ ${clean(fix)}`]),
  ])
  const count = (status: Finding['status']) => checks.filter((each) => each.status === status).length
  const [failed, warned] = [count('fail'), count('warn')]
  const end =
    failed > 0
      ? paint(screen, 'red', `${failed} failed`) + (warned > 0 ? `, ${warned} warned` : '')
      : warned > 0
        ? paint(screen, 'yellow', `nothing failed, ${warned} warned`)
        : paint(screen, 'green', 'all is well')
  return [...lines, '', end].join('\n')
}
