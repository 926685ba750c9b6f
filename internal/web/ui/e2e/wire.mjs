// A wire between a browser and a server, which can be cut.
import { connect, createServer } from 'node:net'

export class Wire {
  ends = new Set()
  whole = true

  static async to(port) {
    const wire = new Wire()
    wire.server = createServer((near) => {
      if (!wire.whole) return near.destroy()
      const far = connect(port, '127.0.0.1')
      for (const [a, b] of [[near, far], [far, near]]) {
        wire.ends.add(a)
        a.on('error', () => {})
        a.on('close', () => (wire.ends.delete(a), b.destroy()))
        a.pipe(b)
      }
    })
    await new Promise((r) => wire.server.listen(0, '127.0.0.1', r))
    wire.base = `http://127.0.0.1:${wire.server.address().port}/`
    return wire
  }

  cut() {
    this.whole = false
    for (const end of this.ends) end.destroy()
  }

  mend() {
    this.whole = true
  }

  async close() {
    this.cut()
    await new Promise((r) => this.server.close(r))
  }
}
