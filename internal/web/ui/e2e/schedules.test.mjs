// Schedules: their form, their list, the calendar, and the branches that they may name.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { clean, go, serious, until, World } from './world.mjs'

let w
let admin
let hello
before(async () => {
  w = await World.start({ SEMAPHORE_SCHEDULE_TIMEZONE: () => 'Asia/Tokyo' })
  admin = await w.page('admin', w.password, { timezoneId: 'Europe/Berlin' })
  hello = (await w.api('GET', 'project/1/templates')).find((x) => x.name === 'Hello (script)').id
})
after(async () => {
  if (process.env.SHOT) await admin?.screenshot({ path: process.env.SHOT, fullPage: true })
  await w?.stop()
})
const schedule = (name, more) => w.api('POST', 'project/1/schedules', { project_id: 1, template_id: hello, name, active: true, cron_format: '', ...more })
const told = (page) => page.locator('.next li').allInnerTexts()

test('a schedule is told in words and has its next run', async () => {
  await go(admin, 'project/1/schedule/new')
  await admin.getByLabel('Name').fill('Nightly')
  await admin.getByLabel('Template').selectOption({ label: 'Hello (script)' })
  await admin.getByLabel('How often').selectOption('custom')
  await admin.locator('.cron input.mono').fill('61 * * * *')
  await admin.waitForSelector('.cron ~ .error')
  await admin.locator('.cron input.mono').fill('30 4 * * 1-5')
  await admin.waitForSelector('text=Monday through Friday')
  await until('the server agrees', async () => !(await admin.locator('.error').count()))
  await admin.click('button:has-text("Create")')
  await admin.waitForSelector('td >> text=Nightly')
  await admin.waitForSelector('tr:has-text("Nightly") >> text=Monday through Friday')
  assert.ok(await admin.locator('tr:has-text("Nightly") time').count())
  await go(admin, 'project/1/calendar')
  await admin.waitForSelector('text=Nightly')
  clean(admin)
})

test('the form tells the next runs in both time zones, and the change of the clock', async () => {
  await go(admin, 'project/1/schedule/new')
  await admin.getByLabel('Name').fill('Zoned')
  await until('the next runs are there', async () => (await told(admin)).length === 5)
  assert.match((await told(admin))[0], /in Asia\/Tokyo/)
  const zone = admin.getByLabel('Time zone')
  await zone.fill('Mars/Base')
  await admin.waitForSelector('.field:has(> label:text("Time zone")) .error:has-text("Mars/Base")')
  assert.equal(await admin.locator('.cron ~ .error').count(), 0)
  await zone.fill('Europe/Berlin')
  await until('it is accepted', async () => !(await admin.locator('.error').count()) && !(await told(admin)).join().includes(' in '.concat('Asia')))
  await admin.getByLabel('How often').selectOption('custom')
  await admin.locator('.cron input.mono').fill('30 2 1 3,4 *')
  await until('the clock is told', async () => /Europe\/Berlin have changed: GMT\+02:00/.test((await told(admin)).join()))
  assert.ok((await admin.locator('.next time').first().getAttribute('title')).includes('GMT'))
  assert.deepEqual(await serious(admin), [])
  const options = await admin.locator('datalist option').evaluateAll((all) => all.slice(0, 2).map((o) => o.value))
  assert.deepEqual(options, ['Europe/Berlin', 'Asia/Tokyo'])
  await admin.getByLabel('Runs', { exact: true }).selectOption({ label: 'Once' })
  await admin.getByLabel('At', { exact: true }).fill('2020-01-01T10:00')
  await admin.waitForSelector('.field:has(input[type=datetime-local]) .error:has-text("past")')
  await admin.getByLabel('At', { exact: true }).fill('2090-01-01T10:00')
  await until('the run is there', async () => (await told(admin)).length === 1)
  clean(admin)
})

