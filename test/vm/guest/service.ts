import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { output, run } from './shell.js'

export const unit = 'camera-service.service'
export const dataDir = '/var/lib/camera-service'
const home = '/opt/camera-service'
const configFile = '/etc/camera-service/camera-service.yml'

/** udev is a native addon and not in the bundle: it and the packages that it loads. Absent ones are left out. */
const addonPackages = ['udev', 'bindings', 'file-uri-to-path']

/** An emulated processor is about ten times slower than a real one: patience accordingly. */
const config = `server:
  host: 127.0.0.1
  port: 8002
mediamtx:
  health_check_timeout: 10s
snapshots:
  tier0_timeout: 10s
  tier1_timeout: 20s
  tier2_timeout: 20s
  tier3_timeout: 40s
`

/** Installs the build of `checkout` in this machine as an administrator would. */
export const install = async (checkout: string): Promise<void> => {
  await output('systemd-sysusers', [join(checkout, 'config/systemd/camera-service.sysusers.conf')])
  await mkdir(home, { recursive: true })
  await cp(join(checkout, 'dist'), join(home, 'dist'), { recursive: true })
  await cp(join(checkout, 'package.json'), join(home, 'package.json'))
  for (const name of addonPackages) {
    await cp(join(checkout, 'node_modules', name), join(home, 'node_modules', name), { recursive: true }).catch(
      () => {},
    )
  }
  await mkdir('/etc/camera-service', { recursive: true })
  await writeFile(configFile, config)
  await cp(join(checkout, 'config/systemd', unit), join('/etc/systemd/system', unit))
  await output('systemctl', ['daemon-reload'])
}

/** A token of the installed service; as its user, so that a key that is made now is the user's. */
export const issueToken = async (role: string): Promise<string> => {
  const command = ['node', join(home, 'dist/main.js'), 'token', '--role', role, '--data-dir', dataDir]
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
