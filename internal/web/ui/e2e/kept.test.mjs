// What is typed is not lost: not by leaving, nor by the end of the session.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { clean, go, serious, signIn, totp, until, World } from './world.mjs'

let w
before(async () => (w = await World.start()))
after(() => w?.stop())
const dialog = '[role=dialog]'
const asks = (page) => page.waitForSelector('text=Leave without saving?')
const stay = (page) => page.locator(dialog, { hasText: 'Leave without saving?' }).getByText('Cancel').click()
const survey = (name) => w.template(name, 'hello.sh', { survey_vars: [{ name: 'city', title: 'City', type: '' }, { name: 'word', title: 'Word', type: 'secret' }] })

test('the answers of a run outlive a sign-in with a second factor', async () => {
  const user = await w.user('twice', { admin: true })
  const tpl = await survey('Asks twice')
  const page = await w.page(user.username, user.password)
  const secret = await page.evaluate(async (id) => {
    const made = await (await fetch(`/api/users/${id}/2fas/totp`, { method: 'POST', body: '{}' })).json()
    return { id: made.id, key: /secret=([^&]+)/.exec(made.url)[1] }
  }, user.id)
  const status = await page.evaluate(async ([id, totp, passcode]) => (await fetch(`/api/users/${id}/2fas/totp/${totp}/verify`, { method: 'POST', body: JSON.stringify({ passcode }) })).status, [user.id, secret.id, totp(secret.key, -1)])
  assert.ok(status < 300)
  for (const [path, open] of [[`project/1/templates/${tpl.id}`, '.head button.primary'], ['project/1/templates', 'tr:has-text("Asks twice") button']]) {
    await go(page, path)
    await page.click(open)
    await page.getByLabel('City').fill('Lagos')
    await page.getByLabel('Word').fill('hush-hush-1')
    await w.api('DELETE', `users/${user.id}/sessions`)
    await page.click(`${dialog} button.primary`)
    await signIn(page, user)
    await page.fill('input.mono', totp(secret.key, path.endsWith('templates') ? 1 : 0))
    await page.keyboard.press('Enter')
    await page.waitForSelector('text=is still here')
    assert.equal(await page.getByLabel('City').inputValue(), 'Lagos')
    assert.equal(await page.getByLabel('Word').inputValue(), 'hush-hush-1')
  }
  await page.click(`${dialog} button.primary`)
  await page.waitForSelector('.log >> text=city=Lagos')
  clean(page)
  await page.context().close()
})

test('forms of settings, account, apps, options, members, rights and tokens outlive the end of a session', async () => {
  const user = await w.user('typist', { admin: true })
  const tpl = await w.template('Has rights', 'hello.sh')
  await w.api('POST', 'project/1/roles', { project_id: 1, name: 'Deployers', slug: 'deployers', permissions: 1 })
  const page = await w.page(user.username, user.password)
  const text = (label) => async (value) => {
    const field = page.getByLabel(label).first()
    if (value) return void (await field.fill(value), await field.press('Enter'))
    return field.inputValue()
  }
  const places = [
    ['project/1/settings', null, text('Name')],
    ['account', null, text('E-mail')],
    ['tokens', null, text('Name')],
    ['project/new', null, text('Name')],
    ['apps', 'text=Bash Script', text('Title')],
  ]
  const end = () => w.api('DELETE', `users/${user.id}/sessions`)
  const back = async () => (await signIn(page, user), page.waitForSelector('text=is still here'))
  for (const [path, click, field] of places) {
    await go(page, path)
    if (click) await page.click(click)
    await end()
    await field('precious@localhost')
    await back()
    assert.equal(await field(), 'precious@localhost', path)
  }
  await page.click(`${dialog} >> text=Cancel`)
  await page.click(`${dialog}:has-text("Leave without saving?") >> text=Leave`)
  await go(page, 'server')
  await page.getByLabel('Value').fill('precious')
  await page.getByLabel('Name').fill('apps.bash.title')
  await end()
  await page.keyboard.press('Enter')
  await back()
  assert.equal(await page.getByLabel('Value').inputValue(), 'precious')
  await page.getByLabel('Value').fill('')
  await page.getByLabel('Name').fill('')
  await go(page, 'project/1/team')
  await page.click('text=Add a member')
  await page.locator(`${dialog} select`).nth(1).selectOption('guest')
  await page.locator(`${dialog} select`).first().selectOption({ label: 'typist (typist)' })
  await end()
  await page.click(`${dialog} button.primary`)
  await back()
  assert.equal(await page.locator(`${dialog} select`).nth(1).inputValue(), 'guest')
  assert.equal(await page.locator(`${dialog} select`).first().inputValue(), String(user.id))
  await page.click(`${dialog} button.primary`)
  await page.waitForSelector('td >> text=typist')
  await go(page, `project/1/templates/${tpl.id}/perms`)
  await page.locator('main select').selectOption('deployers')
  await end()
  await page.click('main form button')
  await back()
  assert.equal(await page.locator('main select').inputValue(), 'deployers')
  clean(page)
  await page.context().close()
})

