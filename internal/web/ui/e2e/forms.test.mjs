// What people do by filling in forms, from nothing to the end.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { clean, go, serious, totp, until, World } from './world.mjs'

let w
let admin
before(async () => {
  w = await World.start({ SEMAPHORE_TOTP_ALLOW_RECOVERY: () => 'true', SEMAPHORE_TEAMS_INVITES_ENABLED: () => 'true', SEMAPHORE_TEAMS_INVITE_TYPE: () => 'both' })
  admin = await w.page('admin', w.password)
})
after(async () => {
  if (process.env.SHOT) await admin?.screenshot({ path: process.env.SHOT })
  await w?.stop()
})

test('a project comes from empty to a green run by its forms alone', async () => {
  await go(admin, 'project/new')
  await admin.getByLabel('Name').fill('From empty')
  await admin.click('button:has-text("Create")')
  await admin.waitForURL(/project\/\d+\/templates$/)
  await admin.waitForSelector('.empty')
  const before = admin.url()
  await admin.click('nav >> text=Repositories')
  await admin.click('text=New repository')
  await admin.getByLabel('Name').fill('Scripts')
  await admin.getByLabel('Address').fill(join(w.dir, 'demo'))
  await admin.click('button:has-text("Create")')
  await admin.click('td >> text=Scripts')
  await admin.waitForSelector('h1:has-text("Scripts")')
  await admin.click('nav >> text=Inventories')
  await admin.click('text=New inventory')
  await admin.click('[role=menuitem]:has-text("Static (INI)")')
  await admin.getByLabel('Name').fill('Here')
  await admin.click('button:has-text("Create")')
  await admin.waitForSelector('td >> text=Here')
  await admin.click('nav >> text=Templates')
  assert.equal(admin.url(), before)
  await admin.click('text=New template')
  await admin.click('[role=menuitem]:has-text("Bash")')
  await admin.getByLabel('Name').fill('Greets')
  await admin.click('button:has-text("Create")')
  await admin.waitForSelector('.error:has-text("fill this in")')
  await admin.getByRole('textbox', { name: 'Script', exact: true }).fill('hello.sh')
  await admin.click('button:has-text("Create")')
  await admin.waitForSelector('h1:has-text("Greets")')
  await admin.click('button.primary:has-text("Run")')
  await admin.getByLabel('Message').fill('the first one')
  await admin.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await admin.click('[role=dialog] >> text=Copy as…')
  await admin.click('[role=menuitem]:has-text("semaphore run")')
  await admin.waitForSelector('.notices >> text=Copied')
  const line = await admin.evaluate(() => navigator.clipboard.readText())
  assert.equal(line, `semaphore run hello.sh --repo ${join(w.dir, 'demo')}`)
  await admin.click('[role=dialog] button.primary')
  await admin.waitForSelector('.head .status.ok:has-text("Success")')
  await admin.waitForSelector('.log >> text=hello from')
  const out = execFileSync(w.bin, [...line.split(' ').slice(1), '--data-dir', join(w.dir, 'cli')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  assert.match(out, /hello from/)
  clean(admin)
})

test('a role runs the one template that it was given, and is told why it may do no more', async () => {
  const user = await w.api('POST', 'users', { username: 'ops1', name: 'Ops', email: 'ops1@localhost', password: 'ops-password-1' })
  await go(admin, 'project/1/roles/new')
  await admin.getByLabel('Name').first().fill('Lookers')
  await admin.getByLabel('Short name').fill('lookers')
  await admin.click('button:has-text("Create")')
  await admin.waitForSelector('td >> text=Lookers')
  await w.api('POST', 'project/1/users', { user_id: user.id, role: 'lookers' })
  await w.api('POST', 'project/1/roles', { project_id: 1, name: 'All of it', slug: 'everything', permissions: 15 })
  const hello = (await w.api('GET', 'project/1/templates')).find((x) => x.name === 'Hello (script)')
  await go(admin, `project/1/templates/${hello.id}/perms`)
  await admin.locator('select').selectOption({ label: 'Lookers' })
  await admin.click('form button:has-text("Add")')
  await admin.waitForSelector('input[aria-label="Lookers: Run"]:checked')
  const page = await w.page('ops1', 'ops-password-1')
  await go(page, 'project/1/templates')
  await page.waitForSelector('tr:has-text("Hello (script)") >> button:enabled')
  const others = page.locator('tbody tr:not(:has-text("Hello (script)")) button')
  for (const b of await others.all()) assert.match((await b.getAttribute('title')) ?? '', /may not run/)
  await page.click('tr:has-text("Hello (script)") >> button')
  await page.click('[role=dialog] button.primary')
  await page.waitForSelector('.head .status.ok')
  const wrong = []
  for (const path of ['history', 'templates', `templates/${hello.id}`, 'schedule', 'calendar', 'stats', 'inventory', 'inventory/1', 'environment', 'environment/1', 'keys', 'keys/1', 'repositories', 'repositories/1', 'integrations', 'deliveries', 'team', 'roles', 'roles/everything', 'runners', 'secret_storages', 'known_hosts', 'views', 'activity', 'settings']) {
    await go(page, `project/1/${path}`)
    const bad = await page.$$eval('main button, main .button, main [role=switch]', (all) =>
      all.filter((b) => (b.disabled ? !b.closest('form') && !b.title : /^(New|Add\b|Create|Save|Delete|Edit$|Remove|Send|Clear|✕)/.test(b.textContent.trim()))).map((b) => (b.disabled ? 'silent: ' : 'offered: ') + b.outerHTML.slice(0, 90)),
    )
    if (bad.length) wrong.push([path, ...bad])
  }
  assert.deepEqual(wrong, [])
  clean(page)
  await page.context().close()
})

test('a recovery code signs in where the phone is lost', async () => {
  await w.api('POST', 'users', { username: 'lost', name: 'Lost', email: 'lost@localhost', password: 'lost-password-1' })
  const page = await w.page('lost', 'lost-password-1')
  await go(page, 'account')
  await page.click('text=Set up')
  const secret = (await page.textContent('p:has-text("Or enter the secret") code')).trim()
  const recovery = (await page.textContent('.note.warn code')).trim()
  await page.fill('section input[inputmode=numeric]', totp(secret))
  await page.click('button:has-text("Turn on")')
  await page.waitForSelector('text=On: signing in asks')
  assert.ok(!(await page.content()).includes(recovery))
  await page.context().close()
  const fresh = await w.page()
  await fresh.goto(w.base + 'account')
  await fresh.fill('input[name=username]', 'lost')
  await fresh.fill('input[name=password]', 'lost-password-1')
  await fresh.keyboard.press('Enter')
  await fresh.click('text=Use the recovery code')
  await fresh.fill('input.mono', 'wrong-wrong')
  await fresh.keyboard.press('Enter')
  await fresh.waitForSelector('.error')
  await fresh.fill('input.mono', recovery)
  await fresh.keyboard.press('Enter')
  await fresh.waitForURL(/\/account$/)
  await fresh.waitForSelector('button:has-text("Set up")')
  clean(fresh)
  await fresh.context().close()
})

test('a runner starts by the lines that the page shows, and its token is shown once', async () => {
  await go(admin, 'project/1/runners/new')
  await admin.getByLabel('Name').fill('Edge')
  await admin.click('button:has-text("Create")')
  const token = (await admin.textContent('.form code')).trim()
  const lines = await admin.textContent('pre >> nth=1')
  assert.match(lines, /RUNNER_TOKEN_FILE=runner\.token[^]*RUNNER_PRIVATE_KEY_FILE=runner\.key/)
  const dir = mkdtempSync(join(tmpdir(), 'runner-'))
  writeFileSync(join(dir, 'runner.token'), token, { mode: 0o600 })
  const env = Object.fromEntries([...lines.matchAll(/(SEMAPHORE_\w+)=(\S+)/g)].map((m) => [m[1], m[2]]))
  const runner = spawn(w.bin, ['runner', 'start', '--no-config'], { cwd: dir, env: { PATH: process.env.PATH, HOME: dir, ...env } })
  try {
    await until('it has been seen', async () => (await w.api('GET', 'project/1/runners')).find((r) => r.name === 'Edge').touched)
  } finally {
    runner.kill('SIGKILL')
    rmSync(dir, { recursive: true, force: true })
  }
  clean(admin)
})

test('a place for a runner is made, and its token shown once', async () => {
  await go(admin, 'runners')
  await admin.click('text=New runner')
  await admin.click('[role=menuitem]:has-text("registers itself")')
  await admin.getByLabel('Name').fill('Farm')
  await admin.click('button:has-text("Create")')
  const token = (await admin.textContent('.form code')).trim()
  assert.ok(token.length > 20)
  assert.match(await admin.textContent('pre'), /REGISTRATION_TOKEN_FILE/)
  assert.deepEqual(await serious(admin), [])
  await admin.click('text=Done')
  await admin.click('td >> text=Farm')
  await admin.waitForSelector('h1:has-text("Farm")')
  assert.ok(!(await admin.content()).includes(token))
  clean(admin)
})

test('an invitation is accepted by its link', async () => {
  await w.api('POST', 'users', { username: 'guest2', name: 'Second guest', email: 'guest2@localhost', password: 'guest2-password-1' })
  await go(admin, 'project/1/team')
  await admin.click('text=Add a member')
  await admin.getByLabel('E-mail').fill('guest2@localhost')
  assert.deepEqual(await serious(admin), [])
  await admin.click('[role=dialog] button.primary')
  const url = (await admin.textContent('[role=dialog] code')).trim()
  await admin.click('[role=dialog] >> text=Done')
  await admin.waitForSelector('tr:has-text("guest2@localhost")')
  const page = await w.page()
  await page.goto(url.replace(/^https?:\/\/[^/]+\//, w.base))
  await page.fill('input[name=username]', 'guest2')
  await page.fill('input[name=password]', 'guest2-password-1')
  await page.keyboard.press('Enter')
  await page.click('button:has-text("Accept")')
  await page.waitForURL(/project\/1\/history/)
  clean(page)
  await page.context().close()
})

test('who is invited by name finds the invitation in the page', async () => {
  await w.api('POST', 'users', { username: 'guest3', name: 'Third guest', email: 'guest3@localhost', password: 'guest3-password-1' })
  await go(admin, 'project/1/team')
  await admin.click('text=Add a member')
  await admin.locator('[role=dialog] select').first().selectOption({ label: 'Third guest (guest3)' })
  await admin.click('[role=dialog] button.primary')
  await admin.click('[role=dialog] >> text=Done')
  const page = await w.page('guest3', 'guest3-password-1')
  await page.waitForSelector('text=You are invited to')
  await page.click('button:has-text("Accept")')
  await page.waitForURL(/project\/1\/history/)
  clean(page)
  await page.context().close()
})

test('one address of the project calls the webhooks whose conditions are met', async () => {
  await go(admin, 'project/1/integrations/new')
  await admin.getByLabel('Name').fill('Pushes')
  await admin.getByLabel('Template').selectOption({ label: 'Hello (script)' })
  await admin.getByLabel('How the sender').selectOption({ label: 'Not at all' })
  await admin.getByLabel('At the address of the project').check()
  await admin.click('button:has-text("Create")')
  await admin.click('section:has-text("Conditions") button:has-text("Add")')
  await admin.locator('[role=dialog] input').nth(0).fill('Is a push')
  await admin.getByLabel('Name or path').fill('kind')
  await admin.getByRole('textbox', { name: 'Value' }).fill('push')
  assert.deepEqual(await serious(admin), [])
  await admin.click('[role=dialog] button.primary')
  await admin.waitForSelector('.link:has-text("Is a push")')
  await go(admin, 'project/1/integrations')
  await admin.click('text=New address')
  const url = await admin.textContent('.addresses code')
  const fire = async (kind) => (await fetch(w.base + url.slice(url.indexOf('api/')), { method: 'POST', body: JSON.stringify({ kind }) })).headers.get('X-Semaphore-Task-ID')
  assert.equal(await fire('other'), null)
  const task = await fire('push')
  await go(admin, `project/1/tasks/${task}`)
  await admin.waitForSelector('.head .status.ok')
  clean(admin)
})

test('what is typed is not lost on the way to another row, nor when the session ends', async () => {
  const [first] = await Promise.all(['Typed here', 'Looked up'].map((name) => w.api('POST', 'project/1/inventory', { project_id: 1, name, type: 'static', inventory: 'localhost' })))
  await w.api('POST', 'users', { username: 'typist', name: 'Typist', email: 'typist@localhost', password: 'typist-password-1', admin: true })
  const page = await w.page('typist', 'typist-password-1')
  await go(page, `project/1/inventory/${first.id}`)
  const name = page.locator('.form input').first()
  await name.fill('Precious')
  await page.keyboard.press('Control+k')
  await page.fill('[role=dialog] input', 'Looked up')
  await page.waitForSelector('[role=dialog] [role=option]:has-text("Looked up")')
  await page.keyboard.press('Enter')
  await page.click('[role=dialog] button:has-text("Cancel")')
  assert.equal(await name.inputValue(), 'Precious')
  await page.click('.nav button:has-text("Typist")')
  await page.click('[role=menuitem]:has-text("Sign out")')
  await page.click('[role=dialog] button:has-text("Cancel")')
  assert.equal(await name.inputValue(), 'Precious')
  await page.context().clearCookies()
  await page.click('.form button.primary')
  await page.fill('input[name=username]', 'typist')
  await page.fill('input[name=password]', 'typist-password-1')
  await page.keyboard.press('Enter')
  await page.waitForSelector('text=is still here')
  assert.equal(await name.inputValue(), 'Precious')
  await page.click('.form button.primary')
  await until('it is saved', async () => (await w.api('GET', `project/1/inventory/${first.id}`)).name === 'Precious')
  clean(page)
  await page.context().close()
})

test('axe finds nothing serious in dialogs and menus, in light and dark', async () => {
  const t = await w.template('Asks all', 'hello.sh', {
    allow_override_args_in_task: true, allow_override_branch_in_task: true,
    survey_vars: [{ name: 'n', title: 'How many', type: 'int', required: true }, { name: 'e', title: 'Where', type: 'enum', values: [{ name: 'Here', value: 'here' }] }, { name: 's', title: 'Word', type: 'secret' }],
  })
  const places = {
    'Run dialog': [`project/1/templates/${t.id}`, 'button.primary', '[role=dialog] button.primary'],
    'menu of a template': [`project/1/templates/${t.id}`, 'button[aria-label="More"]'],
    'new template': ['project/1/templates', 'text=New template'],
    'deleting a key': ['project/1/keys/1', 'button.danger'],
    'errors of a form': ['project/1/templates/new?kind=ansible', 'button:has-text("Create")'],
    'errors of a schedule': ['project/1/schedule/new', 'button:has-text("Create")'],
    'conditions of a webhook': ['project/1/integrations/new'],
    'leaving a project': ['project/1/settings', 'button.danger >> nth=-1'],
    'new token': ['tokens', 'button.primary'],
    'new member': ['project/1/team', 'button.primary'],
    search: ['project/1/history', 'button:has-text("Search")'],
    'menu of the user': ['project/1/history', 'nav button >> nth=-1'],
  }
  const found = []
  for (const [name, [path, ...clicks]] of Object.entries(places)) {
    await go(admin, path)
    for (const c of clicks) await admin.click(c)
    await admin.settled()
    for (const colorScheme of ['light', 'dark']) {
      await admin.emulateMedia({ colorScheme })
      const bad = await serious(admin)
      if (bad.length) found.push([name, colorScheme, ...bad])
    }
    await admin.emulateMedia({ colorScheme: 'light' })
    await admin.keyboard.press('Escape')
  }
  assert.deepEqual(found, [])
  clean(admin)
})
