import { jwtSecret } from '../adapters/data/secrets.js'
import { createRevocations } from '../adapters/tokens/revocations.js'
import { createTokens } from '../adapters/tokens/tokens.js'
import { jwtSecretSources, tokenOptions } from '../config/derive/access.js'
import type { Configuration } from '../config/schema.js'
import { neverExpires } from '../machines/domain/access.js'
import { dataFolders, usedDataFolders } from './dataFolders.js'
import type { CommandOf } from './line/command.js'
import type { CommandPorts, Outcome } from './outcome.js'

/** `token`: prints a new token, or revokes one. */
export const token = (config: Configuration, request: CommandOf<'token'>, ports: CommandPorts): Promise<Outcome> =>
  'revoke' in request ? revoke(config, request.revoke, ports) : issue(config, request, ports)

type IssueRequest = Exclude<CommandOf<'token'>, { revoke: string }>

/** Makes tokens with the secret of the service that uses the data directory. */
export async function localTokens(config: Configuration, { env, clock }: Pick<CommandPorts, 'env' | 'clock'>) {
  const sources = jwtSecretSources(config)
  const needsKept = sources.value === '' && sources.file === ''
  const { secrets: secretsDir } = needsKept ? await usedDataFolders(config) : dataFolders(config)
  const { key } = await jwtSecret({ ...sources, credentialsDirectory: env.CREDENTIALS_DIRECTORY, secretsDir })
  return createTokens({ secret: key, clock, ...tokenOptions(config) })
}

async function issue(config: Configuration, request: IssueRequest, ports: CommandPorts): Promise<Outcome> {
  const { role, user, expires, cameras, id } = request
  const tokens = await localTokens(config, ports)
  const out = await tokens.issue({
    user,
    role,
    expiresIn: expires ?? config.security.jwt_expiry_hours,
    ...(cameras && { cameras }),
    ...(id !== undefined && { id }),
  })
  return { status: 0, out }
}

const isUuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i

/** For good: tokens of other issuers can be revoked too, and their expiry is unknown. */
async function revoke(config: Configuration, id: string, { clock, log }: CommandPorts): Promise<Outcome> {
  const { state: stateDir } = await usedDataFolders(config)
  const revocations = await createRevocations({ stateDir, clock, log })
  try {
    if (revocations.isRevoked({ kind: 'token', id }))
      return { status: 0, err: `the token ${id} was revoked before; nothing was changed` }
    await revocations.revoke({ kind: 'token', id }, neverExpires)
    // Tokens are not kept: whether there is one with this id is not known.
    const note = isUuid.test(id)
      ? ''
      : `\nnote: without --id, tokens have a UUID as their id: make sure that ${id} is the id (jti) of the token`
    return {
      status: 0,
      err: `the token ${id} is revoked; a running service closes its sessions within a second${note}`,
    }
  } finally {
    await revocations.close()
  }
}
