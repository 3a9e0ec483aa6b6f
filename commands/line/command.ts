import type { Rights } from '../../machines/domain/access.js'

export interface Sources {
  /** Path of the configuration file. */
  config?: string
  /** For `loadConfiguration`. */
  flags: { 'data-dir'?: string; simulate?: string }
}

/** The service and the credential. Absent: the environment, a profile, the service of this host. */
export interface Connection {
  url?: string
  token?: string
  /** `-`: standard input. */
  tokenFile?: string
  profile?: string
}

/** The options of a command that asks a service. */
export type Asking = Sources & { connection: Connection }
type Printing = Asking & { json: boolean }

/** The rights of a new credential, and its lifetime in ms. */
export type NewRights = Rights & { expires?: number }

/** The params of the method `explain`. */
export type ExplainSubject =
  | { device: string }
  | { recording: string }
  | { component: 'mediamtx' | 'storage' | 'discovery' }

/** The params of the method `get_history`. Times as ISO texts. */
export interface HistoryFilter {
  device?: string
  actor?: string
  since?: string
  until?: string
  limit?: number
}

export type RecordingFormat = 'fmp4' | 'mp4' | 'mkv'
export type Severity = 'info' | 'warning' | 'error' | 'critical'

/** A command of a client. `device`: the id of a camera. */
export type ClientCommand =
  | ({ name: 'status' } & Printing)
  | ({ name: 'cameras' } & Printing)
  | ({ name: 'camera'; device: string } & Printing)
  | ({ name: 'stop'; device: string } & Printing)
  /** `output`: the file to write; `-`: standard output. `force`: an existing file may be replaced. */
  | ({ name: 'snapshot'; device: string; output?: string; force: boolean } & Printing)
  /** `duration` in whole seconds. `detach`: do not wait for its end. */
  | ({ name: 'record'; device: string; duration?: number; detach: boolean; format?: RecordingFormat } & Printing)
  | ({ name: 'recordings'; limit: number } & Printing)
  | ({ name: 'download'; file: string; output?: string; force: boolean } & Printing)
  | ({ name: 'watch'; device?: string; topics?: string[]; severity?: Severity } & Printing)
  /** `params`: JSON; `-`: standard input. */
  | ({ name: 'call'; method: string; params?: string } & Asking)

/** A command line that was understood. */
export type Command =
  | ClientCommand
  /** `guide`: print addresses and a token for the person at the terminal. `flags.simulate`: the file of a scenario. */
  | ({ name: 'serve'; guide: boolean } & Sources)
  | ({ name: 'check-config' | 'download-mediamtx' } & Sources)
  /** `live`: only whether it answers at all. */
  | ({ name: 'health'; live: boolean; json: boolean } & Sources)
  | ({ name: 'doctor'; json: boolean } & Sources)
  /** `file`: of `serve --simulate`. */
  | ({ name: 'check-simulation'; file: string } & Sources)
  /** `what`: the script for bash, or what the script asks for. */
  | ({ name: 'completion'; what: 'bash' | 'cameras' | 'media' } & Asking)
  /** Without `expires`: `security.jwt_expiry_hours`. `id`: the token's `jti`. */
  | ({ name: 'token'; id?: string } & NewRights & Sources)
  /** `revoke`: a token's `jti`. */
  | ({ name: 'token'; revoke: string } & Sources)
  /** Without `expires`: `api_key_management.default_expiry`; 0: never. */
  | ({ name: 'keys'; act: 'create' } & NewRights & Sources)
  | ({ name: 'keys'; act: 'list' } & Sources)
  | ({ name: 'keys'; act: 'rotate' | 'revoke'; id: string } & Sources)
  | ({ name: 'audit'; act: 'verify' } & Sources)
  | ({ name: 'explain'; subject: ExplainSubject } & Printing)
  | ({ name: 'history'; filter: HistoryFilter; follow: boolean } & Printing)
  /** `output`: the file to write. */
  | ({ name: 'support-bundle'; output?: string; force: boolean } & Sources)
  /** `until`: the last event. `actor`: compares only this one. `force`: also with other statecharts. */
  | {
      name: 'replay'
      bundle: string
      until?: number
      actor?: string
      force: boolean
      /** Writes a file for test/replays/. */
      makeTest?: string
    }
  /** `of`: a command, or the first word of several. */
  | { name: 'help'; of?: string }
  | { name: 'version' }

/** The command line of one command. */
export type CommandOf<Name extends Command['name']> = Extract<Command, { name: Name }>

/** A mistake in the command line. The message is one sentence for the person at the terminal. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
