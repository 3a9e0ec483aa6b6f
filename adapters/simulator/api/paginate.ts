/**
 * Returns one page, as the API sends it. `itemsPerPage` is 100 by default, `page` counts from 0. Throws when one is not
 * a number.
 */
export function paginate<Item>(
  items: Item[],
  query: URLSearchParams,
): { itemCount: number; pageCount: number; items: Item[] } {
  const itemsPerPage = number(query.get('itemsPerPage'), 100)
  if (itemsPerPage === 0) throw new Error('invalid items per page')
  const from = number(query.get('page'), 0) * itemsPerPage
  return {
    itemCount: items.length,
    pageCount: Math.ceil(items.length / itemsPerPage),
    items: items.slice(from, from + itemsPerPage),
  }
}

function number(text: string | null, fallback: number): number {
  if (text === null || text === '') return fallback
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new Error(`strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`)
}
