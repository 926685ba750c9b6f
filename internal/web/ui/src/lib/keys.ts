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
    ],
  },
]

/** Whether keys belong to where they are typed. */
export const typing = (e: Event): boolean => e.target instanceof Element && !!e.target.closest('input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], .editor')
