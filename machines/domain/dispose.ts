/** Ends the operation that returned it. Never throws, may be called twice. */
export type Dispose = () => void
