/** What may leave the adapter in words: MediaMTX quotes sources and file names in its messages and log lines. */

/** For logs: URLs lose user and password, and what a query may hold. */
export const maskCredentials = (text: string): string =>
  text
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/)([^\s/@'"]*@)/gi, '$1***@')
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/[^\s?'"]+)\?[^\s'"]*/gi, '$1?***')

/** For clients: no URL beyond its scheme and no absolute file name is left. */
export const plainWords = (text: string): string =>
  text
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s'"]+/gi, '$1…')
    .replace(/(^|[\s'"=(])\/[^\s'"),;:]+/g, '$1…')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 300)
