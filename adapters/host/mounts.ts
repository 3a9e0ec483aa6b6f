/** The file system that holds a path. */
export interface Mount {
  /** Where it is mounted. */
  point: string
  /** `ext4`, `vfat`, `tmpfs` … */
  type: string
  /** `ro`, `noexec` … */
  options: readonly string[]
}

/** Finds the mount of an absolute path in the text of /proc/self/mountinfo: see proc(5). The last one hides others. */
export function mountOf(path: string, mountinfo: string): Mount | undefined {
  const mounts = mountinfo.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ')
    const [, , , , point = '', options = ''] = before.split(' ')
    const [type = '', , superOptions = ''] = after.split(' ')
    if (point === '' || type === '') return []
    return [{ point: unescaped(point), type, options: [...options.split(','), ...superOptions.split(',')] }]
  })
  return mounts
    .filter(({ point }) => point === '/' || path === point || path.startsWith(`${point}/`))
    .reduce<Mount | undefined>((best, each) => (best && best.point.length > each.point.length ? best : each), undefined)
}

/** Spaces and others are octal numbers. */
const unescaped = (point: string) =>
  point.replaceAll(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)))
