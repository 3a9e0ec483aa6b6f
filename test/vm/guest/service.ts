import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { output, run } from './shell.js'

export const unit = 'camera-service.service'
export const dataDir = '/var/lib/camera-service'
const configFile = '/etc/camera-service/camera-service.yml'

/** An emulated processor is about ten times slower than a real one: patience accordingly. */
export const slow = `mediamtx:
  health_check_timeout: 10s
snapshots:
  tier0_timeout: 10s
  tier1_timeout: 20s
  tier2_timeout: 20s
  tier3_timeout: 40s
`

/** Installs the build of `checkout` in this machine as an administrator would. */
export const install = async (checkout: string): Promise<void> => {
  await output('bash', [join(checkout, 'config/package/install.sh'), 'install'])
  await writeFile(configFile, slow)
  await output('systemctl', ['daemon-reload'])
}

/** A token of the installed service; as its user, so that a key that is made now is the user's. */
export const issueToken = async (role: string): Promise<string> => {
  const command = ['camera-service', 'token', '--role', role, '--data-dir', dataDir]
  return (
    await output('setpriv', ['--reuid=camera-service', '--regid=camera-service', '--clear-groups', ...command])
  ).trim()
}

/** A property as `systemctl show` tells it. */
export const property = async (name: string): Promise<string> =>
  (await output('systemctl', ['show', '-P', name, unit])).trim()

/** `pid command` of every process of the service's user. */
export const processes = async (): Promise<string[]> => {
  const { stdout } = await run('ps', ['-u', 'camera-service', '-o', 'pid=,args='])
  return stdout.split('\n').filter(Boolean)
}

export const encoders = async (): Promise<string[]> =>
  (await processes()).filter((line) => /^\s*\d+\s+(\S*\/)?ffmpeg /.test(line))

/** Leaves the log of the service, whole, in `service.log` beside the results, and returns it. */
export const keepLog = async (): Promise<string> => {
  const { stdout } = await run('journalctl', ['-b', '-u', unit, '-o', 'short-monotonic', '--no-pager'])
  await writeFile('/mnt/out/service.log', stdout)
  return stdout
}

/** The same, and prints the last lines. */
export const showLog = async (): Promise<void> => {
  const lines = (await keepLog()).split('\n')
  console.log(`\nThe service's last lines (all of them: service.log):\n${lines.slice(-60).join('\n')}`)
}
