/** Ends what it was returned for. Never throws, may be called twice. */
export type Dispose = () => void
