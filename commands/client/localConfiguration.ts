import { accessSync, constants, existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type FoundAddress, findAddress } from '../../adapters/data/addressFile.js'
import { codeOf } from '../../adapters/errorCode.js'
import { asRunning } from '../../config/derive/address.js'
import {
  ConfigurationError,
  type ConfigurationSources,
  configurationPath,
  type Loaded,
  loadConfiguration,
} from '../../config/load.js'
import type { Sources } from '../line/command.js'
import { CommandError, type CommandPorts, configurationFault, noPermission } from '../outcome.js'

/** Where the systemd unit keeps what it runs with. */
const unit = {
  config: '/etc/camera-service/camera-service.yml',
  dataDir: '/var/lib/camera-service',
  /** Whether a service has used a data directory. */
  isUsed: (dataDir: string) => existsSync(join(dataDir, 'secrets')),
}

/** The service of this host, for commands that ask it or change its files. */
export interface LocalService {
  source: ConfigurationSources
  /** With the address of the running service in place of that of the configuration. */
  loaded: Loaded
  /** Whether it has left an address. */
  isRunning: boolean
  /** Present while it runs and has TLS: SHA-256 of its certificate. */
  fingerprint?: string
}

/**
 * Finds the service that the command line or the environment names, else that of this folder if a service has run here,
 * else that of the systemd unit. A running service is found by what it has left in its data directory; a fault of the
 * configuration is a warning then. Rejects with ConfigurationError or CommandError.
 */
export async function localService(
  sources: Sources,
  { env, log }: Pick<CommandPorts, 'env' | 'log'>,
  installed = unit,
): Promise<LocalService> {
  const source = localSources(sources, env, installed)
  const usable = asFarAsUsable(source)
  const { loaded, fault } = usable
  const address = await addressOf(source, usable, installed)
  if (address === undefined) {
    if (fault) throw isUnreadable(fault) ? withAdvice(fault) : fault
    return { source, loaded, isRunning: false }
  }
  if (fault) log.warn(warningOf(fault))
  const { fingerprint } = address
  const config = asRunning(loaded.config, address)
  return { source, loaded: { ...loaded, config }, isRunning: true, ...(fingerprint !== undefined && { fingerprint }) }
}

/** Where the configuration of the service of this host comes from. Throws as `localService`. */
export function localSources(
  { config, flags }: Sources,
  env: NodeJS.ProcessEnv,
  installed = unit,
): ConfigurationSources {
  const asGiven = { file: config, flags, env }
  const isNamed = config ?? flags['data-dir'] ?? env.CAMERA_SERVICE_CONFIG ?? env.CAMERA_SERVICE_DATA_DIR
  if (isNamed) return asGiven
  const isUsedHere = () => installed.isUsed(asFarAsUsable(asGiven).loaded.config.data_dir)
  if ((!isInstalled(env) && isUsedHere()) || !mayRead(installed.config)) return asGiven
  const ofUnit = { file: installed.config, flags: { ...flags, 'data-dir': installed.dataDir }, env }
  // Another unit than ours may leave the data directory to the file.
  const ofFile = { file: installed.config, flags, env }
  const namesOwn = asFarAsUsable(ofFile).loaded.origins.has('data_dir')
  return namesOwn && !installed.isUsed(installed.dataDir) ? ofFile : ofUnit
}

/** Whether this is the program of `make install` or of the package, whose folder does not matter. */
const isInstalled = (env: NodeJS.ProcessEnv): boolean => Boolean(env.CAMERA_SERVICE_INSTALLED)

/** The same for commands that do not look for a service: a program of a checkout only uses what it is given. */
export const givenSources = (sources: Sources, env: NodeJS.ProcessEnv, installed = unit): ConfigurationSources =>
  isInstalled(env) ? localSources(sources, env, installed) : { file: sources.config, flags: sources.flags, env }

/** The configuration, and its fault with the defaults in place of the faulty values. */
function asFarAsUsable(source: ConfigurationSources): { loaded: Loaded; fault?: ConfigurationError } {
  try {
    return { loaded: loadConfiguration(source) }
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    if (error.usable === undefined) throw isUnreadable(error) ? withAdvice(error) : error
    return { loaded: error.usable, fault: error }
  }
}

/** The file is missing, or no YAML: it does not say where the data directory is. */
const isUnreadable = ({ faults }: ConfigurationError): boolean => faults.some(({ key }) => key === '')

const withAdvice = ({ message }: ConfigurationError): CommandError =>
  new CommandError(`${message}; a running service is found with --data-dir DIR all the same`, configurationFault)

/** A file that cannot be read at all does not name the data directory: then the service must have been started with it. */
async function addressOf(
  source: ConfigurationSources,
  { loaded, fault }: ReturnType<typeof asFarAsUsable>,
  installed: typeof unit,
): Promise<FoundAddress | undefined> {
  const isUnknown = fault !== undefined && isUnreadable(fault) && !loaded.origins.has('data_dir')
  if (!isUnknown) return findAddress(loaded.config.data_dir)
  const path = resolve(configurationPath(source) ?? '')
  for (const dir of [loaded.config.data_dir, ...(path === installed.config ? [installed.dataDir] : [])]) {
    const found = await findAddress(dir)
    if (found?.config === path) {
      loaded.config = { ...loaded.config, data_dir: dir }
      return found
    }
  }
  return undefined
}

function warningOf({ faults, message }: ConfigurationError): string {
  const [first = ''] = message.split('\n')
  const rest = faults.length === 1 ? 'a fault' : `${faults.length} faults`
  return (
    `warning: the configuration has ${rest} and is not used: ${first}; the running service is asked. ` +
    'camera-service check-config lists all faults'
  )
}

/** Throws CommandError if it exists, but is closed to this user. */
function mayRead(path: string): boolean {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch (error) {
    if (codeOf(error) !== 'EACCES') return false
    throw new CommandError(
      `${path} may not be read: run this command with sudo, or name the service with --url URL and a token`,
      noPermission,
    )
  }
}
