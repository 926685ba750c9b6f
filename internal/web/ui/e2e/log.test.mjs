// The log of a task: lines of its address, errors, keys, parts.
import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { clean, go, serious, until, World } from './world.mjs'

let w
let admin
const scripts = {
  'breaks.sh': 'for i in $(seq 1 300); do echo "step $i"; done; echo "cp: cannot stat: No such file or directory"; for i in $(seq 1 300); do echo "more $i"; done; echo "error: it is over"; echo bye; exit 3\n',
  'turned.sh': "printf 'abc\\u202Etxt.exe\\n'\n",
}
before(async () => {
  w = await World.start()
  for (const [name, text] of Object.entries(scripts)) {
    writeFileSync(join(w.dir, 'demo', name), text)
    chmodSync(join(w.dir, 'demo', name), 0o755)
  }
  const git = (...a) => execFileSync('git', ['-C', join(w.dir, 'demo'), '-c', 'user.name=t', '-c', 'user.email=t@localhost', ...a])
  git('add', '.')
  git('commit', '-qm', 'for the log')
  admin = await w.page('admin', w.password)
})
after(async () => {
  if (process.env.SHOT) await admin?.screenshot({ path: process.env.SHOT })
  await w?.stop()
})

/** Runs a script to its end and opens its log. */
async function ran(name, hash = '') {
  const tpl = await w.template(name + Math.random(), name)
  const task = await w.api('POST', 'project/1/tasks', { template_id: tpl.id })
  await until('it has ended', async () => ['error', 'success'].includes((await w.api('GET', `project/1/tasks/${task.id}`)).status))
  await go(admin, `project/1/tasks/${task.id}${hash}`)
  await admin.waitForSelector('.log .line')
  return task
}
const numbers = () => admin.$$eval('.log .line .no', (l) => l.map((x) => Number(x.textContent)))
const marked = () => admin.$$eval('.log .line.marked .no', (l) => l.map((x) => Number(x.textContent)))

test('a failed script leads to its errors by button and by key', async () => {
  await ran('breaks.sh')
  await admin.click('.log .errors button')
  await admin.waitForSelector('.log .line.marked.failing:has-text("cannot stat")')
  assert.match(await admin.textContent('.log .errors button'), /1 of 2/)
  await admin.focus('#main')
  await admin.keyboard.press('e')
  await admin.waitForSelector('.log .line.marked.failing:has-text("it is over")')
  await admin.keyboard.press('Shift+E')
  await admin.waitForSelector('.log .line.marked.failing:has-text("cannot stat")')
  assert.ok((await admin.locator('.ticks .error').count()) === 2 && (await admin.locator('.ticks .marked').count()) === 1)
  await admin.fill('.log input[type=search]', 'more 299')
  await until('it is found', async () => (await admin.textContent('.log .found')).startsWith('1'))
  assert.equal(await admin.locator('.ticks .hit').count(), 1)
  assert.equal(await admin.inputValue('.log input[type=search]'), 'more 299', 'letters that are typed are no keys')
  assert.deepEqual(await serious(admin), [])
  clean(admin)
})

