/** Lines of an INI inventory that Ansible would refuse, with the keys of messages why. */
export function checkInventory(text: string): { line: number; message: string }[] {
  const wrong: { line: number; message: string }[] = []
  let section: 'hosts' | 'vars' | 'children' = 'hosts'
  text.split('\n').forEach((raw, i) => {
    const line = raw.trim()
    const at = i + 1
    if (!line || line.startsWith('#') || line.startsWith(';')) return
    if (line.startsWith('[')) {
      const m = /^\[([^\]:\s]+)(?::([^\]\s]*))?\]\s*(?:[#;].*)?$/.exec(line)
      if (!m) wrong.push({ line: at, message: 'inventory.section' })
      else if (m[2] !== undefined && m[2] !== 'vars' && m[2] !== 'children') wrong.push({ line: at, message: 'inventory.suffix' })
      else section = (m[2] as 'vars' | 'children' | undefined) ?? 'hosts'
      return
    }
    if (section === 'vars' && !line.includes('=')) wrong.push({ line: at, message: 'inventory.vars' })
    if (section === 'children' && /\s/.test(line.replace(/\s+[#;].*$/, ''))) wrong.push({ line: at, message: 'inventory.children' })
    if (section === 'hosts') {
      const rest = line.replace(/\s+#.*$/, '').replace(/"[^"]*"|'[^']*'/g, 'q').split(/\s+/).slice(1)
      if (rest.some((w) => !w.includes('='))) wrong.push({ line: at, message: 'inventory.host' })
      if ((line.match(/"/g)?.length ?? 0) % 2) wrong.push({ line: at, message: 'inventory.quote' })
    }
  })
  return wrong
}
