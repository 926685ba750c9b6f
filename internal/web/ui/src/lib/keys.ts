/** What "g" and then a key leads to, by the names of screens. */
export const ways: Record<string, string> = { history: 'h', templates: 't', schedule: 's', calendar: 'c', stats: 'a', inventory: 'i', environment: 'v', keys: 'k', repositories: 'r', integrations: 'w', team: 'm', activity: 'l', settings: 'p', '/tasks': 'q', '/users': 'u', '/server': 'z' }

/** The keys of the page, by where they work. Names of texts stand for what they do. */
export const keys: { where: string; keys: [string[], string][] }[] = [
  {
    where: 'keys.page',
    keys: [
      [['/', 'Ctrl K'], 'keys.search'],
      [['?'], 'keys.help'],
      [['Esc'], 'keys.close'],
    ],
  },
  {
    where: 'keys.tables',
    keys: [
      [['j', '↓'], 'keys.next_row'],
      [['k', '↑'], 'keys.previous_row'],
      [['Enter'], 'keys.open_row'],
      [['r'], 'keys.run_row'],
      [['n'], 'keys.new_row'],
    ],
  },
  {
    where: 'keys.log',
    keys: [
      [['g', 'Home'], 'keys.first'],
      [['G', 'End'], 'keys.last'],
      [['f'], 'keys.follow'],
      [['w'], 'keys.wrap'],
      [['t'], 'keys.times'],
      [['e'], 'keys.next_error'],
      [['E'], 'keys.previous_error'],
      [['Ctrl F'], 'keys.find'],
      [['n', 'Enter'], 'keys.next_hit'],
      [['N', 'Shift Enter'], 'keys.previous_hit'],
      [['c'], 'keys.copy'],
      [['['], 'keys.run_before'],
      [[']'], 'keys.run_after'],
    ],
  },
  {
    where: 'keys.go',
    keys: Object.entries(ways).map(([name, key]) => [[`g ${key}`], name.startsWith('/') ? `nav.all_${name.slice(1)}` : `nav.${name}`]),
  },
]

const brackets: Record<string, string> = { BracketLeft: '[', BracketRight: ']' }
/** The letter or bracket of a key, also where the keyboard is set to one that has no Latin letters. */
export const letter = (e: { key: string; code?: string }): string => {
  const code = /^Key([A-Z])$/.exec(e.code ?? '')?.[1] ?? brackets[e.code ?? '']
  if (!code || !/^[^\x00-\x7f]$/.test(e.key)) return e.key
  return e.key === e.key.toLowerCase() ? code.toLowerCase() : code
}

/** Whether keys belong to where they are typed. */
export const typing = (e: Event): boolean => e.target instanceof Element && !!e.target.closest('input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], .editor')
