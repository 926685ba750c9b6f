import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { axe, clean, go, serious, totp, until, World } from './world.mjs'

let w
let admin
before(async () => {
  w = await World.start()
  admin = await w.page('admin', w.password)
})
after(async () => {
  if (process.env.SHOT) await admin?.screenshot({ path: process.env.SHOT })
  await w?.stop()
})
const shown = (page) => page.$$eval('.log .line', (rows) => rows.map((r) => [Number(r.querySelector('.no').textContent), r.querySelector('.text').textContent]))

test('a first visit ends in a green run with its live log', async () => {
  await go(admin, '')
  await admin.click('nav >> text=Templates')
  await admin.click('tr:has-text("Hello (script)") >> button')
  await admin.fill('[role=dialog] input >> nth=0', 'Zoë & <b>friends</b>')
  await admin.click('[role=dialog] button.primary')
  await admin.waitForSelector('.status.ok')
  await admin.waitForSelector('text=argument: name=Zoë & <b>friends</b>')
  clean(admin)
})

test('a survey says beside the field what is wrong', async () => {
  const t = await w.template('Asks', 'hello.sh', {
    survey_vars: [
      { name: 'count', title: 'How many', type: 'int', required: true },
      { name: 'where', title: 'Where', type: 'enum', values: [{ name: 'Here', value: 'here' }], required: true },
      { name: 'word', title: 'Password', type: 'secret' },
    ],
  })
  await go(admin, `project/1/templates/${t.id}`)
  await admin.click('button.primary')
  await admin.click('[role=dialog] button.primary')
  assert.equal(await admin.locator('[role=dialog] .error').count(), 2)
  await admin.getByLabel('How many').fill('1.5')
  await admin.click('[role=dialog] button.primary')
  await admin.waitForSelector('[role=dialog] .error:has-text("whole number")')
  await admin.getByLabel('How many').fill('7')
  await admin.getByLabel('Where').selectOption('here')
  await admin.getByLabel('Password').fill('very-secret-value')
  await admin.click('[role=dialog] button.primary')
  await admin.waitForSelector('.status.ok')
  await admin.waitForSelector('text=argument: count=7')
  assert.ok(!(await admin.content()).includes('very-secret-value'))
})

test('a failing task leads to its error', async (t) => {
  const inventory = (await w.api('GET', 'project/1/inventory')).find((i) => i.type === 'file')
  if (!inventory) return t.skip('no ansible here')
  const tpl = await w.template('Fails', 'fail.yml', { app: 'ansible', inventory_id: inventory.id })
  const task = await w.api('POST', 'project/1/tasks', { template_id: tpl.id })
  await go(admin, `project/1/tasks/${task.id}`)
  await admin.waitForSelector('.status.bad')
  await admin.click('.problems button')
  await admin.waitForURL(/#L\d+$/)
  await admin.waitForSelector('.log .marked:has-text("this is the reason"), .log .marked:has-text("fatal")')
  const head = admin.locator('.log button.fold').last()
  const rows = await admin.locator('.log .line').count()
  await head.click()
  await until('the part is folded', async () => (await admin.locator('.log .line').count()) < rows)
  clean(admin)
})

test('a long log is shown where it is looked at, and found in', async () => {
  const tpl = await w.template('Flood', 'flood.sh', { arguments: '["n=120000"]' })
  const task = await w.api('POST', 'project/1/tasks', { template_id: tpl.id })
  await until('the flood is over', async () => (await w.api('GET', `project/1/tasks/${task.id}`)).status === 'success', 60_000)
  await go(admin, `project/1/tasks/${task.id}#L60000`)
  await until('the line of the address is shown', async () => (await shown(admin)).some(([n, text]) => n === 60000 && /flood line \d+/.test(text)))
  await admin.evaluate(() => (location.hash = '#L90000'))
  await until('the line of a changed address is shown', async () => (await shown(admin)).some(([n]) => n === 90000))
  await admin.focus('#main')
  await admin.keyboard.press('Control+f')
  assert.equal(await admin.evaluate(() => document.activeElement.type), 'search')
  await admin.focus('#main')
  await admin.keyboard.press('End')
  await until('the last line is shown', async () => (await shown(admin)).some(([, text]) => text === 'flood line 120000'))
  await admin.fill('.log input[type=search]', 'LINE 77777')
  await until('it is found', async () => (await admin.textContent('.log .found')).startsWith('1'))
  await admin.keyboard.press('Enter')
  await until('it is shown', async () => (await shown(admin)).some(([, text]) => text === 'flood line 77777'))
  clean(admin)
})

test('two browsers watch one log, and a restart of the server leaves no gap', async () => {
  const tpl = await w.template('Slow', 'slow.sh')
  const other = await w.page('admin', w.password)
  const task = await w.api('POST', 'project/1/tasks', { template_id: tpl.id })
  for (const p of [admin, other]) await go(p, `project/1/tasks/${task.id}`)
  for (const p of [admin, other]) await until('lines come live', async () => (await shown(p)).some(([, text]) => /line [2-9]\d\d of slow/.test(text)))
  await w.down('SIGKILL')
  await admin.waitForSelector('text=Not connected')
  await w.up()
  await w.login('admin', w.password)
  await until('the task has ended', async () => ['error', 'success', 'stopped'].includes((await w.api('GET', `project/1/tasks/${task.id}`)).status), 30_000)
  await admin.waitForSelector('.page.task .status.bad, .page.task .status.ok', { timeout: 20_000 })
  const lines = await w.api('GET', `project/1/tasks/${task.id}/output`)
  for (const p of [admin, other]) {
    const seen = new Map()
    await until('all lines were shown as the server has them', async () => {
      await p.focus('.log .scroller')
      const pages = Math.ceil(lines.length / 15)
      for (const key of ['Home', ...Array(pages).fill('PageDown'), 'End']) {
        await p.keyboard.press(key)
        if (key === 'Home') await until('the first line is there', async () => (await shown(p))[0]?.[0] === 1)
        await p.evaluate(() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))) // what the key moved is drawn
        const rows = await shown(p)
        rows.forEach(([n], i) => i && assert.equal(n, rows[i - 1][0] + 1))
        for (const [n, text] of rows) if (text !== '…') seen.set(n, text)
      }
      return seen.size >= lines.length
    }, 30_000)
    lines.forEach((l, i) => assert.equal(seen.get(i + 1), l.output))
    clean(p)
  }
  await other.context().close()
})