test('somebody else who signs in sees nothing of it', async () => {
  const [first, second] = [await w.user('first', { admin: true }), await w.user('second', { admin: true })]
  const tpl = await survey('Asks one')
  const page = await w.page(first.username, first.password)
  const expire = async () => {
    await go(page, `project/1/templates/${tpl.id}`)
    await page.click('.head button.primary')
    await page.getByLabel('City').fill('canary-city')
    await w.api('DELETE', `users/${first.id}/sessions`)
    await page.click(`${dialog} button.primary`)
  }
  await expire()
  await signIn(page, second)
  await page.waitForSelector(`h1:has-text("Asks one")`)
  assert.equal(await page.locator(dialog).count(), 0)
  await page.click('.head button.primary')
  assert.equal(await page.getByLabel('City').inputValue(), '')
  await page.keyboard.press('Escape')
  await page.click('.nav button:has-text("second")')
  await page.click('[role=menuitem]:has-text("Sign out")')
  await signIn(page, first)
  await page.waitForSelector('.frame')
  await page.goto(`${w.base}project/1/templates/${tpl.id}`)
  await page.waitForSelector(`h1:has-text("Asks one")`)
  assert.equal(await page.locator(dialog).count(), 0)
  clean(page)
  await page.context().close()
})

test('leaving a form that was typed into asks first, whatever way it is left', async () => {
  const tpl = await survey('Asks three')
  const page = await w.page('admin', w.password)
  await go(page, 'project/1/history')
  await page.click('.nav >> text=Templates')
  await page.click('a:has-text("Asks three")')
  await page.click('.head button.primary')
  await page.keyboard.press('Escape')
  await until('an untouched dialog closes', async () => !(await page.locator(dialog).count()))
  await page.click('.head button.primary')
  await page.getByLabel('City').fill('Lagos')
  const ways = [() => page.keyboard.press('Escape'), () => page.mouse.click(5, 400), () => page.click(`${dialog} >> text=Cancel`), () => page.goBack()]
  for (const way of ways) {
    await way()
    await asks(page)
    await stay(page)
    await until('the question is gone', async () => (await page.locator(dialog).count()) === 1)
    assert.equal(await page.getByLabel('City').inputValue(), 'Lagos')
    assert.match(page.url(), new RegExp(`templates/${tpl.id}`))
  }
  await page.keyboard.press('Escape')
  await page.click(`${dialog}:has-text("Leave without saving?") >> text="Leave"`)
  await until('both dialogs are gone', async () => !(await page.locator(dialog).count()))
  await page.click('.nav >> text=Settings')
  await page.getByLabel('Name').fill('Other')
  for (const way of [() => page.click('.nav >> text=History'), () => page.goBack(), () => page.click('.nav button.who >> nth=-1').then(() => page.click('[role=menuitem]:has-text("Sign out")'))]) {
    await way()
    await asks(page)
    await stay(page)
    assert.equal(await page.getByLabel('Name').inputValue(), 'Other')
  }
  await page.click('.nav >> text=History')
  await page.click(`${dialog} >> text="Leave"`)
  await page.waitForURL(/history$/)
  clean(page)
  await page.context().close()
})

test('a form does not save over what somebody else saved meanwhile without asking', async () => {
  const user = await w.user('late', { admin: true })
  const made = await w.template('Two authors', 'hello.sh')
  const page = await w.page(user.username, user.password)
  const question = page.locator(dialog, { hasText: 'It was changed meanwhile' })
  const stored = () => w.api('GET', `project/1/templates/${made.id}`)
  const other = async (more) => {
    const { last_task, tasks, permissions, ...rest } = await stored()
    await w.api('PUT', `project/1/templates/${made.id}`, { ...rest, ...more })
  }
  const edit = () => go(page, `project/1/templates/${made.id}/edit`)
  await edit()
  await w.api('POST', 'project/1/tasks', { template_id: made.id })
  await page.getByLabel('Name').first().fill('Mine')
  await page.getByText('Save', { exact: true }).click()
  await page.waitForSelector('h1:has-text("Mine")')
  await edit()
  await page.getByLabel('Name').first().fill('Mine again')
  await other({ playbook: 'other.sh' })
  await page.keyboard.press('Enter')
  await question.waitFor()
  assert.deepEqual(await serious(page), [])
  await page.keyboard.press('Escape')
  await question.waitFor({ state: 'detached' })
  assert.equal(await page.getByLabel('Name').first().inputValue(), 'Mine again')
  assert.equal((await stored()).playbook, 'other.sh')
  await page.getByText('Save', { exact: true }).click()
  await question.getByText('Show the newer one').click()
  assert.equal(await page.getByLabel('Name').first().inputValue(), 'Mine')
  await other({ playbook: 'third.sh' })
  await page.getByLabel('Name').first().fill('Mine at last')
  await page.keyboard.press('Enter')
  await question.getByText('Save mine anyway').click()
  await page.waitForSelector('h1:has-text("Mine at last")')
  assert.equal((await stored()).playbook, 'other.sh')

  await go(page, 'project/1/settings')
  await page.getByLabel('Name').fill('Not this')
  await w.api('PUT', 'project/1', { ...(await w.api('GET', 'project/1')), max_parallel_tasks: 7 })
  await page.keyboard.press('Enter')
  await question.getByText('Show the newer one').click()
  await until('the newer settings are shown', async () => (await page.getByLabel('Name').inputValue()) !== 'Not this')
  await page.getByText('Save', { exact: true }).click()
  await page.waitForSelector('.notices >> text=Saved')
  assert.equal((await w.api('GET', 'project/1')).max_parallel_tasks, 7)

  await go(page, 'account')
  await page.getByLabel('Name').first().fill('Late')
  await w.api('PUT', `users/${user.id}`, { ...user, password: undefined, email: 'new@localhost' })
  await page.keyboard.press('Enter')
  await question.getByText('Show the newer one').click()
  await until('the newer address is shown', async () => (await page.getByLabel('E-mail').first().inputValue()) === 'new@localhost')
  clean(page)
  await page.context().close()
})
