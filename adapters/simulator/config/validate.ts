import type { GlobalConf, PathConf } from './config.js'
import { parseDuration } from './duration.js'

/** Of a name that stands for several paths; `undefined`: it is a path's own name. Throws when the expression is none. */
export function matcherOf(name: string): RegExp | undefined {
  if (name === 'all' || name === 'all_others') return /^.*$/
  if (!name.startsWith('~')) return undefined
  try {
    return new RegExp(name.slice(1))
  } catch {
    throw new Error(`invalid regular expression: ${name.slice(1)}`)
  }
}

/** `undefined`: the name may be a path's. */
export function faultOfName(name: string): string | undefined {
  if (name === '') return 'cannot be empty'
  if (name.startsWith('/')) return "can't begin with a slash"
  if (name.endsWith('/')) return "can't end with a slash"
  if (!/^[0-9a-zA-Z_\-/.]+$/.test(name))
    return 'can contain only alphanumeric characters, underscore, dot, minus, slash'
  if (name.split('/').some((segment) => segment === '.' || segment === '..')) return "can't contain dot path segments"
  return undefined
}

const urlSources =
  /^(?:rtsps?(?:\+(?:http|ws))?|rtmps?|https?|srt|udp(?:\+mpegts|\+rtp)?|unix\+(?:mpegts|rtp)|wheps?|moqt):\/\//

/** Throws an Error with MediaMTX's text for the first rule that is broken. */
export function validatePath(conf: PathConf, global: GlobalConf): void {
  const refuse = (text: string): never => {
    throw new Error(text)
  }
  const matcher = matcherOf(conf.name)
  const fault = matcher ? undefined : faultOfName(conf.name)
  if (fault !== undefined) refuse(`invalid path name '${conf.name}': ${fault}`)
  validateSource(conf, matcher !== undefined, refuse)
  if (conf.alwaysAvailable) {
    if (matcher) refuse("'alwaysAvailable' cannot be used in a path with a regular expression (or path 'all_others')")
    if (conf.sourceOnDemand) refuse("'sourceOnDemand' is not compatible with 'alwaysAvailable'")
    if (conf.runOnDemand || conf.runOnUnDemand)
      refuse("'runOnDemand' and 'runOnUnDemand' cannot be used with 'alwaysAvailable'")
    if (
      conf.alwaysAvailableFile === '' &&
      Array.isArray(conf.alwaysAvailableTracks) &&
      conf.alwaysAvailableTracks.length === 0
    )
      refuse("'alwaysAvailableTracks' must contain at least one track")
  }
  validateRecording(conf, global, refuse)
  if (conf.runOnInit && matcher)
    refuse(
      "a path with a regular expression (or path 'all_others') does not support option 'runOnInit'; use another path",
    )
  if ((conf.runOnDemand || conf.runOnUnDemand) && conf.source !== 'publisher')
    refuse("'runOnDemand' and 'runOnUnDemand' can be used only when source is 'publisher'")
}

function validateSource(conf: PathConf, manyPaths: boolean, refuse: (text: string) => never): void {
  const { source } = conf
  if (source !== 'redirect' && conf.sourceRedirect) refuse("'sourceRedirect' is useless when source is not 'redirect'")
  if (source === 'redirect' && !conf.sourceRedirect) refuse('source redirect must be filled')
  if (urlSources.test(source)) {
    if (/^rtsp/.test(source) && !/^rtsp[^:]*:\/\/[^/]/.test(source)) refuse(`'${source}' is not a valid URL`)
  } else if (!['publisher', 'redirect', 'rpiCamera'].includes(source)) refuse(`invalid source: '${source}'`)
  if (conf.sourceOnDemand && source === 'publisher') refuse("'sourceOnDemand' is useless when source is 'publisher'")
  if (source !== 'publisher' && source !== 'redirect' && manyPaths && !conf.sourceOnDemand)
    refuse(
      "a path with a regular expression (or path 'all_others') and a static source must have 'sourceOnDemand' set to true",
    )
  const passphrase = String(conf.srtReadPassphrase)
  if (passphrase !== '' && (passphrase.length < 10 || passphrase.length > 79))
    refuse("invalid 'readRTPassphrase': must be between 10 and 79 characters")
}

function validateRecording(conf: PathConf, global: GlobalConf, refuse: (text: string) => never): void {
  const has = (...codes: string[]): boolean => codes.every((code) => conf.recordPath.includes(code))
  if (!has('%path')) refuse("'recordPath' must contain %path")
  if (!has('%s') && !has('%Y', '%m', '%d', '%H', '%M', '%S'))
    refuse("'recordPath' must contain either %s or %Y %m %d %H %M %S")
  if (global.playback && !has('%f')) refuse("'recordPath' must contain %f")
  const segment = parseDuration(conf.recordSegmentDuration)
  const deleteAfter = parseDuration(conf.recordDeleteAfter)
  if (segment > parseDuration('1d')) refuse('maximum segment duration is 1 day')
  if (deleteAfter !== 0 && deleteAfter < segment)
    refuse("'recordDeleteAfter' cannot be lower than 'recordSegmentDuration'")
}

/** Throws like validatePath. */
export function validateGlobal(conf: GlobalConf): void {
  const rules: [broken: boolean, text: string][] = [
    [parseDuration(conf.readTimeout) <= 0, "'readTimeout' must be greater than zero"],
    [parseDuration(conf.writeTimeout) <= 0, "'writeTimeout' must be greater than zero"],
    [conf.writeQueueSize <= 0, "'writeQueueSize' must be greater than zero"],
    [Math.log2(conf.writeQueueSize) % 1 !== 0, "'writeQueueSize' must be a power of two"],
    [Number(conf.udpMaxPayloadSize) > 1472, "'udpMaxPayloadSize' must be less than 1472"],
    [
      conf.authMethod === 'internal' && conf.authInternalUsers.some(({ user }) => user === ''),
      'empty usernames are not supported',
    ],
    [
      conf.authMethod === 'internal' && conf.authInternalUsers.some(({ user, pass }) => user === 'any' && pass !== ''),
      "using a password with 'any' user is not supported",
    ],
    [conf.authMethod === 'http' && conf.authHTTPAddress === '', "'authHTTPAddress' is empty"],
    [
      conf.authMethod === 'http' && !/^https?:\/\//.test(conf.authHTTPAddress),
      "'externalAuthenticationURL' must be a HTTP URL",
    ],
    [conf.authMethod === 'jwt' && conf.authJWTJWKS === '', "'authJWTJWKS' is empty"],
    [conf.api && conf.apiAddress === '', "'apiAddress' must be set when API is enabled"],
    [
      conf.rtsp && conf.rtspAddress === '',
      "'rtspAddress' must be set when RTSP is enabled and RTSP encryption is 'no' or 'optional'",
    ],
  ]
  const broken = rules.find(([isBroken]) => isBroken)
  if (broken) throw new Error(broken[1])
}
