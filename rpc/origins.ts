/** Whether a page of this origin may come; `*` lets every one in. What tells no origin is no page and is not asked about. */
export const isAllowedOrigin = (allowed: readonly string[], origin: string): boolean =>
  allowed.includes('*') || allowed.includes(origin)
