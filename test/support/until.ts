/** Waits until `look` returns something, at most `limit` ms. The message of its failure says what did not happen. */
export async function until<Value>(
  what: string,
  look: () => Value | undefined | false | Promise<Value | undefined | false>,
  limit = 10_000,
): Promise<Value> {
  const end = performance.now() + limit
  for (;;) {
    const value = await look()
    if (value !== undefined && value !== false) return value
    if (performance.now() > end) throw new Error(`waited ${limit} ms in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
