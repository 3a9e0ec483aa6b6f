/**
 * Tests the Debian package under systemd with a real USB camera: installation, hang, crash, reload, an upgrade while a
 * camera is recorded, removal and purge.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { openBench } from './guest/bench.js'
import { commandsOf } from './guest/operate.js'
import { examinePicture } from './guest/picture.js'
import { connectRpc, type RpcClient } from './guest/rpc.js'
import { dataDir, property, showLog, slow, unit } from './guest/service.js'
import { assert, eventually, output, run, secondsForSteps } from './guest/shell.js'
import { createSteps } from './guest/steps.js'

const [program, frames, checkout, only = '.'] = process.argv.slice(2)
if (program === undefined || frames === undefined || checkout === undefined)
  throw new Error('usage: package.mjs USB_CAMERA_PROGRAM FRAMES_DIR CHECKOUT [STEPS]')

const configFile = '/etc/camera-service/camera-service.yml'
const packages = `${checkout}/.cache/vm/packages`
const { step, failures, print } = createSteps({ seconds: secondsForSteps, only: new RegExp(only) })
const bench = await openBench({ program, frames })
let client: RpcClient | undefined

const exists = (path: string) => run('test', ['-e', path]).then(({ code }) => code === 0)
const dpkg = (...args: string[]) => output('dpkg', args, { seconds: 900 })
const debOf = async (revision: number) => {
  const name = (await readdir(packages)).find((each) => each.includes(`-${revision}_`))
  assert(name, `there is no package of revision ${revision} in ${packages}`)
  return `${packages}/${name}`
}
/** As the administrator types it: without any configuration of the command line. */
const cameraService = (...args: string[]) => output('camera-service', args, { seconds: 60 })

