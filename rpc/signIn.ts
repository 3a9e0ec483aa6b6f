import { randomBytes, randomUUID } from 'node:crypto'
import type { Role, Tokens } from '../machines/domain/access.js'
import type { Clock } from '../machines/domain/ports.js'

/** The codes of one-time links that sign a person in to the console. They are only kept in memory. */
export interface SignIn {
  /** Returns a code that can be redeemed once, within `life` ms. */
  createCode(rights: { user: string; role: Role }): { code: string; life: number }
  /** Resolves with a token; with `undefined` if the code is unknown, was used or has expired. */
  redeem(code: string): Promise<{ token: string; role: Role; expiresAt: number } | undefined>
}

/** ms. */
const codeLife = 10 * 60_000
/** Life of the token, in ms: one working day. */
const tokenLife = 8 * 3_600_000
/** Number of codes at a time. The oldest is dropped. */
const mostCodes = 16

export const createSignIn = ({ tokens, clock }: { tokens: Pick<Tokens, 'issue'>; clock: Clock }): SignIn => {
  const codes = new Map<string, { user: string; role: Role; until: number }>()

  return {
    createCode: ({ user, role }) => {
      const code = randomBytes(24).toString('base64url')
      const [oldest] = codes.keys()
      if (oldest !== undefined && codes.size >= mostCodes) codes.delete(oldest)
      codes.set(code, { user, role, until: clock.monotonic() + codeLife })
      return { code, life: codeLife }
    },
    redeem: async (code) => {
      const known = codes.get(code)
      // Before anything that waits: two requests at once must not both get a token.
      codes.delete(code)
      if (known === undefined || known.until <= clock.monotonic()) return undefined
      const { user, role } = known
      const expiresAt = clock.now() + tokenLife
      return { token: await tokens.issue({ user, role, expiresIn: tokenLife, id: randomUUID() }), role, expiresAt }
    },
  }
}
