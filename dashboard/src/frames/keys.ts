/** The keys of the sequence viewer. */

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

/** Undefined for other keys, and for keys that the focused element uses. */
export function commandOf(event: KeyboardEvent): Command | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey || isUsedByFocused(event)) return undefined
  const command = COMMANDS[event.key.length === 1 ? event.key.toLowerCase() : event.key]
  if (event.shiftKey && typeof command === 'object') return { step: FAR * command.step }
  return command
}

function isUsedByFocused({ key, target }: KeyboardEvent): boolean {
  if (target instanceof HTMLInputElement) {
    return target.type === 'number' || target.type === 'text' || (target.type !== 'range' && key === ' ')
  }
  // Space presses a button, and does nothing on a link.
  return target instanceof HTMLButtonElement && key === ' '
}
