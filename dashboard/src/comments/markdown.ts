/** The text of a comment as HTML: Markdown, in which HTML is text and pictures are links. */

import MarkdownIt from 'markdown-it'

const markdown = new MarkdownIt({ html: false, linkify: true, breaks: true, typographer: false })
// Deeper brackets and lists are text: they take long to read, and no comment needs them.
markdown.set({ maxNesting: 8 } as object)
// Other schemes start programs on the reader's machine.
markdown.validateLink = (address) => /^(https?:|mailto:|[^:]*$)/i.test(address.trim())
// A picture would tell its server who reads the comment, and the page's policy does not load it.
markdown.disable('image')
// A comment's headings would be headings of the page.
markdown.disable(['heading', 'lheading'])

markdown.renderer.rules.link_open = (tokens, index, options, _environment, renderer) => {
  tokens[index]?.attrSet('target', '_blank')
  tokens[index]?.attrSet('rel', 'noopener noreferrer nofollow')
  return renderer.renderToken(tokens, index, options)
}

export const htmlOf = (text: string): string => markdown.render(text)
