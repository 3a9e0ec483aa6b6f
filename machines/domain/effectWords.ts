/** The words of the journal for the outcomes of all effects. A test walks the machines. */

/**
 * The outcomes of an effect: it ended, it failed; and what its end means if its output holds a reason. Without the
 * third, the reason just follows the first.
 */
type Outcomes = readonly [done: string, failed: string, reasoned?: string]

const crash = (part: string, ended = `${part} ended`): Outcomes => [ended, `${part} crashed`]
const could = (thing: string, done: string, reasoned = `${thing} ${done}`): Outcomes => [
  `${thing} ${done}`,
  `${thing} could not be ${done.replace(/^(was|were) /, '')}`,
  reasoned,
]
const timeCame: Outcomes = ['the time came', 'the wait failed']

export const effectWords: Readonly<Record<string, Outcomes>> = {
  waitUntil: timeCame,
  // Parts of the service.
  camera: crash('the camera'),
  discovery: crash('the detection of cameras'),
  externalDiscovery: crash('the search for streams'),
  externalStreams: crash('the list of added streams'),
  serverProcess: crash('the control of the process of the media server'),
  link: crash('the link to the media server'),
  storage: crash('the watch over the disk'),
  retention: crash('the deletion of old files'),
  quarantine: crash('the quarantine'),
  indexing: crash('the indexing of recordings'),
  mediaSessions: crash('the list of readers'),
  clockWatch: crash('the watch over the clock'),
  configuration: crash('the control of the configuration'),
  simulation: crash('the simulation'),
  pathWatch: crash('the watch over the paths'),
  recordingFolder: crash('the choice of the folder'),
  loadRegistry: could('the registry of cameras', 'was loaded'),
  saveRegistry: could('the registry of cameras', 'was saved'),
  settlePaths: ['all changes of paths were done', 'the changes of paths failed'],
  // Devices and cameras.
  watchDevices: crash('the watch over the devices'),
  scanDevices: could('the devices', 'were listed'),
  probeDevice: could('the camera', 'was probed'),
  publishPath: ['the path of the camera was removed', 'the path of the camera could not be published'],
  source: ['the network camera was lost', 'the watch over the network camera crashed'],
  describeSource: ['the network camera answered', 'the check of the network camera failed'],
  askSource: ['the camera may be asked for its stream again', 'the check of the network camera failed'],
  // Streams.
  demand: crash('the control of the stream'),
  streamHold: crash('the hold of the stream'),
  pipeline: crash('the watch over ffmpeg'),
  keyframes: crash('the watch over the keyframes'),
  pull: crash('the watch over the stream'),
  openStream: ['the stream was released', 'the stream could not be held'],
  followKeyframes: ['the reading of the stream ended', 'the stream could not be read'],
  watchTaps: ['the reports of ffmpeg ended', 'the reports of ffmpeg could not be read'],
  findProcess: could('the process of ffmpeg', 'was looked for'),
  takeReport: could('the report of ffmpeg', 'was read'),
  recycleProcess: ['the process of ffmpeg was asked to end', 'the process of ffmpeg could not be ended'],
  measurePath: could('the stream', 'was measured'),
  // Recordings.
  recording: crash('the recording'),
  recallIntent: ['it was checked whether a recording must continue', 'the notes of recordings could not be read'],
  abandonCapture: ['the recorder was switched off', 'the recorder could not be switched off'],
  openCapture: ['the recorder was switched on', 'the recorder could not be switched on'],
  confirmSegment: ['the first bytes are on disk', 'no first bytes came onto the disk'],
  watchSegments: crash('the watch over the files'),
  closeCapture: could('the file', 'was closed'),
  saveIntent: could('the recording', 'was noted on disk'),
  finishRecording: could('the files', 'were finished'),
  // Snapshots.
  snapshot: ['the snapshot ended', 'the snapshot crashed', 'the snapshot failed'],
  grabDirect: ['the device delivered a picture', 'the device delivered no picture'],
  grabByFfmpeg: ['ffmpeg delivered a picture', 'ffmpeg delivered no picture'],
  grabFromStream: ['the stream delivered a picture', 'the stream delivered no picture'],
  savePictures: could('the picture', 'was saved'),
  // External streams.
  scanStreams: crash('the scan for streams'),
  checkAddress: could('the address', 'was checked', 'the address is not allowed'),
  saveStreams: could('the list of added streams', 'was saved'),
  // The media server.
  chooseServer: could('the media server', 'was chosen'),
  runServer: ['the process of the media server ended', 'the media server could not be started'],
  endServer: could('the media server', 'was ended'),
  killServer: could('the media server', 'was killed'),
  askInfo: ['the media server answered', 'the check of the media server failed'],
  tryCall: ['the trial call to the media server succeeded', 'the trial call to the media server failed'],
  syncPaths: could('the paths', 'were written to the media server'),
  pauseCalls: ['the pause of calls to the media server ended', 'calls to the media server could not be paused'],
  watchBreaker: crash('the watch over calls to the media server'),
  findDrift: could('the paths of the media server', 'were compared'),
  repairPaths: could('the paths of the media server', 'were repaired'),
  listSessions: could('the readers', 'were listed'),
  kickReaders: ['the right of readers was enforced', 'readers could not be ended'],
  // The disk.
  measureDisk: could('the disk', 'was measured'),
  keepReserve: ['the reserve of the disk was checked', 'the reserve of the disk could not be kept'],
  useFolder: could('the folder', 'was selected'),
  // Retention, the quarantine, indexes and the clock.
  loadPolicy: could('the retention policy', 'was loaded'),
  savePolicy: could('the retention policy', 'was saved'),
  findLoss: could('the list of protected recordings', 'was checked', 'protected recordings were lost'),
  acceptLoss: ['the loss of protections was accepted', 'the loss of protections could not be accepted'],
  sweepFiles: ['the deletion of old files ended', 'old files could not be deleted'],
  findSuspects: could('damaged files', 'were looked for'),
  moveSuspects: could('damaged files', 'were moved to the quarantine'),
  findUnindexed: could('recordings without an index', 'were looked for'),
  indexFile: could('a recording', 'was indexed'),
  loadClock: could('the last known time', 'was loaded'),
  readClock: could('the clock', 'was read'),
  saveClock: could('the time', 'was saved'),
  // The configuration.
  watchFile: crash('the watch over the configuration file'),
  planChange: could('the change of the configuration', 'was planned'),
  applyChange: could('the change of the configuration', 'was applied'),
  revertChange: could('the change of the configuration', 'was reverted'),
  keepVersion: could('the version of the configuration', 'was kept'),
  watchHealth: crash('the check after the change of the configuration'),
  // The simulation.
  awaitReady: ['the cameras of the scenario are ready', 'the cameras of the scenario did not become ready'],
  causeFault: could('the fault', 'was simulated'),
}
