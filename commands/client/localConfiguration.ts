import { accessSync, constants, existsSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf } from '../../adapters/errorCode.js'
import { type ConfigurationSources, loadConfiguration } from '../../config/load.js'
import type { Configuration } from '../../config/schema.js'
import type { Sources } from '../line/command.js'
import { CommandError, noPermission } from '../outcome.js'

/** Where the systemd unit keeps what it runs with. */
const unit = {
  config: '/etc/camera-service/camera-service.yml',
  dataDir: '/var/lib/camera-service',
  /** Whether a service has used a data directory. */
  isUsed: (dataDir: string) => existsSync(join(dataDir, 'secrets')),
}

/**
 * The configuration of the service of this host: the one that the command line or the environment names, else that of
 * this folder if a service has run here, else that of the systemd unit. Throws ConfigurationError or CommandError.
 */
export const localConfiguration = (sources: Sources, env: NodeJS.ProcessEnv, installed = unit): Configuration =>
  loadConfiguration(localSources(sources, env, installed)).config

/** Where the configuration of the service of this host comes from. Throws as `localConfiguration`. */
export function localSources(
  { config, flags }: Sources,
  env: NodeJS.ProcessEnv,
  installed = unit,
): ConfigurationSources {
  const asGiven = { file: config, flags, env }
  const isNamed = config ?? flags['data-dir'] ?? env.CAMERA_SERVICE_CONFIG ?? env.CAMERA_SERVICE_DATA_DIR
  if (isNamed) return asGiven
  const here = loadConfiguration(asGiven).config
  if (installed.isUsed(here.data_dir) || !mayRead(installed.config)) return asGiven
  return { file: installed.config, flags: { 'data-dir': installed.dataDir }, env }
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
