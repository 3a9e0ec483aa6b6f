import { bytesText, count, percentText, spanText } from '../machines/domain/amounts.js'
import type { EndedRecording, Fact, FactOf, Told } from '../machines/domain/facts.js'

type Sentences = { readonly [Type in Fact['type']]: (fact: FactOf<Type>) => string }

/** What the log says of each fact. The reason's sentence is part of it. */
const sentences: Sentences = {
  'camera.connected': ({ camera, name }) => `${camera} (${name}) is connected`,
  'camera.disconnected': ({ camera, reason }) => `${camera} is not connected: ${reason.details}`,
  'camera.statusChanged': ({ camera, from, to, reason }) =>
    `the status of ${camera} changed from ${from} to ${to}${reason ? `: ${reason.details}` : ''}`,
  'camera.probed': ({ camera, encoder, encoderReason }) =>
    `the formats of ${camera} are known${encoder ? `; its stream is encoded by ${encoder}: ${encoderReason}` : ''}`,
  'camera.probeFailed': ({ camera, reason }) => `the formats of ${camera} are not known: ${reason.details}`,
  'camera.mediaChanged': ({ camera, reason }) => `the stream of ${camera} changed: ${reason.details}`,
  'camera.identityAmbiguous': ({ camera, reason }) => `the identity of ${camera} is ambiguous: ${reason.details}`,
  'camera.recordingOver': ({ camera }) => `${camera} has no recording any more`,
  'camera.retired': ({ camera }) => `${camera} is no longer listed`,
  'camera.renamed': ({ camera, name }) => `${camera} is now called ${name}`,

  'recording.started': ({ camera, filename }) => `${camera} is being recorded to ${filename}`,
  'recording.interrupted': ({ camera, reason }) =>
    `the recording of ${camera} is interrupted and continues by itself: ${reason.details}`,
  'recording.suspended': ({ camera, outcome }) =>
    `the files of the interrupted recording of ${camera} are closed, with ${recorded(outcome)}`,
  'recording.resumed': ({ camera, filename, gap }) =>
    `the recording of ${camera} continues in ${filename} after a gap of ${spanText(gap.to - gap.from)}`,
  'recording.ended': ({ camera, outcome }) =>
    `the recording of ${camera} ended, with ${recorded(outcome)}: ${outcome.reason.details}`,
  'recording.failed': ({ camera, outcome }) =>
    `the recording of ${camera} failed, with ${recorded(outcome)}: ${outcome.reason.details}`,

  'snapshot.taken': ({ camera, filename, width, height }) =>
    `a snapshot of ${camera} was taken: ${filename}, ${width}x${height}`,
  'snapshot.failed': ({ camera, reason }) => `no snapshot of ${camera} was taken: ${reason.details}`,
  'still.taken': ({ camera, bytes }) => `a picture of ${camera} was taken: ${bytesText(bytes)}`,
  'still.failed': ({ camera, reason }) => `no picture of ${camera} was taken: ${reason.details}`,

  'stream.started': ({ camera }) => `the stream of ${camera} runs`,
  'stream.stalled': ({ camera, reason }) => `the stream of ${camera} is stalled: ${reason.details}`,
  'stream.overloaded': ({ camera, reason }) => `the stream of ${camera} is overloaded: ${reason.details}`,
  'stream.relieved': ({ camera }) => `the stream of ${camera} is no longer overloaded`,
  'stream.ended': ({ camera, reason }) => `the stream of ${camera} ended: ${reason.details}`,

  'link.up': ({ version, paths }) => `the media server ${version} answers, with ${count(paths, 'path')}`,
  'link.degraded': ({ reason }) => `a check of the media server failed: ${reason.details}`,
  'link.down': ({ reason }) => `the media server is down: ${reason.details}`,
  'link.breakerOpened': () => 'calls of the media server are paused, because several failed in a row',
  'path.drifted': ({ camera, reason }) => `${camera}: ${reason.details}`,

  'storage.ok': ({ percent, available }) =>
    `the disk of the recordings has ${bytesText(available)} available, ${percentText(percent)} is used`,
  'storage.warning': ({ reason }) => `less room for recordings: ${reason.details}`,
  'storage.critical': ({ reason }) => `no room for recordings: ${reason.details}`,
  'storage.blind': ({ reason }) => `no measure of the disk of the recordings: ${reason.details}`,
  'storage.switched': ({ to, reason }) => `new recordings go to the ${to} folder: ${reason.details}`,

  'discovery.started': () => 'the scan for external streams begins',
  'discovery.progress': ({ done, total }) => `the scan for external streams has asked ${done} of ${total} addresses`,
  'discovery.found': ({ name }) => `an external stream was found: ${name}`,
  'discovery.ended': ({ found, took, errors }) =>
    `the scan for external streams found ${count(found, 'stream')} in ${spanText(took)}` +
    (errors.length > 0 ? `, with ${count(errors.length, 'error')}` : ''),
  'externalStream.added': ({ url }) => `the external stream ${url} was added`,
  'externalStream.unchanged': ({ url }) => `the external stream ${url} existed already`,
  'externalStream.removed': ({ url }) => `the external stream ${url} was removed`,
  'externalStream.refused': ({ reason }) => `the external streams were not changed: ${reason.details}`,
  'externalDiscovery.intervalSet': ({ interval }) =>
    `external streams are searched for ${interval > 0 ? `every ${spanText(interval)}` : 'when a client asks'}`,

  'retention.policySet': () => 'the retention policy was set',
  'retention.swept': ({ files, freed, kept, reason }) =>
    [
      `${count(files, 'file was', 'files were')} deleted by retention, which freed ${bytesText(freed)}`,
      ...(kept.length > 0 ? [`${kept.length} could not be deleted`] : []),
      ...(reason === undefined ? [] : [`it ended early: ${reason}`]),
    ].join('; '),
  'retention.suspended': ({ reason }) => `retention is suspended: ${reason.details}`,
  'retention.resumed': () => 'retention continues',
  'retention.undated': ({ reason }) => `retention keeps files: ${reason.details}`,
  'file.deleted': ({ kind, name, reason }) => `the ${kind} ${name} was deleted: ${reason}`,
  'file.quarantined': ({ filename, reason }) => `${filename} was moved to the quarantine: ${reason.details}`,
  'file.indexed': ({ filename }) => `${filename} has an index for players`,
  'file.notIndexed': ({ filename, reason }) => `${filename} gets no index for players: ${reason.details}`,

  'actor.failed': ({ actor, reason }) => `the actor ${actor} crashed: ${reason.details}`,
  'mediaSession.ended': ({ camera, protocol, user, reason }) =>
    `a ${protocol} reader of ${camera} (${user}) was disconnected: ${reason}`,
  'entry.absent': ({ name, reason }) => `the camera ${name} of the configuration is absent: ${reason.details}`,
  'device.ignored': ({ name, source }) =>
    `${name} is not a USB camera and is ignored; to use it, write source: ${source}`,

  'config.changed': ({ version, changes, needsRestart }) =>
    `version ${version} of the configuration is in force, with ${count(changes.length, 'change')}` +
    (needsRestart.length > 0 ? `; ${needsRestart.join(', ')} at the next start` : ''),
  'config.unchanged': () => 'the configuration was read again and has not changed',
  'config.refused': ({ reason }) => `the configuration was not changed: ${reason.details}`,
  'config.rolledBack': ({ reason }) => `the change of the configuration was reverted: ${reason.details}`,

  'system.started': () => 'the service has started',
  'system.stopping': ({ reason }) => `the service stops: ${reason}`,
  'system.clock_jumped': ({ by }) =>
    `the clock was set ${by < 0 ? 'back' : 'forward'} by ${spanText(Math.abs(by))}, or the host was suspended: ` +
    'streams, recordings and sessions continue; file names and times follow the new clock; if nobody set it, check ' +
    'the time synchronisation of the host',
  'simulation.step': ({ act, camera = act.camera, reason }) => {
    const what = `${act.action.replaceAll('_', ' ')}${camera === undefined ? '' : ` of ${camera}`}`
    return reason ? `not simulated: ${what}: ${reason.details}` : `simulated: ${what}`
  },
}

/** One sentence for people. */
export const factSentence = (fact: Told): string => (sentences[fact.type] as (fact: Told) => string)(fact)

const recorded = ({ recorded: time, bytes }: EndedRecording) =>
  bytes === 0 ? 'nothing recorded' : `${spanText(time)} of video, ${bytesText(bytes)}`
