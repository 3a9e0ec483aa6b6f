import { parseDuration } from './duration.js'
import type { GlobalConf, PathConf } from './fields.js'
import { faultOfName, matcherOf } from './pathNames.js'
import { faultOfSource } from './sourceUrl.js'

/** Whether the rule is broken, and the message that MediaMTX has for it. */
type Rule = [isBroken: boolean, message: string]

function check(rules: Rule[]): void {
  const broken = rules.find(([isBroken]) => isBroken)
  if (broken) throw new Error(broken[1])
}

/** Throws an Error for the first rule that the configuration of a path breaks. */
export function checkPath(conf: PathConf): void {
  const { name, source, recordPath } = conf
  const isPattern = matcherOf(name) !== undefined
  const nameFault = isPattern ? undefined : faultOfName(name)
  const sourceFault = source === 'publisher' ? undefined : faultOfSource(source)
  const has = (...codes: string[]): boolean => codes.every((code) => recordPath.includes(code))
  const segment = parseDuration(conf.recordSegmentDuration)
  const deleteAfter = parseDuration(conf.recordDeleteAfter)
  const pattern = "a path with a regular expression (or path 'all_others')"
  check([
    [nameFault !== undefined, `invalid path name '${name}': ${nameFault}`],
    [sourceFault !== undefined, sourceFault ?? ''],
    [conf.sourceOnDemand && source === 'publisher', "'sourceOnDemand' is useless when source is 'publisher'"],
    [
      isPattern && source !== 'publisher' && !conf.sourceOnDemand,
      `${pattern} and a static source must have 'sourceOnDemand' set to true`,
    ],
    [!has('%path'), "'recordPath' must contain %path"],
    [
      !has('%s') && !has('%Y', '%m', '%d', '%H', '%M', '%S'),
      "'recordPath' must contain either %s or %Y %m %d %H %M %S",
    ],
    [segment > parseDuration('1d'), 'maximum segment duration is 1 day'],
    [deleteAfter !== 0 && deleteAfter < segment, "'recordDeleteAfter' cannot be lower than 'recordSegmentDuration'"],
    [
      conf.runOnDemand !== '' && source !== 'publisher',
      "'runOnDemand' and 'runOnUnDemand' can be used only when source is 'publisher'",
    ],
  ])
}

/** Throws an Error for the first rule that the global configuration breaks. */
export function checkGlobal(conf: GlobalConf): void {
  const users = conf.authMethod === 'internal' ? conf.authInternalUsers : []
  check([
    [parseDuration(conf.readTimeout) <= 0, "'readTimeout' must be greater than zero"],
    [parseDuration(conf.writeTimeout) <= 0, "'writeTimeout' must be greater than zero"],
    [conf.writeQueueSize <= 0, "'writeQueueSize' must be greater than zero"],
    [Math.log2(conf.writeQueueSize) % 1 !== 0, "'writeQueueSize' must be a power of two"],
    [users.some(({ user }) => user === ''), 'empty usernames are not supported'],
    [
      users.some(({ user, pass }) => user === 'any' && pass !== ''),
      "using a password with 'any' user is not supported",
    ],
    [conf.authMethod === 'http' && conf.authHTTPAddress === '', "'authHTTPAddress' is empty"],
    [
      conf.authMethod === 'http' && !/^https?:\/\//.test(conf.authHTTPAddress),
      "'externalAuthenticationURL' must be a HTTP URL",
    ],
    [conf.api && conf.apiAddress === '', "'apiAddress' must be set when API is enabled"],
    [
      conf.rtsp && conf.rtspAddress === '',
      "'rtspAddress' must be set when RTSP is enabled and RTSP encryption is 'no' or 'optional'",
    ],
  ])
}