test('an address names lines, which are copied as they were printed', async () => {
  const task = await ran('breaks.sh', '#L40-L42')
  await until('the range is marked', async () => (await marked()).join() === '40,41,42')
  await admin.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await admin.click('.log >> text=Copy lines')
  const lines = await w.api('GET', `project/1/tasks/${task.id}/output?from=39&limit=3`)
  const want = lines.map((l) => l.output).join('\n')
  await until('they are copied', async () => (await admin.evaluate(() => navigator.clipboard.readText())) === want)
  await admin.click('.log .no >> text="43"')
  await admin.waitForURL(/#L43$/)
  await admin.click('.log .no >> text="46"', { modifiers: ['Shift'] })
  await admin.waitForURL(/#L43-L46$/)
  assert.deepEqual(await marked(), [43, 44, 45, 46])
  await admin.evaluate(() => {
    const rows = [...document.querySelectorAll('.log .line')]
    const from = rows.find((r) => r.querySelector('.no').textContent === '43')
    const to = rows.find((r) => r.querySelector('.no').textContent === '45')
    getSelection().setBaseAndExtent(from, 0, to, to.childNodes.length)
    document.querySelector('.log .scroller').focus()
  })
  await admin.keyboard.press('Control+c')
  const selected = await w.api('GET', `project/1/tasks/${task.id}/output?from=42&limit=3`)
  assert.equal(await admin.evaluate(() => navigator.clipboard.readText()), selected.map((l) => l.output).join('\n'))
  clean(admin)
})

test('an address behind the end says where the log ends', async () => {
  await ran('breaks.sh', '#L99999')
  const told = await admin.textContent('.log .beyond')
  const last = (await numbers()).at(-1)
  assert.equal(told, `The log ends at line ${last}.`)
  clean(admin)
})

test('keys go through the log, and a question mark lists them', async () => {
  await ran('breaks.sh')
  const last = (await numbers()).at(-1)
  await admin.focus('#main')
  await admin.keyboard.press('g')
  await until('the first line is shown', async () => (await numbers())[0] === 1)
  await admin.keyboard.press('PageDown')
  await until('a page further', async () => (await numbers())[0] > 10)
  await admin.keyboard.press('Shift+G')
  await until('the last line is shown', async () => (await numbers()).at(-1) === last)
  const wrap = await admin.getAttribute('.log button:has-text("Wrap")', 'aria-pressed')
  await admin.keyboard.press('w')
  await until('wrap changes', async () => (await admin.getAttribute('.log button:has-text("Wrap")', 'aria-pressed')) !== wrap)
  await admin.keyboard.press('w')
  await admin.keyboard.press('?')
  await admin.waitForSelector('[role=dialog] kbd >> text="E"')
  assert.deepEqual(await serious(admin), [])
  await admin.keyboard.press('Escape')
  await admin.waitForSelector('[role=dialog]', { state: 'detached' })
  clean(admin)
})

test('what is typed right behind the key of the search is in its field', async () => {
  await go(admin, 'project/1/templates')
  await admin.evaluate(() => {
    // Both come before the page has drawn anything.
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key: '/', bubbles: true, cancelable: true }))
  })
  await admin.keyboard.type('hello')
  assert.equal(await admin.inputValue('[role=dialog] input'), 'hello')
  await admin.keyboard.press('Enter')
  await admin.waitForURL(/templates\/\d+/)
  clean(admin)
})

test('Enter right behind the last letter leads to the first hit', async () => {
  await ran('breaks.sh')
  await admin.waitForSelector('.log .line:has-text("bye")')
  for (const wanted of ['step 17', 'more 44']) {
    await admin.fill('.log input[type=search]', wanted)
    await admin.press('.log input[type=search]', 'Enter')
    await admin.waitForSelector(`.log .line.found:has-text("${wanted}")`)
  }
  clean(admin)
})

test('text that would turn the line is shown as a mark', async () => {
  await ran('turned.sh')
  await admin.waitForSelector('.log .line:has-text("abc⟨RLO⟩txt.exe")')
  clean(admin)
})

