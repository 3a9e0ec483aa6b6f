/** A file that the configuration names, and its key. */
export interface NamedFile {
  key: string
  path: string
}

/** What a fault of a file is about. `name`: of the file, for the sentence. */
export interface FaultyFile {
  name: string
  /** The key of the configuration that names the file. */
  key?: string
  path?: string
  /** The code of the system's error; `open`: others may use the file. */
  code?: string
}

/** Why a file that the configuration names cannot be used. The message is one sentence without the path. */
export class FileFault extends Error {
  constructor(
    readonly rule: string,
    readonly about: FaultyFile,
  ) {
    super(`${about.name} ${rule}`)
  }
}
