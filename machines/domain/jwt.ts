/** The signature algorithms of JWTs that may be accepted. */
export const jwtAlgorithms = ['RS256', 'ES256', 'EdDSA'] as const
export type JwtAlgorithm = (typeof jwtAlgorithms)[number]
