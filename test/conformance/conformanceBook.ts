import type { OpenRpcDocument } from '../../rpc/openrpc.js'
import { contract, faults } from '../rpc/contract.js'
import type { Reply } from '../rpc/fakes.js'

/** The checks that are counted for each method. */
export const checks = ['results', 'extra', 'params', 'allowed', 'denied', 'unauth', 'envelope'] as const
export type Check = (typeof checks)[number]

interface Page {
  counts: Map<Check, number>
  /** Situations in which a call had the documented outcome. */
  states: Set<string>
  /** Code → the first call that returned it. */
  codes: Map<number, string>
}

/** By code: the part of the message that clients compare, and the required members of `data`. */
const documented: Record<number, { message: RegExp; data: string[] }> = {
  [-32600]: { message: /Invalid Request/, data: ['hint'] },
  [-32601]: { message: /Method not found/, data: ['hint'] },
  [-32602]: { message: /Invalid parameters/, data: ['param', 'rule'] },
  [-32603]: { message: /Internal server error/, data: ['request_id'] },
  [-32001]: { message: /Authentication failed or token expired/, data: [] },
  [-32002]: { message: /Permission denied/, data: ['required_role', 'have_role'] },
  [-32010]: { message: /^(Camera|Recording|Snapshot|Stream) not found$/, data: ['resource', 'id'] },
  [-32020]: { message: /Invalid state/, data: ['state', 'allowed_states'] },
  [-32030]: { message: /Unsupported/, data: ['feature'] },
  [-32040]: { message: /Rate limited/, data: ['retry_after_ms'] },
  [-32050]: { message: /Dependency failed/, data: ['dependency', 'detail'] },
}

const isGiven = (value: unknown): boolean =>
  typeof value === 'string' ? value !== '' : typeof value === 'number' ? value > 0 : Array.isArray(value)

/** The contract of each method, and of get_system_health, a name of some clients for get_status. */
export const documentedMethods = (() => {
  const status = contract.find(({ method }) => method === 'get_status')
  if (status === undefined) throw new Error('the contract has no get_status')
  return [...contract, { ...status, method: 'get_system_health' }]
})()

/** A value that was put into a text unformatted, as a pattern. The signature of a URL may contain `NaN` by chance. */
export const unformatted = '(?<![\\w-])(?:undefined|NaN)(?![\\w-])'

/**
 * Checks replies against the contract, against the document of the running server (`rpc.discover`), and for secrets.
 * Counts what was checked.
 */
