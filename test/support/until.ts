/** Waits until `look` returns a value, for at most `limit` ms. `what`: the expected condition, for the error. */
export async function until<Value>(
  what: string,
  look: () => Value | undefined | false | Promise<Value | undefined | false>,
  limit = 30_000,
): Promise<Value> {
  const end = performance.now() + limit
  for (;;) {
    const value = await look()
    if (value !== undefined && value !== false) return value
    if (performance.now() > end) throw new Error(`timed out after ${limit} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
