/** Runs independent tests at the same time, and reports each of them as a separate test. */
export function sideBySide(stories: Record<string, () => Promise<void>>): void {
  const running = new Map<string, Promise<void>>()
  before(() => {
    for (const [title, tell] of Object.entries(stories)) {
      const story = tell()
      story.catch(() => {})
      running.set(title, story)
    }
  })
  for (const title of Object.keys(stories)) it(title, () => running.get(title))
}
