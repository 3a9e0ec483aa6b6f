/**
 * Returns the message of an error. A system error becomes one line such as `mkdir /x/y: permission denied`, as MediaMTX
 * writes it.
 */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { syscall, path, code, message } = error as NodeJS.ErrnoException
  if (syscall === undefined || code === undefined) return message
  const text = message.replace(`${code}: `, '').replace(/, [^,]*$/, '')
  const verb = syscall === 'unlink' ? 'remove' : syscall
  return `${path === undefined ? verb : `${verb} ${path}`}: ${text}`
}
