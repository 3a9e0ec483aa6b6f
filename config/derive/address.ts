/** Configuration ↔ the address that a running service leaves for commands on its host. Pure. */
import { resolve } from 'node:path'
import type { RunningAddress } from '../../machines/domain/runningAddress.js'
import type { Configuration } from '../schema.js'

/** `rpc`, `health`: the ports on which the service listens. */
export function runningAddress(
  { server, http_health, security }: Configuration,
  { rpc, health, configFile }: { rpc: number; health: number | undefined; configFile: string | undefined },
): RunningAddress {
  const { host, websocket_path: path, tls } = server
  return {
    config: configFile === undefined ? '' : resolve(configFile),
    api: { host, port: rpc, path, certFile: tls.cert_file && resolve(tls.cert_file) },
    ...(health !== undefined && { health: { host: http_health.host, port: health } }),
    tokens: {
      issuer: security.jwt_issuer,
      audience: security.jwt_audience,
      ownKey: security.jwt_secret_key === '' && security.jwt_secret_file === '',
    },
  }
}

/** The configuration with the address of the running service in place of its own. */
export function asRunning(config: Configuration, { api, health, tokens }: RunningAddress): Configuration {
  const { server, http_health, security } = config
  const { host, port, path, certFile } = api
  return {
    ...config,
    server: { ...server, host, port, websocket_path: path, tls: { ...server.tls, cert_file: certFile } },
    http_health: { ...http_health, ...(health ? { ...health, enabled: true } : { enabled: false }) },
    security: {
      ...security,
      jwt_issuer: tokens.issuer,
      jwt_audience: tokens.audience,
      ...(tokens.ownKey && { jwt_secret_key: '', jwt_secret_file: '' }),
    },
  }
}
