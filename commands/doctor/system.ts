import { resolve } from 'node:path'
import { findSecret, type SecretName } from '../../adapters/data/secrets.js'
import { codeOf } from '../../adapters/errorCode.js'
import { type ConfigurationSources, configurationPath, loadConfiguration } from '../../config/load.js'
import type { Configuration } from '../../config/schema.js'
import { bytesText } from '../../machines/domain/amounts.js'
import { reasonOf } from '../../machines/domain/errors.js'
import { checkedFiles } from '../checkConfig.js'
import { dataFolders } from '../dataFolders.js'
import { type Finding, fail, ok, warn } from './finding.js'
import type { DoctorHost } from './host.js'

/**
 * The configuration, and what is wrong with it. If it cannot be used, the rest is checked with the defaults.
 * `sources` throws if they cannot be found out.
 */
export async function checkConfiguration(
  sources: () => ConfigurationSources,
): Promise<{ config: Configuration; isDefault?: true; findings: Finding[] }> {
  const check = 'configuration'
  let source: ConfigurationSources = { env: {} }
  try {
    source = sources()
    const loaded = loadConfiguration(source)
    const { config } = loaded
    const { faults, warnings } = await checkedFiles(loaded, source.env)
    const where = configurationPath(source) ?? 'the environment and the defaults'
    if (faults.length > 0) return { config, findings: faults.map((line) => fail(check, line, fixOf(source))) }
    const notes = warnings.map((line) => warn(check, line, fixOf(source)))
    return { config, findings: notes.length > 0 ? notes : [ok(check, `no faults (${where})`)] }
  } catch (error) {
    const lines = reasonOf(error).split('\n')
    const findings = lines.map((line) => fail(check, line, fixOf(source)))
    const note = warn(check, 'the rest is checked with the defaults', 'repair the configuration, then run this again')
    return { config: loadConfiguration({ env: {} }).config, isDefault: true, findings: [...findings, note] }
  }
}

const fixOf = (source: ConfigurationSources): string =>
  `edit ${configurationPath(source) ?? 'the environment'}; camera-service check-config checks it again`

const secretNames: readonly SecretName[] = ['jwt_secret', 'link_secret', 'audit_secret', 'media_secret']

/** Who runs this, and the modes of the secrets. */
export async function checkSecrets(
  config: Configuration,
  host: Pick<DoctorHost, 'stat' | 'uid' | 'now'>,
): Promise<Finding[]> {
  const check = 'secrets'
  const { secrets } = dataFolders(config)
  const folder = await host.stat(secrets)
  const user = await userFindings(config, host)
  if (folder === undefined) return [...user, ok(check, 'there are none yet: the service makes them at its first start')]
  if ((folder.mode & 0o077) !== 0)
    return [...user, fail(check, `${secrets} is open to others (mode ${octal(folder.mode)})`, `chmod 700 ${secrets}`)]
  const results = await Promise.allSettled(secretNames.map((name) => findSecret(secrets, name)))
  const faults = results.flatMap((result, index) =>
    result.status === 'rejected' ? [secretFault(result.reason, `${secrets}/${secretNames[index]}`)] : [],
  )
  return [...user, ...(faults.length > 0 ? faults : [ok(check, 'closed to others')])]
}

function secretFault(error: unknown, path: string): Finding {
  const reason = reasonOf(error)
  const [message = reason] = reason.split(': run chmod')
  const code = codeOf(error)
  const fix =
    code === 'open'
      ? `chmod 600 ${path}`
      : code === 'EACCES'
        ? `chown the file to the user of the service: ${path}`
        : `restore ${path} from the backup, or remove it: then a new one is made, and what it signed is not valid any ` +
          'more'
  return fail('secrets', message, fix)
}

/** Root may do everything: its answers are not those for the service. */
async function userFindings({ data_dir }: Configuration, host: Pick<DoctorHost, 'stat' | 'uid'>): Promise<Finding[]> {
  const owner = (await host.stat(resolve(data_dir)))?.uid
  const uid = host.uid()
  if (owner === undefined || owner === uid) return []
  const who = uid === 0 ? 'root, with all permissions' : `uid ${uid}`
  const what = `this runs as ${who}; the data directory belongs to uid ${owner}`
  return [warn('user', what, `sudo -u '#${owner}' camera-service doctor`)]
}

const octal = (mode: number) => (mode & 0o777).toString(8).padStart(4, '0')

/** Clocks of boards without a battery begin with 1970, or with the date of their image. */
const firstYear = 2025

export async function checkClock(host: Pick<DoctorHost, 'now' | 'isSynchronised'>): Promise<Finding[]> {
  const check = 'clock'
  const time = new Date(host.now()).toISOString()
  const start = 'timedatectl set-ntp true, or install chrony; without a network, a clock with a battery'
  if (new Date(host.now()).getUTCFullYear() < firstYear)
    return [fail(check, `it says ${time}: recordings get wrong names, and tokens are refused`, start)]
  const isSynchronised = await host.isSynchronised()
  if (isSynchronised) return [ok(check, `${time}, set by NTP`)]
  if (isSynchronised === false) return [warn(check, `${time}, not set by NTP: it drifts`, start)]
  return [warn(check, `${time}; systemd does not say whether NTP sets it`, 'check it on the host: timedatectl')]
}

/** The service and MediaMTX need about 150 MB, each encoder 60. */
const enough = 400e6
const tight = 150e6

export async function checkMemory(host: Pick<DoctorHost, 'memory'>): Promise<Finding[]> {
  const check = 'memory'
  const { total, available, limit } = await host.memory()
  const size = Math.min(total, limit)
  const free = Math.min(available, limit)
  const text = `${bytesText(free)} of ${bytesText(size)} available`
  const fix = 'end other programs, add memory, or use cameras that send H.264: each other one needs 60 MB'
  if (free < tight) return [fail(check, `${text}: too little for the service and MediaMTX`, fix)]
  if (free < enough) return [warn(check, `${text}: enough for few cameras`, fix)]
  return [ok(check, text)]
}
