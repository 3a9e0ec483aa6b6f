export interface Page<Item> {
  itemCount: number
  pageCount: number
  items: Item[]
}

/** Pages of 100 unless `itemsPerPage` says otherwise, counted from 0. Throws an Error with Go's text. */
export function paginate<Item>(items: Item[], query: URLSearchParams): Page<Item> {
  const itemsPerPage = number(query.get('itemsPerPage'), 100)
  if (itemsPerPage === 0) throw new Error('invalid items per page')
  const page = number(query.get('page'), 0)
  const at = page * itemsPerPage
  return {
    itemCount: items.length,
    pageCount: Math.ceil(items.length / itemsPerPage),
    items: items.slice(at, at + itemsPerPage),
  }
}

function number(text: string | null, fallback: number): number {
  if (text === null || text === '') return fallback
  const complaint = `strconv.ParseUint: parsing ${JSON.stringify(text)}:`
  if (!/^\d+$/.test(text)) throw new Error(`${complaint} invalid syntax`)
  if (Number(text) > 2 ** 31 - 1) throw new Error(`${complaint} value out of range`)
  return Number(text)
}
