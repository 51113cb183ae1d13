/** The parts of the editor, in a file of their own: the browser loads it when a job type is opened. */

import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { javascript } from '@codemirror/lang-javascript'
import { python } from '@codemirror/lang-python'
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from '@codemirror/language'
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search'
import { EditorState } from '@codemirror/state'
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view'
import { tags } from '@lezer/highlight'

const COLOURS = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: 'var(--paused)' },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: 'var(--completed)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--soft-failed)' },
  { tag: [tags.comment], color: 'var(--ink-soft)', fontStyle: 'italic' },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName)], color: 'var(--active)' },
  { tag: [tags.propertyName, tags.attributeName], color: 'var(--asleep)' },
])

const LOOK = EditorView.theme({
  '&': { height: '100%', backgroundColor: 'var(--surface)', color: 'var(--ink)', fontSize: '0.8125rem' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.5' },
  '.cm-gutters': { backgroundColor: 'var(--raised)', color: 'var(--ink-soft)', borderRight: '1px solid var(--line)' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--raised) 55%, transparent)' },
  '.cm-content': { caretColor: 'var(--ink)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--selected) !important' },
  '.cm-panels': { backgroundColor: 'var(--raised)', color: 'var(--ink)' },
})

export interface Editor {
  text: () => string
  replace: (text: string) => void
  goTo: (line: number) => void
  destroy: () => void
}

export interface EditorOptions {
  parent: HTMLElement
  text: string
  language: 'javascript' | 'python'
  label: string
  isReadOnly: boolean
  onChange: (text: string) => void
  onSave: () => void
}

export function createEditor({ parent, text, language, label, isReadOnly, onChange, onSave }: EditorOptions): Editor {
  const save = { key: 'Mod-s', preventDefault: true, run: () => (onSave(), true) }
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(), history(), drawSelection(), indentOnInput(), bracketMatching(), highlightActiveLine(), highlightSelectionMatches(),
        // Tab leaves the editor, because users without a mouse need a way out. Mod-] indents.
        keymap.of([save, ...defaultKeymap, ...historyKeymap, ...searchKeymap]),
        language === 'python' ? [python(), indentUnit.of('    ')] : [javascript(), indentUnit.of('  ')],
        syntaxHighlighting(COLOURS), LOOK,
        EditorState.readOnly.of(isReadOnly),
        EditorView.contentAttributes.of({ 'aria-label': label }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) onChange(update.state.doc.toString())
        }),
      ],
    }),
  })
  view.scrollDOM.tabIndex = 0
  return {
    text: () => view.state.doc.toString(),
    replace: (changed) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: changed } }),
    goTo: (line) => {
      const { from } = view.state.doc.line(Math.min(Math.max(1, line), view.state.doc.lines))
      view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: 'center' }) })
      view.focus()
    },
    destroy: () => view.destroy(),
  }
}