test('names cannot turn what stands around them', async () => {
  const tpl = await w.template('pay\u202Eexe.txt', 'hello.sh')
  for (const path of ['project/1/templates', `project/1/templates/${tpl.id}`]) {
    await go(admin, path)
    await admin.waitForSelector('main >> text=pay⟨RLO⟩exe.txt')
    assert.doesNotMatch(await admin.innerText('body'), /\u202E/, path)
  }
  await w.api('POST', 'project/1/views', { project_id: 1, title: 'view\u202Eexe.txt' })
  const evil = await w.user('evil\u202Eexe')
  await w.api('POST', 'project/1/users', { user_id: evil.id, role: 'guest' })
  const task = await w.api('POST', 'project/1/tasks', { template_id: tpl.id, message: 'W'.repeat(200) })
  for (const path of ['templates', 'history', 'stats', 'team', 'schedule/new', `templates/${tpl.id}/details`, `templates/${tpl.id}/perms`, `tasks/${task.id}`]) {
    await go(admin, `project/1/${path}`)
    assert.doesNotMatch(await admin.innerText('body'), /\u202E/, path)
    assert.ok(await admin.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${path} is as wide as the window`)
  }
  clean(admin)
})

test('the parts of a log fold and follow it, however many they are', async () => {
  const tpl = await w.template('Parts', 'flood.sh', { arguments: '["n=20000"]' })
  const task = await w.api('POST', 'project/1/tasks', { template_id: tpl.id })
  await until('it has ended', async () => (await w.api('GET', `project/1/tasks/${task.id}`)).status === 'success')
  const time = '2026-01-01T00:00:00Z'
  const stage = (id, type, name, from, to) => ({ id, task_id: task.id, number: id, type, name, start: time, end: time, start_output_id: from, end_output_id: to, result: null })
  const stages = [stage(1, 'init', '', 0, 9)]
  for (let p = 0; p < 2; p++) {
    stages.push(stage(stages.length + 1, 'play', `Play ${p}`, 10 + 7500 * p, 7509 + 7500 * p))
    for (let i = 0; i < 2500; i++) stages.push(stage(stages.length + 1, 'task', `Task ${p}.${i}`, 11 + 7500 * p + 3 * i, 13 + 7500 * p + 3 * i - (i === 2499 ? 2 : 0)))
  }
  await admin.route('**/stages', (route) => route.fulfill({ json: stages }))
  await go(admin, `project/1/tasks/${task.id}#L6000`)
  await admin.waitForSelector('.outline .reading:has-text("Task 0.1996")')
  assert.ok((await admin.locator('.outline .part').count()) < 80)
  await admin.focus('#main')
  await admin.keyboard.press('g')
  await admin.waitForSelector('.outline .reading:has-text("Preparation")')
  await admin.click('.outline .part:has-text("Play 0") .opens')
  await admin.waitForSelector('.outline .part:has-text("Play 1")')
  assert.equal(await admin.locator('.outline .part:has-text("Task 0.1")').count(), 0)
  await until('its lines are folded', async () => (await numbers()).includes(7511))
  await admin.click('.outline .part:has-text("Task 1.2") .to')
  await until('a task is shown', async () => (await marked()).join() === String(7512 + 3 * 2))
  await admin.setViewportSize({ width: 375, height: 740 })
  const rows = await admin.locator('.log .tools').evaluate((el) => new Set([...el.children].filter((c) => c.offsetHeight).map((c) => Math.round((c.offsetTop + c.offsetHeight / 2) / 8))).size)
  assert.ok(rows <= 2, `${rows} rows of tools`)
  assert.ok(await admin.locator('.log .search').evaluate((el) => el.scrollWidth <= el.clientWidth), 'the search fits')
  const more = admin.getByRole('button', { name: 'How the log is shown' })
  await more.click()
  await admin.getByRole('menuitemcheckbox', { name: 'Times' }).click()
  await admin.waitForSelector('.log .ts')
  await admin.getByRole('menuitemcheckbox', { name: 'Times' }).click()
  await admin.waitForSelector('.log .ts', { state: 'detached' })
  const download = admin.waitForEvent('download')
  await admin.getByRole('menuitem', { name: 'Raw' }).click()
  assert.match((await download).suggestedFilename(), /^task_\d+\.txt$/)
  await admin.click('.log >> text="Parts"')
  await admin.waitForSelector('[role=dialog] .outline .part:has-text("Play 1")')
  assert.deepEqual(await serious(admin), [])
  await admin.setViewportSize({ width: 1280, height: 800 })
  await admin.unroute('**/stages')
  clean(admin)
})
