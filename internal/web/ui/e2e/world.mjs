// A real server in a directory of its own, a browser, and the API beside it.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync, chmodSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { chromium } from 'playwright-core'

const BIN = resolve(process.env.SEMAPHORE_BIN ?? '../../../bin/semaphore')
const BROWSER = process.env.CHROMIUM ?? '/usr/bin/chromium'

export const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

async function freePort() {
  const s = createServer()
  await new Promise((r) => s.listen(0, '127.0.0.1', r))
  const { port } = s.address()
  await new Promise((r) => s.close(r))
  return port
}

export async function until(what, f, ms = 20_000) {
  const end = Date.now() + ms
  for (let last; ; ) {
    try {
      const v = await f()
      if (v) return v
    } catch (e) {
      last = e
    }
    if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms${last ? `: ${last.message}` : ''}`)
    await new Promise((r) => setTimeout(r, 50))
  }
}

const scripts = {
  'slow.sh': 'for i in $(seq 1 400); do echo "line $i of slow"; sleep 0.02; done\n',
  'clock.sh': 'for i in $(seq 1 100); do echo "at $(date +%s%3N)"; sleep 0.05; done\n',
  'secret.sh': 'echo "${#word} letters"\n',
  'flood.sh': 'seq -f "flood line %.0f" 1 "${1#*=}"\n',
  'flow.sh': 'for i in $(seq 1 10); do seq -f "flow $i %.0f" 1 20000; sleep 0.9; done\n',
  'fail.yml': '- name: Breaks\n  hosts: all\n  gather_facts: false\n  tasks:\n    - name: Fine\n      ansible.builtin.debug:\n        msg: fine\n    - name: Goes wrong here\n      ansible.builtin.fail:\n        msg: this is the reason\n',
  'hostile.sh': `printf '%s\\n' '<img src=x onerror="window.hacked=1">' '<script>window.hacked=1</script>'; printf '\\033]8;;javascript:window.hacked=1\\007click\\033]8;;\\007\\n\\033[31m<b>red</b>\\033[0m\\n'\n`,
}

export class World {
  cookie = ''
  bin = BIN

  static async start(env = {}) {
    const w = new World()
    w.dir = mkdtempSync(join(tmpdir(), 'semaphore-ui-'))
    w.port = await freePort()
    w.env = Object.fromEntries(Object.entries(env).map(([k, f]) => [k, f(w.port)]))
    w.base = `http://127.0.0.1:${w.port}/`
    await w.up()
    await w.login('admin', w.password)
    for (const [name, text] of Object.entries(scripts)) {
      writeFileSync(join(w.dir, 'demo', name), text)
      chmodSync(join(w.dir, 'demo', name), 0o755)
    }
    const git = (...a) => execFileSync('git', ['-C', join(w.dir, 'demo'), '-c', 'user.name=t', '-c', 'user.email=t@localhost', ...a])
    git('add', '.')
    git('commit', '-qm', 'more')
    w.browser = await chromium.launch({ executablePath: BROWSER, args: ['--no-sandbox'] })
    return w
  }

  async up() {
    const env = { ...process.env, SEMAPHORE_INTERFACE: '127.0.0.1', SEMAPHORE_TOTP_ENABLED: 'true', SEMAPHORE_SHUTDOWN_GRACE_SEC: '1', ...this.env }
    this.server = spawn(BIN, ['server', '--no-config', '--demo', '--data-dir', this.dir, '--port', String(this.port)], { env })
    this.log = ''
    const take = (d) => (this.log += d)
    this.server.stdout.on('data', take)
    this.server.stderr.on('data', take)
    await until('the server answers', async () => (await fetch(this.base + 'api/ping')).ok).catch((e) => {
      throw new Error(`${e.message}\n${this.log}`)
    })
    this.password ??= await until('the password is told', () => /with the password (\S+)/.exec(this.log)?.[1])
  }

  async down(signal = 'SIGTERM') {
    if (this.server.exitCode !== null) return
    const gone = new Promise((r) => this.server.once('exit', r))
    this.server.kill(signal)
    await gone
  }

  async login(auth, password) {
    const res = await fetch(this.base + 'api/auth/login', { method: 'POST', body: JSON.stringify({ auth, password }) })
    if (!res.ok) throw new Error(`login: ${res.status}`)
    this.cookie = res.headers.get('set-cookie').split(';')[0]
  }

  async api(method, path, body) {
    const res = await fetch(this.base + 'api/' + path, { method, headers: { Cookie: this.cookie }, body: body && JSON.stringify(body) })
    const text = await res.text()
    if (!res.ok) throw new Error(`${method} ${path}: ${res.status} ${text}`)
    return text ? JSON.parse(text) : undefined
  }

  /** A template of the demo's repository. */
  template(name, playbook, more = {}) {
    return this.api('POST', 'project/1/templates', { project_id: 1, name, app: 'bash', playbook, repository_id: 1, environment_id: 1, ...more })
  }

  /** An account, with its password. */
  async user(name, more = {}) {
    const password = `${name}-password-1`
    return { ...(await this.api('POST', 'users', { username: name, name, email: `${name}@localhost`, password, ...more })), password }
  }

  /** A page of somebody who is signed in. What goes wrong in it is kept in page.wrong. */
  async page(user, password, options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
    const page = await context.newPage()
    page.setDefaultTimeout(15_000)
    page.base = this.base
    page.wrong = []
    let pending = 0
    let last = Date.now()
    const count = (by) => () => ((pending += by), (last = Date.now()))
    page.on('request', count(1))
    page.on('requestfinished', count(-1))
    page.on('requestfailed', count(-1))
    /** Waits until nothing has been loaded for a moment. */
    page.settled = () => until('the page is quiet', () => pending <= 0 && Date.now() - last > 120)
    page.on('framenavigated', (f) => f === page.mainFrame() && (pending = 0))
    page.on('pageerror', (e) => page.wrong.push(String(e)))
    page.on('console', (m) => /Content.Security.Policy|violates/i.test(m.text()) && page.wrong.push(m.text()))
    if (user) {
      await page.goto(this.base)
      await page.fill('input[name=username]', user)
      await page.fill('input[name=password]', password)
      await page.keyboard.press('Enter')
      await page.waitForURL((u) => !u.pathname.startsWith('/auth'))
      await page.waitForSelector('.frame')
    }
    return page
  }

  async stop() {
    await this.browser?.close()
    await this.down('SIGKILL')
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** Fills in the sign-in page. */
export async function signIn(page, user) {
  await page.fill('input[name=username]', user.username)
  await page.fill('input[name=password]', user.password)
  await page.keyboard.press('Enter')
}

export const clean = (page) => assert.deepEqual(page.wrong, [])

/** Opens a path of the server, and waits until all of it is there. */
export async function go(page, path) {
  await page.goto(page.base + path)
  await page.settled()
}

/** What axe finds on a page that is serious. */
export async function serious(page, rules) {
  await page.evaluate(axe)
  return page.evaluate(async (only) => {
    const { violations } = await window.axe.run(document, { resultTypes: ['violations'], ...(only ? { runOnly: only } : {}) })
    return violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 160)} ${v.nodes[0].any[0]?.message ?? ''}`)
  }, rules)
}

/** The code of an authenticator app, steps of 30 seconds from now. */
export function totp(secret, steps = 0) {
  let bits = ''
  for (const ch of secret.replace(/=+$/, '')) bits += 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(ch).toString(2).padStart(5, '0')
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps))
  const mac = createHmac('sha1', key).update(counter).digest()
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}