test('a guest sees, and is told what he may not do', async () => {
  const user = await w.api('POST', 'users', { username: 'guest1', name: 'Guest', email: 'g@localhost', password: 'guest-password-1' })
  await w.api('POST', 'project/1/users', { user_id: user.id, role: 'guest' })
  const page = await w.page('guest1', 'guest-password-1')
  await go(page, 'project/1/templates')
  const run = page.locator('tr:has-text("Hello (script)") >> button')
  assert.ok(await run.isDisabled())
  assert.match(await run.getAttribute('title'), /may not run/)
  assert.equal(await page.locator('text=New template').count(), 0)
  await go(page, 'project/1/keys')
  assert.ok(await page.locator('text=New key').isDisabled())
  await go(page, 'users')
  assert.ok(!page.url().endsWith('/users'))
  const hello = (await w.api('GET', 'project/1/templates')).find((x) => x.name === 'Hello (script)')
  const task = await w.api('POST', 'project/1/tasks', { template_id: hello.id })
  await go(page, `project/1/tasks/${task.id}`)
  await page.waitForSelector('text=hello from')
  const group = await w.api('POST', 'project/1/environment', { project_id: 1, name: 'Values', json: '{"city":"Lagos"}', env: '{}', secrets: [{ type: 'env', name: 'WORD', secret: 'hush', operation: 'create' }] })
  await go(page, `project/1/environment/${group.id}`)
  await until('names are shown and values are not', async () => (await page.locator('.kv >> text="not shown"').count()) === 2)
  assert.equal(await page.getByLabel('Value', { exact: true }).count(), 0)
  clean(page)
  await page.context().close()
})

test('a key is made, and never shown again', async () => {
  await go(admin, 'project/1/keys/new')
  await admin.click('button:has-text("Create")')
  await admin.waitForSelector('.error:has-text("fill this in")')
  await admin.getByLabel('Name').fill('Deploy')
  await admin.locator('select').first().selectOption({ label: 'Login and password' })
  await admin.getByLabel('Password').fill('canary-8c1f')
  await admin.click('button:has-text("Create")')
  await admin.click('td >> text=Deploy')
  await admin.waitForSelector('h1:has-text("Deploy")')
  assert.ok(!(await admin.content()).includes('canary-8c1f'))
  await admin.getByLabel('Name').fill('Changed')
  await admin.click('nav >> text=History')
  await admin.waitForSelector('text=Leave without saving?')
  await admin.click('[role=dialog] >> text=Cancel')
  assert.equal(await admin.getByLabel('Name').inputValue(), 'Changed')
  await admin.click('button:has-text("Save")')
  await admin.waitForSelector('td >> text=Changed')
  clean(admin)
})

