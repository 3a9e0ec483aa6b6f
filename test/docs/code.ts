/** The code on a page of the documentation. */

export interface Block {
  /** Empty for an indented block. */
  language: string
  text: string
  /** Of the heading above it. */
  heading: string
}

export const fence = /^( *)```(\w*).*\n([\s\S]*?)\n\1```$/gm

/** The fenced blocks of a page, in order, without the indentation of lists. */
export const fencedBlocks = (page: string): Block[] =>
  [...page.matchAll(fence)].map(({ index, 1: indent = '', 2: language = '', 3: text = '' }) => ({
    language,
    text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    heading: [...page.slice(0, index).matchAll(/^#+ (.*)$/gm)].at(-1)?.[1] ?? '',
  }))

/** Lines that are code by their indentation. Lines of a nested list are not told apart: they contain no command. */
export const indentedLines = (page: string): string[] => page.replaceAll(fence, '').match(/^ {4}.*\S.*$/gm) ?? []

/** Code in a sentence; it may go on in the next line. */
export const inlineCode = (page: string): string[] =>
  [...page.replaceAll(fence, '').matchAll(/`([^`]+)`/g)].map(([, code = '']) => code.replaceAll(/\s*\n\s*/g, ' '))
