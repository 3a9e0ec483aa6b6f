import type { Log } from '../../machines/domain/ports.js'
import { type ApiOptions, createApi, isObject } from './api.js'

/** By protocol. */
export interface Encryption {
  hls: boolean
  webrtc: boolean
}

const names = { hls: 'HLS', webrtc: 'WebRTC' } as const

/**
 * Reads which protocols an external media server encrypts. Logs a warning for each that it serves without encryption
 * although it is in `needed`: browsers block it on pages that they load by https.
 */
export function createEncryptionReader({ needed, log, ...options }: ApiOptions & { needed: Encryption; log: Log }): {
  /** As of the last `read`; before it, none. */
  encrypted(): Encryption
  /** Keeps the last result if the server does not answer. Rejects only with the signal's reason. */
  read(signal: AbortSignal): Promise<void>
} {
  const api = createApi(options)
  let encrypted: Encryption = { hls: false, webrtc: false }
  let logged = ''

  const warn = (protocols: readonly ('hls' | 'webrtc')[]) => {
    const news = protocols.join()
    if (news === logged) return
    logged = news
    for (const each of protocols)
      log.warn('the external media server is misconfigured', {
        problem:
          `browsers block its ${names[each]}, because it is not encrypted and the pages of this service are: set ` +
          `${each}Encryption, ${each}ServerCert and ${each}ServerKey in its configuration, or in this one ` +
          `mediamtx.public_${each}_url to the address of a proxy that encrypts`,
      })
  }

  return {
    encrypted: () => encrypted,
    async read(signal) {
      const found = await api({ method: 'GET', path: '/v3/config/global/get', signal }).catch(() => {
        signal.throwIfAborted()
      })
      if (!isObject(found)) return
      encrypted = { hls: found.hlsEncryption === true, webrtc: found.webrtcEncryption === true }
      warn((['hls', 'webrtc'] as const).filter((each) => found[each] === true && needed[each] && !encrypted[each]))
    },
  }
}