test('a webhook fires a task and its delivery is seen', async () => {
  await go(admin, 'project/1/integrations/new')
  await admin.getByLabel('Name').fill('Hook')
  await admin.getByLabel('Template').selectOption({ label: 'Hello (script)' })
  await admin.getByLabel('How the sender').selectOption({ label: 'Not at all' })
  await admin.click('button:has-text("Create")')
  await admin.click('.parts section:has(h2:text("Conditions")) button')
  await admin.click('[role=dialog] >> text=Save')
  await admin.waitForSelector('[role=dialog] .field:has-text("Name") .error')
  await admin.fill('[role=dialog] input >> nth=0', 'Main')
  await admin.waitForSelector('[role=dialog] .error', { state: 'detached' })
  await admin.getByLabel('Name or path').fill('ref')
  await admin.locator('[role=dialog]').getByLabel('Value').fill('<main>')
  await admin.click('[role=dialog] >> text=Save')
  await admin.click('text=New address')
  const url = await admin.textContent('.parts code')
  const res = await fetch(w.base + url.slice(url.indexOf('api/')), { method: 'POST', body: '{"ref":"<main>"}' })
  assert.equal(res.status, 204)
  await go(admin, 'project/1/deliveries')
  await admin.click('tbody button:has-text("Show")')
  await admin.waitForSelector('[role=dialog] pre:has-text(\'{"ref":"<main>"}\')')
  await admin.keyboard.press('Escape')
  await admin.click(`a:has-text("#${res.headers.get('X-Semaphore-Task-ID')}")`)
  await admin.waitForSelector('.status.ok')
  clean(admin)
})

test('a plan is read before it is confirmed', async (t) => {
  const infra = (await w.api('GET', 'project/1/templates')).find((x) => /terraform|tofu/.test(x.app))
  if (!infra) return t.skip('no terraform here')
  for (const [button, status] of [['Reject', '.status:has-text("Rejected"), .status:has-text("Stopped"), .status:has-text("Failed")'], ['Confirm', '.status.ok']]) {
    const task = await w.api('POST', 'project/1/tasks', { template_id: infra.id })
    await go(admin, `project/1/tasks/${task.id}`)
    await admin.waitForSelector('.plan[open] >> text=terraform_data.greeting', { timeout: 40_000 })
    await admin.click(`.head button:has-text("${button}")`)
    await admin.waitForSelector(`.head ${status.replaceAll(', ', ', .head ')}`, { timeout: 40_000 })
    await admin.waitForSelector('.plan:not([open])')
    assert.equal(await admin.locator('.log .failing, .log .errors').count(), 0, 'a plan that is rejected has no line that failed')
  }
  clean(admin)
})

test('a backup goes out and comes back', async () => {
  await go(admin, 'project/1/settings')
  const [download] = await Promise.all([admin.waitForEvent('download'), admin.click('a:has-text("Download")')])
  await go(admin, 'project/restore')
  await admin.setInputFiles('input[type=file]', await download.path())
  await admin.getByLabel('Name').fill('Second')
  await admin.click('button:has-text("Restore")')
  await admin.click('text=Open the project')
  await admin.waitForSelector('td >> text=Hello (script)')
  clean(admin)
})

test('hostile names and logs are text', async () => {
  const bad = '<img src=x onerror="window.hacked=1">'
  const tpl = await w.template(bad, 'hostile.sh', { description: bad, survey_vars: [{ name: 'a', title: bad, description: bad }] })
  await w.api('POST', 'project/1/inventory', { project_id: 1, name: bad, type: 'static', inventory: bad })
  const task = await w.api('POST', 'project/1/tasks', { template_id: tpl.id, message: bad })
  for (const path of ['history', 'templates', `templates/${tpl.id}`, `templates/${tpl.id}/details`, 'inventory', `tasks/${task.id}`]) {
    await go(admin, `project/1/${path}`)
    await admin.getByText(bad).filter({ visible: true }).first().waitFor()
  }
  await admin.waitForSelector('.log >> text=<script>window.hacked=1</script>')
  assert.equal(await admin.locator('.log .text a').count(), 0)
  await admin.click('text=Run again')
  await admin.waitForSelector('[role=dialog]')
  assert.equal(await admin.evaluate(() => window.hacked), undefined)
  clean(admin)
})

