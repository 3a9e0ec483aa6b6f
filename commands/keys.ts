import { createApiKeys, type KeyKeeper } from '../adapters/keys/apiKeys.js'
import { keyDefaults } from '../config/derive/access.js'
import type { Configuration } from '../config/schema.js'
import { type ApiKey, neverExpires } from '../machines/domain/access.js'
import { usedDataFolders } from './dataFolders.js'
import type { CommandOf } from './line/command.js'
import type { CommandPorts, Outcome } from './outcome.js'

/** `keys create|list|rotate|revoke`. A new key is the only text on standard output, for use in `$(…)`. */
export async function keys(config: Configuration, request: CommandOf<'keys'>, ports: CommandPorts): Promise<Outcome> {
  const { clock, log } = ports
  const { state: stateDir } = await usedDataFolders(config)
  const keeper = await createApiKeys({ stateDir, clock, log, defaults: keyDefaults(config) })
  try {
    return await manage(keeper, request, clock.now())
  } finally {
    await keeper.close()
  }
}

async function manage(keeper: KeyKeeper, request: CommandOf<'keys'>, now: number): Promise<Outcome> {
  switch (request.act) {
    case 'create': {
      const { role, user, expires: expiresIn, cameras } = request
      const rights = { role, user, ...(cameras && { cameras }) }
      return newKey(await keeper.create({ ...rights, ...(expiresIn !== undefined && { expiresIn }) }))
    }
    case 'list':
      return { status: 0, out: table(await keeper.list(), now) }
    case 'rotate':
      return newKey(await keeper.rotate(request.id), `the key ${request.id} is revoked`)
    case 'revoke': {
      const { id, prefix } = await keeper.revoke(request.id)
      return {
        status: 0,
        err: `the key ${id} (${prefix}…) is revoked; a running service closes its sessions within a second`,
      }
    }
  }
}

function newKey({ key, secret }: { key: ApiKey; secret: string }, ...before: string[]): Outcome {
  const { id, user, role, cameras, expiresAt } = key
  const rights = `${role}, ${cameras?.join(',') ?? 'every camera'}, expires ${dateOf(expiresAt)}`
  return {
    status: 0,
    out: secret,
    err: [...before, `key ${id} of ${user}: ${rights}. It is shown only once.`].join('\n'),
  }
}

function table(list: ApiKey[], now: number): string {
  const stateOf = ({ revokedAt, expiresAt }: ApiKey) =>
    revokedAt !== undefined ? 'revoked' : expiresAt <= now ? 'expired' : 'active'
  const rows = list.map((key) => [
    ...[key.id, key.prefix, stateOf(key), key.role, key.user, key.cameras?.join(',') ?? '*'],
    ...[dateOf(key.createdAt), dateOf(key.expiresAt), key.lastUsedAt === undefined ? '-' : dateOf(key.lastUsedAt)],
  ])
  const head = ['ID', 'KEY', 'STATE', 'ROLE', 'USER', 'CAMERAS', 'CREATED', 'EXPIRES', 'LAST USED']
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)))
  const line = (row: string[]) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')
  return [head, ...rows].map((row) => line(row).trimEnd()).join('\n')
}

const dateOf = (time: number) => (time === neverExpires ? 'never' : `${new Date(time).toISOString().slice(0, 19)}Z`)
