/** Stories that do not disturb each other run at the same time, each reported as a test of its own. */
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
