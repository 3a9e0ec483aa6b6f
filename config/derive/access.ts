/** Configuration → options of tokens and keys. Pure; durations in ms. */
import type { Configuration } from '../schema.js'

/** Where the key of the tokens comes from, apart from the data directory. */
export const jwtSecretSources = ({ security }: Configuration) => ({
  value: security.jwt_secret_key,
  file: security.jwt_secret_file,
})

/** For tokens of every issuer. */
export const tokenOptions = ({ security }: Configuration) => ({
  issuer: security.jwt_issuer,
  audience: security.jwt_audience,
  tolerance: security.jwt_clock_tolerance,
  issuedAhead: security.jwt_iat_tolerance,
  claims: security.jwt_claims,
})

/** Lifetime of a key that is created without one, and the number of valid keys. */
export const keyDefaults = ({ api_key_management: keys }: Configuration) => ({
  expiry: keys.default_expiry,
  maxKeys: keys.max_keys,
})
