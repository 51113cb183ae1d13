/** What keys do in the sequence viewer. */

export type Command = { step: number } | 'toggle' | 'loop' | 'fullscreen'

const COMMANDS: Readonly<Record<string, Command>> = {
  'ArrowLeft': { step: -1 },
  'ArrowRight': { step: 1 },
  'Home': { step: -Infinity },
  'End': { step: Infinity },
  ' ': 'toggle',
  'l': 'loop',
  'f': 'fullscreen',
}
const FAR = 10

/** Undefined for keys that are none of ours, or that belong to what has the focus. */
export function commandOf(event: KeyboardEvent): Command | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey || isTheirs(event)) return undefined
  const command = COMMANDS[event.key.length === 1 ? event.key.toLowerCase() : event.key]
  if (event.shiftKey && typeof command === 'object') return { step: FAR * command.step }
  return command
}

function isTheirs({ key, target }: KeyboardEvent): boolean {
  if (target instanceof HTMLInputElement) {
    return target.type === 'number' || target.type === 'text' || (target.type !== 'range' && key === ' ')
  }
  // Space presses a button; a link is nobody's.
  return target instanceof HTMLButtonElement && key === ' '
}