export function createBook({ discovered, secrets }: { discovered: OpenRpcDocument; secrets: RegExp }) {
  const pages = new Map(
    documentedMethods.map(
      ({ method }) =>
        [method, { counts: new Map(), states: new Set(), codes: new Map() } satisfies Page as Page] as const,
    ),
  )
  const found: string[] = []
  const { components } = discovered
  const ours = new Map(
    discovered.methods.map(({ name, result, errors }) => {
      const codes = errors.map(({ $ref }) => components.errors[$ref.split('/').at(-1) ?? '']?.code)
      return [
        name,
        {
          result: { ...(result.schema as object), components: { schemas: components.schemas } },
          codes: new Set(codes),
        },
      ] as const
    }),
  )

  const pageOf = (method: string): Page => {
    const page = pages.get(method)
    if (page === undefined) throw new Error(`${method} is not in the contract`)
    return page
  }
  const note = (method: string, check: Check, what: string, wrong: string[]) => {
    const { counts } = pageOf(method)
    counts.set(check, (counts.get(check) ?? 0) + 1)
    found.push(...wrong.map((fault) => `${method} ${what}: ${fault}`))
  }
  const leaks = (reply: Reply): string[] => {
    // The only documented path.
    const text = JSON.stringify(reply, (key, value) => (key === 'file_path' ? undefined : value))
    const [leak] = secrets.exec(text) ?? []
    return leak === undefined ? [] : [`it contains ${leak}`]
  }

  /** Checks a call that must succeed. */
  const result = (
    method: string,
    what: string,
    reply: Reply,
    { check = 'results', state }: { check?: Check; state?: string } = {},
  ): boolean => {
    const { error, result, metadata } = reply
    const schema = documentedMethods.find((one) => one.method === method)?.result ?? {}
    const wrong =
      error === undefined
        ? [
            ...faults(schema, result).map((fault) => `contract: ${fault}`),
            ...faults(ours.get(method)?.result ?? { not: {} }, result).map((fault) => `own table: ${fault}`),
            ...(metadata === undefined ? ['no metadata'] : []),
            ...leaks(reply),
          ]
        : [`returned ${error.code} ${error.message} ${JSON.stringify(error.data)}`]
    note(method, check, what, wrong)
    if (state !== undefined && wrong.length === 0) pageOf(method).states.add(state)
    return error === undefined
  }

  interface Refusal {
    check: Check
    code: number
    /** Members that `data` must have. */
    data?: Record<string, unknown>
    state?: string
    /** It concerns the envelope, so that the table does not list it for the method. */
    isEnvelope?: boolean
  }

  /** Checks a call that must be refused. */
  const refusal = (
    method: string,
    what: string,
    reply: Reply,
    { check, code, data: wanted = {}, state, isEnvelope = code === -32601 }: Refusal,
  ): void => {
    const { error } = reply
    const { message, data } = documented[code] ?? { message: /^$/, data: [] }
    const has = (name: string) => isGiven(error?.data[name])
    const wrong =
      error === undefined
        ? [`returned ${JSON.stringify(reply.result).slice(0, 200)} instead of ${code}`]
        : [
            ...(error.code === code ? [] : [`returned ${error.code} ${JSON.stringify(error.data)} instead of ${code}`]),
            ...(message.test(error.message) ? [] : [`its message is ${error.message}`]),
            ...['reason', 'details', 'suggestion', ...data]
              .filter((name) => !has(name))
              .map((name) => `its data has no ${name}: ${JSON.stringify(error.data)}`),
            ...Object.entries(wanted)
              .filter(([name, value]) => JSON.stringify(error.data[name]) !== JSON.stringify(value))
              .map(
                ([name, value]) => `its ${name} is ${JSON.stringify(error.data[name])}, not ${JSON.stringify(value)}`,
              ),
            ...('result' in reply ? ['it has a result too'] : []),
            ...(isEnvelope || ours.get(method)?.codes.has(code) ? [] : [`the method table does not list ${code}`]),
            ...leaks(reply),
          ]
    note(method, check, what, wrong)
    if (wrong.length > 0) return
    const page = pageOf(method)
    if (!page.codes.has(code)) page.codes.set(code, what)
    if (state !== undefined) page.states.add(state)
  }

  return {
    result,
    refusal,
    pages: pages as ReadonlyMap<string, Page>,
    /** The faults since the last call. */
    faults: () => found.splice(0),
    /** Counts a check of something that is neither a result nor an error. */
    note,
  }
}
export type Book = ReturnType<typeof createBook>

/** A table of methods and checks over several books. `excused`: the number of excused codes of a method. */
export function tableOf(books: readonly Book[], excused: (method: string) => number): string {
  const head = ['method', 'role', 'states', ...checks, 'codes']
  const rows = documentedMethods.map(({ method, role, errors }) => {
    const pages = books.flatMap(({ pages }) => pages.get(method) ?? [])
    const states = new Set(pages.flatMap(({ states }) => [...states]))
    const codes = new Set(pages.flatMap(({ codes }) => [...codes.keys()]))
    const sums = checks.map((check) => pages.reduce((sum, { counts }) => sum + (counts.get(check) ?? 0), 0))
    const reached = errors.filter((code) => codes.has(code)).length
    const rest = excused(method)
    return [
      method,
      role,
      states.size,
      ...sums,
      `${reached}/${errors.length}${rest === 0 ? '' : ` (${rest} excused)`}`,
    ].map(String)
  })
  const total = checks.map((_, index) => String(rows.reduce((sum, row) => sum + Number(row[index + 3]), 0)))
  const all = [head, ...rows, [`${rows.length} methods`, '', '', ...total, '']]
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  return all
    .map((row) =>
      row
        .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  '),
    )
    .join('\n')
}