/** Runs a line of a shell as root, in a folder that is left behind. `seconds`: interrupts it then. */
const asAdministrator = (line: string, seconds?: number) => {
  // This machine has no sudo: the test is root already.
  const sudo =
    'sudo() { if [ "$1" = -u ]; then local user=$2; shift 2; runuser -u "$user" -- "$@"; else "$@"; fi; }; export -f sudo'
  const place = 'mkdir -p /tmp/operate && cd /tmp/operate'
  const command = seconds === undefined ? line : `timeout --signal=INT ${seconds} bash -c ${quoted(line)}`
  return run('bash', ['-c', `${sudo}; ${place} && ${command}`], { seconds: 120 })
}
const quoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`

const connect = async (): Promise<RpcClient> => {
  client?.close()
  const token = (await cameraService('token', '--role', 'admin')).trim()
  client = await eventually('the WebSocket', () => connectRpc('ws://127.0.0.1:8002/ws'), { seconds: 60 })
  await client.call('authenticate', { auth_token: token })
  return client
}
const cameraStatus = async () => {
  const { cameras } = await (client ?? (await connect())).call<{ cameras: { status: string }[] }>('get_camera_list')
  return cameras.map(({ status }) => status).join(' ')
}
const isRunning = () =>
  eventually('the service to be active', async () => (await property('ActiveState')) === 'active', { seconds: 90 })
/** Of the service, not of its children. */
const mainPid = async () => Number(await property('MainPID'))
const isLogged = async (text: string) =>
  (await output('journalctl', ['-b', '-u', unit, '-n', '100', '-o', 'cat'])).includes(text)
const restartedAfter = async (pid: number) => {
  await eventually('another process', async () => ![0, pid].includes(await mainPid()), { seconds: 90 })
  await isRunning()
}

const main = async () => {
  const installed = await step(
    'dpkg -i: the service starts by itself, with a user, a secret and a configuration',
    async () => {
      // Images of containers forbid packages to start services.
      await output('rm', ['-f', '/usr/sbin/policy-rc.d'])
      const start = performance.now()
      await dpkg('-i', await debOf(1))
      await isRunning()
      const seconds = ((performance.now() - start) / 1000).toFixed(1)
      const modes = await output('stat', ['-c', '%U:%G %a', `${dataDir}/secrets/jwt_secret`, configFile, dataDir])
      const expected = [
        'camera-service:camera-service 600',
        'root:camera-service 640',
        'camera-service:camera-service 750',
      ]
      assert(modes.trim() === expected.join('\n'), `owners and modes are ${modes}`)
      const verified = await run('systemd-analyze', ['verify', unit, 'camera-service-audit.timer', 'mediamtx.service'])
      assert(verified.code === 0, `verify: ${verified.stderr}`)
      const [exposure] = /[\d.]+(?= OK)/.exec(await output('systemd-analyze', ['security', unit])) ?? []
      assert(Number(exposure) <= 2.5, `systemd-analyze security says ${exposure}`)
      return `running after ${seconds} s, exposure ${exposure}`
    },
    { needed: true },
  )
  if (!installed) return

  await step(
    'reload with a good configuration, and with a bad one, which changes nothing',
    async () => {
      const pid = await mainPid()
      // An emulated processor needs more patience. The packaged file has these groups already, without values.
      await writeFile(configFile, `data_dir: ${dataDir}\n${slow}`)
      await output('systemctl', ['restart', unit], { seconds: 90 })
      assert((await mainPid()) !== pid, 'the service was not restarted')
      const good = await readFile(configFile, 'utf8')
      const restarted = await mainPid()
      await writeFile(configFile, `${good}\nlogging: {level: debug}\n`)
      await output('systemctl', ['reload', unit], { seconds: 60 })
      await eventually('the change', () => isLogged('config.changed'))
      await writeFile(configFile, `${good}\nserver: {port: x}\n`)
      await output('systemctl', ['reload', unit], { seconds: 60 })
      await eventually('the refusal', () => isLogged('config.refused'))
      await writeFile(configFile, good)
      // For a moment more its state is "reloading".
      await isRunning()
      assert((await mainPid()) === restarted, 'a reload restarted the service')
      return undefined
    },
    { needed: true },
  )

  await step(
    'plug a camera: CONNECTED; a snapshot',
    async () => {
      await bench.plug({ port: 0, serial: 'SN0001', options: 'badge=red rates=5,10' })
      await connect()
      await eventually('the camera', async () => (await cameraStatus()) === 'CONNECTED', { seconds: 40 })
      await cameraService('snapshot', 'camera0', '-o', '/tmp/red.jpg')
      const { badge, width, height } = await examinePicture('/tmp/red.jpg')
      assert(badge === 'red', `the picture is ${badge}`)
      return `${width}x${height}, ${badge}`
    },
    { needed: true },
  )

  await step('killed: back by itself, with its camera', async () => {
    const pid = await mainPid()
    process.kill(pid, 'SIGKILL')
    await restartedAfter(pid)
    await connect()
    await eventually('the camera', async () => (await cameraStatus()) === 'CONNECTED', { seconds: 60 })
    return undefined
  })

  await step('hung: the watchdog restarts it', async () => {
    const pid = await mainPid()
    const start = performance.now()
    process.kill(pid, 'SIGSTOP')
    await restartedAfter(pid)
    await connect()
    await eventually('the camera', async () => (await cameraStatus()) === 'CONNECTED', { seconds: 60 })
    return `back after ${((performance.now() - start) / 1000).toFixed(1)} s`
  })

  await step('upgraded while a camera is recorded: the recording continues; the configuration is kept', async () => {
    const before = await readFile(configFile, 'utf8')
    const rpc = await connect()
    await rpc.call('start_recording', { device: 'camera0' }, { seconds: 60 })
    await delay(3000)
    await dpkg('-i', await debOf(2))
    await isRunning()
    const again = await connect()
    await eventually(
      'the recording to continue',
      async () => JSON.stringify(await again.call('get_camera_list')).includes('"RECORDING"'),
      { seconds: 90 },
    )
    await delay(3000)
    const { files } = await again.call<{ files: string[] }>('stop_recording', { device: 'camera0' }, { seconds: 60 })
    assert(files.length > 1, `the session has the files ${files.join(' ')}`)
    assert((await readFile(configFile, 'utf8')) === before, 'the configuration was changed')
    return `${files.length} files`
  })

  await step('the commands of docs/operate.md', async () => {
    const commands = commandsOf(await readFile(`${checkout}/docs/operate.md`, 'utf8'))
    const faults: string[] = []
    for (const { run: line, seconds } of commands) {
      const { code, stdout, stderr } = await asAdministrator(line, seconds)
      // `timeout` ends with 124 after it has interrupted a command that follows something.
      if (code !== (seconds === undefined ? 0 : 124))
        faults.push(`${line} ended with ${code}: ${(stderr || stdout).trim().slice(-1500)}`)
    }
    assert(faults.length === 0, faults.join('; '))
    await isRunning()
    await connect()
    await eventually('the camera', async () => (await cameraStatus()) === 'CONNECTED', { seconds: 60 })
    return `${commands.length} command lines`
  })

  const owned = (await dpkg('-L', 'camera-service')).split('\n').filter((path) => path.includes('camera-service'))

  await step('removed: nothing runs, recordings and configuration are kept', async () => {
    await dpkg('-r', 'camera-service')
    assert((await run('pgrep', ['-u', 'camera-service'])).code !== 0, 'processes are left')
    assert(!(await exists('/usr/bin/camera-service')), 'the program is left')
    assert((await exists(configFile)) && (await exists(`${dataDir}/recordings`)), 'data is gone')
    return undefined
  })

  await step('purged: nothing is left', async () => {
    await dpkg('-P', 'camera-service')
    // A search of all of /usr takes minutes here.
    const places = ['/etc', '/var/lib', '/var/log', '/run']
    const search = [...places, '-xdev', '-maxdepth', '4', '-name', '*camera-service*']
    const found = (await output('find', search, { seconds: 240 })).trim().split('\n')
    const isLeft = await Promise.all(owned.map(exists))
    const left = [...found, ...owned.filter((_, at) => isLeft[at])].filter((path) => path !== '')
    assert(left.length === 0, `left: ${left.join(' ')}`)
    assert((await run('getent', ['passwd', 'camera-service'])).code !== 0, 'the user is left')
    return undefined
  })
}

await main()
client?.close()
await bench.end()
print()
if (failures() > 0) await showLog()
process.exit(failures() === 0 ? 0 : 1)
