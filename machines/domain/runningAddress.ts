/**
 * How commands on the host reach the running service, whatever its configuration file contains by now. It contains no
 * secrets: the service leaves it in its data directory.
 */
export interface RunningAddress {
  /** Absolute path of the file that the service was started with; empty: none. */
  config: string
  /** `certFile`: absolute path; empty: no TLS. */
  api: { host: string; port: number; path: string; certFile: string }
  /** Absent: it is off. */
  health?: { host: string; port: number }
  /** `ownKey`: their key is that of the data directory. */
  tokens: { issuer: string; audience: string; ownKey: boolean }
}
