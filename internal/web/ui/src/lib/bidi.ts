const controls = /[\u202a-\u202e\u2066-\u2069]/g
const names: Record<number, string> = {
  0x202a: 'LRE', 0x202b: 'RLE', 0x202c: 'PDF', 0x202d: 'LRO', 0x202e: 'RLO',
  0x2066: 'LRI', 0x2067: 'RLI', 0x2068: 'FSI', 0x2069: 'PDI',
}

/**
 * A text of somebody else's as it is shown: characters that would turn the text
 * around them are marks that can be read, such as ⟨RLO⟩. They could make a line
 * or a name look like another one.
 */
export const visible = (text: string): string => text.replace(controls, (c) => `⟨${names[c.charCodeAt(0)]!}⟩`)