test('a schedule keeps the answer to a secret question, and shows it nowhere', async () => {
  const tpl = await w.template('Asks a secret', 'secret.sh', { survey_vars: [{ name: 'word', title: 'Word', type: 'secret', required: true }, { name: 'other', title: 'Other', type: 'secret' }] })
  await go(admin, `project/1/schedule/new?template=${tpl.id}`)
  await admin.getByLabel('Name').fill('With a secret')
  await admin.getByLabel('Word').fill('canary-77aa')
  await admin.getByLabel('Other').fill('first')
  await admin.click('button:has-text("Create")')
  await admin.click('td >> text=With a secret')
  await admin.waitForSelector('h1:has-text("With a secret")')
  await admin.waitForSelector('text=Left empty, it stays as it is')
  assert.ok(!(await admin.content()).includes('canary-77aa'))
  assert.match(await admin.getByLabel('Word').getAttribute('placeholder'), /Kept/)
  await admin.getByLabel('Other').fill('second')
  await admin.click('button:has-text("Save")')
  await admin.waitForSelector('td >> text=With a secret')
  const { id } = (await w.api('GET', 'project/1/schedules')).find((x) => x.name === 'With a secret')
  assert.deepEqual((await w.api('GET', `project/1/schedules/${id}`)).task_params.secret_names, ['other', 'word'])
  const task = await w.api('POST', `project/1/schedules/${id}/run`)
  await go(admin, `project/1/tasks/${task.id}`)
  await admin.waitForSelector('.head .status.ok')
  await admin.waitForSelector('.log >> text=11 letters')
  assert.ok(!(await admin.content()).includes('canary-77aa'))
  clean(admin)
})

test('a schedule looks after new commits, and can be paused', async () => {
  const tpl = await w.template('On commits', 'hello.sh')
  await go(admin, 'project/1/schedule')
  await admin.click('text=New schedule')
  await admin.click('[role=menuitem]:has-text("branch moves")')
  await admin.getByLabel('Name').fill('Commits')
  await admin.getByLabel('Template').selectOption({ label: 'On commits' })
  const watched = admin.getByLabel('Repository to watch')
  if (!(await watched.inputValue()) || (await watched.inputValue()) === '-1') await watched.selectOption({ index: 1 })
  await admin.click('button:has-text("Create")')
  await admin.waitForSelector('tr:has-text("Commits") >> text=has a new commit, checked: every 5 minutes')
  await admin.getByRole('switch', { name: /Commits/ }).uncheck()
  const stored = async () => (await w.api('GET', `project/1/templates/${tpl.id}/schedules`))[0]
  await until('it is paused', async () => !(await stored()).active)
  await admin.click('td a:has-text("Commits")')
  await admin.waitForSelector('h1:has-text("Commits")')
  assert.ok(await watched.isVisible())
  await admin.getByLabel('Message').fill('by a push')
  await admin.click('button:has-text("Save")')
  await admin.waitForSelector('td >> text=Commits')
  assert.equal((await stored()).repository_id, 1)
  assert.equal((await stored()).active, false)
  clean(admin)
})

test('branches of a directory are offered where a clone is made of it', async () => {
  execFileSync('git', ['-C', join(w.dir, 'demo'), 'branch', 'topic/one'])
  const repository = await w.api('POST', 'project/1/repositories', { project_id: 1, name: 'By URL', git_url: `file://${join(w.dir, 'demo')}`, git_branch: 'topic/one', ssh_key_id: 1 })
  const plain = await w.api('POST', 'project/1/repositories', { project_id: 1, name: 'No git', git_url: '/usr/share', ssh_key_id: 1 })
  await go(admin, `project/1/repositories/${repository.id}`)
  await until('the branches are offered', async () => (await admin.locator('datalist option').evaluateAll((all) => all.map((o) => o.value))).includes('topic/one'))
  await go(admin, `project/1/repositories/${plain.id}`)
  assert.equal(await admin.getByLabel('Branch').count(), 0)
  const own = { allow_override_branch_in_task: true }
  const [cloned, inPlace] = [await w.template('Clones', 'hello.sh', { ...own, repository_id: repository.id }), await w.template('In place', 'hello.sh', { ...own, repository_id: plain.id })]
  for (const [tpl, n] of [[cloned, 1], [inPlace, 0]]) {
    await go(admin, `project/1/templates/${tpl.id}`)
    await admin.click('button.primary')
    await admin.settled()
    assert.equal(await admin.locator('[role=dialog]').getByLabel('Branch').count(), n, tpl.name)
  }
  await go(admin, `project/1/templates/${inPlace.id}/edit`)
  await admin.waitForSelector('text=used in place, as it is')
  assert.equal(await admin.locator('.hint:has-text("cannot be read"), .error').count(), 0)
  clean(admin)
})
