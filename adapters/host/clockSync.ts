import type { Run } from '../ffmpeg/run.js'

/** Whether the kernel's clock is set by NTP, as systemd reports it; `undefined` if it cannot be asked. */
export async function isClockSynchronised(run: Run, path: string): Promise<boolean | undefined> {
  const env = { ...process.env, PATH: path, LC_ALL: 'C' }
  const { stdout } = await run('timedatectl', ['show', '--property=NTPSynchronized', '--value'], {
    timeout: 3_000,
    env,
  }).catch(() => ({ stdout: '' }))
  const answer = stdout.trim()
  return answer === 'yes' ? true : answer === 'no' ? false : undefined
}
