// What the server says is said in the language of the page.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { clean, go, until, World } from './world.mjs'

let w
let page
before(async () => {
  w = await World.start()
  page = await w.page('admin', w.password, { locale: 'ru-RU' })
})
after(() => w?.stop())

const text = (selector) => page.locator(selector).first().textContent()

test('a refused form says in Russian what is wrong, at the field and at the row', async () => {
  await go(page, 'project/1/repositories/new')
  await page.getByLabel('Название').fill('Без узла')
  await page.getByLabel('Адрес').fill('https://bob:secret@example.org/x')
  await page.click('button:has-text("Создать")')
  await page.waitForSelector('.form .error')
  assert.match(await text('.form .error'), /^Содержит логин или пароль: /)
  assert.equal(await page.getByLabel('Адрес').getAttribute('aria-invalid'), 'true')

  const { id } = await w.template('С вопросами', 'slow.sh')
  await go(page, `project/1/templates/${id}/edit`)
  const add = page.locator('button:has-text("Добавить вопрос")')
  await add.click()
  await add.click()
  await page.getByLabel('Переменная').nth(0).fill('good')
  await page.getByLabel('Переменная').nth(1).fill('a b')
  await page.click('button:has-text("Сохранить")')
  const row = page.locator('[role=group][aria-label="Вопросы"] > .note').nth(1)
  await row.locator('.error').waitFor()
  assert.match(await row.locator('.error').textContent(), /^Переменная: «a b» не может быть именем переменной/)
  assert.equal(await page.getByLabel('Переменная').nth(1).getAttribute('aria-invalid'), 'true')
  assert.equal(await page.getByLabel('Переменная').nth(0).getAttribute('aria-invalid'), null)
  await page.getByLabel('Переменная').nth(1).fill('ab')
  assert.equal(await row.locator('.error').count(), 0)
  await page.click('button:has-text("Сохранить")')
  await page.waitForURL(/templates\/\d+$/)
  clean(page)
})

test('why a task failed, what happened and why one waits are said in Russian', async () => {
  const { id: missing } = await w.template('Без скрипта', 'nowhere.sh')
  const failed = await w.api('POST', 'project/1/tasks', { template_id: missing })
  await until('the task fails', async () => (await w.api('GET', `project/1/tasks/${failed.id}`)).status === 'error')
  await go(page, `project/1/tasks/${failed.id}`)
  assert.match(await text('.page.task > .note.bad'), /nowhere\.sh.* нет в репозитории/)

  const { id: slow } = await w.template('Медленно', 'slow.sh')
  const first = await w.api('POST', 'project/1/tasks', { template_id: slow })
  const second = await w.api('POST', 'project/1/tasks', { template_id: slow })
  await go(page, `project/1/tasks/${second.id}`)
  await page.waitForSelector(`.note:has-text("ждёт окончания задачи ${first.id} того же шаблона")`)
  await go(page, 'tasks')
  await page.waitForSelector(`td:has-text("ждёт окончания задачи ${first.id} того же шаблона")`)
  for (const x of [second, first]) await w.api('POST', `project/1/tasks/${x.id}/stop`, { force: true })

  await go(page, 'project/1/activity')
  await page.waitForSelector(`a:has-text("Задача ${failed.id}: ошибка — ")`)
  await page.waitForSelector('a:has-text("Создано: шаблон «Без скрипта»")')
  await page.waitForSelector(`a:has-text("Задача ${second.id}: остановлена")`)
  const english = (await page.locator('td:last-child').allTextContents()).filter((s) => !/[а-яё]/i.test(s))
  assert.deepEqual(english, [])
  clean(page)
})

test('a British viewer sees twenty-four hours, an American twelve', async () => {
  await w.template('Has a time', 'hello.sh') // an event
  for (const [locale, wanted] of [['en-GB', /^\d+ \w+ \d+, \d\d:\d\d:\d\d /], ['en-US', /^\w+ \d+, \d+, \d+:\d\d:\d\d [AP]M /]]) {
    const viewer = await w.page('admin', w.password, { locale })
    await go(viewer, 'project/1/activity')
    assert.match((await viewer.locator('td time').first().getAttribute('title')).replace(/\u202f/g, ' ').replace(' at ', ', '), wanted)
    await viewer.context().close()
  }
})