test('a second factor is set up and asked for, and a session that ends leads back', async () => {
  const user = await w.api('POST', 'users', { username: 'second', name: 'Second', email: 's@localhost', password: 'second-password-1' })
  const page = await w.page('second', 'second-password-1')
  await go(page, 'account')
  await page.click('text=Set up')
  const secret = (await page.textContent('p:has-text("Or enter the secret") code')).trim()
  await page.fill('section input[inputmode=numeric]', '000000')
  await page.click('button:has-text("Turn on")')
  await page.waitForSelector('section .error')
  await page.fill('section input[inputmode=numeric]', totp(secret))
  await page.click('button:has-text("Turn on")')
  await page.waitForSelector('text=On: signing in asks')
  clean(page)
  const fresh = await w.page()
  await fresh.goto(w.base + 'account')
  await fresh.fill('input[name=username]', 'second')
  await fresh.fill('input[name=password]', 'second-password-1')
  await fresh.keyboard.press('Enter')
  await fresh.waitForSelector('text=authenticator app')
  await w.api('DELETE', `users/${user.id}/sessions`)
  await page.reload()
  await page.waitForSelector('input[name=username]')
  assert.match(page.url(), /to=/)
  await page.context().close()
  await fresh.context().close()
})

test('below a path everything works the same', async () => {
  const below = await World.start({ SEMAPHORE_WEB_ROOT: (port) => `http://127.0.0.1:${port}/ci` })
  try {
    const page = await below.page()
    await page.goto(below.base + 'ci/')
    await page.fill('input[name=username]', 'admin')
    await page.fill('input[name=password]', below.password)
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/ci\/project\/1\/history$/)
    await page.click('nav >> text=Templates')
    await page.click('tr:has-text("Hello (script)") >> button')
    await page.click('[role=dialog] button.primary')
    await page.waitForSelector('.status.ok')
    await page.waitForSelector('text=argument: name=world')
    assert.match(page.url(), /\/ci\/project\/1\/tasks\/\d+$/)
    clean(page)
  } finally {
    await below.stop()
  }
})

const screens = ['history', 'templates', 'templates/1', 'templates/1/details', 'templates/1/edit', 'templates/new?kind=ansible', 'tasks/1', 'schedule', 'schedule/new', 'calendar', 'stats', 'inventory', 'inventory/new?kind=static', 'environment/1', 'keys', 'keys/new', 'repositories', 'repositories/1', 'integrations', 'integrations/1', 'deliveries', 'team', 'roles', 'roles/new', 'runners', 'runners/new', 'secret_storages/new', 'known_hosts', 'views', 'activity', 'settings']
  .map((s) => 'project/1/' + s)
  .concat(['project/new', 'project/restore', 'tokens', 'account', 'tasks', 'users', 'users/1', 'apps', 'server', 'roles', 'runners', 'nowhere'])

test('axe finds nothing serious, in light and dark, and a phone shows all of it', async () => {
  const page = await w.page('admin', w.password)
  const found = []
  const look = async (path, name, only) => {
    const bad = await serious(page, only)
    if (bad.length) found.push([path, name, ...bad])
  }
  for (const path of ['', ...screens]) {
    await go(page, path)
    await look(path, 'light')
    await page.emulateMedia({ colorScheme: 'dark' })
    await look(path, 'dark', ['color-contrast'])
    await page.emulateMedia({ colorScheme: 'light' })
    await page.setViewportSize({ width: 375, height: 700 })
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    if (wide > 1) found.push([path, `${wide} pixels too wide`])
    await page.setViewportSize({ width: 1280, height: 800 })
  }
  assert.deepEqual(found, [])
  clean(page)
  await page.context().close()
})

test('the types are those of the API', async () => {
  const doc = await (await fetch(w.base + 'api/openapi.json')).text()
  const made = execFileSync(process.execPath, ['scripts/types.mjs'], { input: doc, encoding: 'utf8' })
  assert.equal(made, readFileSync('src/api/schema.ts', 'utf8'), 'run npm run types')
})

test('the sign-in page passes axe too', async () => {
  const page = await w.page()
  await go(page, 'auth/login')
  await page.evaluate(axe)
  assert.deepEqual(await page.evaluate(async () => (await window.axe.run()).violations.map((v) => v.id)), [])
  await page.context().close()
})
