import { readdirSync, readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { languages, locale, regionOf, setLanguage } from '../src/i18n'
import { fieldLabel, say, sayBeside, sayEach, sentence } from '../src/i18n/server'
import { Patterns } from '../src/lib/patterns'

vi.stubGlobal('navigator', { languages: ['ru-RU', 'en-GB'] })
vi.stubGlobal('document', { documentElement: {} })
const dir = new URL('../src/i18n/', import.meta.url)
const read = <T>(name: string) => JSON.parse(readFileSync(new URL(name, dir), 'utf8')) as T
const en = read<string[]>('server.en.json')
const holes = (s: string) => (s.match(/\{\d+\}/g) ?? []).sort()

describe('texts of the server', () => {
  it.each(Object.keys(languages).filter((l) => l !== 'en'))('are complete in %s', (id) => {
    expect(readdirSync(dir)).toContain(`server.${id}.json`)
    const texts = read<Record<string, string>>(`server.${id}.json`)
    expect(en.filter((p) => !texts[p]?.trim()), 'without a translation').toEqual([])
    expect(Object.keys(texts).filter((p) => !en.includes(p)), 'nobody says any more').toEqual([])
    expect(en.filter((p) => holes(p).join() !== holes(texts[p]!).join()), 'that lose what fills them in').toEqual([])
  })
  it('are found again by what they are made of', () => {
    const all = new Patterns(Object.fromEntries(en.map((p) => [p, p])))
    const lost = en.filter((p) => {
      const text = p.replace(/\{(\d+)\}/g, 'v$1')
      const found = all.beginning(text) ?? all.anything(text)
      return found?.to.replace(/\{(\d+)\}/g, (_, n: string) => found.args[n]!) !== text
    })
    expect(lost).toEqual([])
  })
})

describe('in English', () => {
  it('begins with a capital where it stands alone, unless with a name', () => {
    expect(['inventory not found', 'integration 1: task 18', 'ключ занят', 'git_branch: is odd', 'ansible-playbook ended', './run.sh failed', ''].map(sentence)).toEqual(['Inventory not found', 'Integration 1: task 18', 'Ключ занят', 'git_branch: is odd', 'ansible-playbook ended', './run.sh failed', ''])
  })
  beforeAll(() => setLanguage('en'))
  it('a text stays what it is, but for names of fields and states', () => {
    expect(say('sign in first')).toBe('sign in first')
    expect(say('git_url: has no host')).toBe('Address: has no host')
    expect(say('survey_vars[2].name: "a b" is there twice')).toBe('Questions 3, Variable: "a b" is there twice')
    expect(say('Task 5 ended as error: ansible-playbook ended with exit code 2')).toBe('Task 5 ended as failed: ansible-playbook ended with exit code 2')
    expect(say('task 5 has not ended: it is waiting_confirmation')).toBe('task 5 has not ended: it is to be confirmed')
    expect(say('unknown thing: of no form')).toBe('unknown thing: of no form')
    expect(say(undefined)).toBe('')
  })
  it('a field beside which a text stands is not named again', () => {
    expect(sayBeside('name: is longer than 255 bytes')).toBe('Is longer than 255 bytes')
  })
})

describe('in Russian', () => {
  beforeAll(async () => {
    await setLanguage('ru')
    expect(locale.value).toBe('ru')
  })
  it.each([
    ['sign in first', 'сначала войдите'],
    ['name: is empty: name the key', 'Название: пусто: назовите ключ'],
    ['vaults[0].script: is empty: give the path of the vault client script', 'Пароли Vault 1, Скрипт: пусто: укажите путь к скрипту хранилища'],
    ['Task 5 ended as error: ansible-playbook ended with exit code 2', 'Задача 5: ошибка — ansible-playbook: код завершения 2'],
    ['Task 5 ended as success', 'Задача 5: итог — успех'],
    ['Task 5 was stopped by force', 'Задача 5: остановлена принудительно'],
    ['Task of template "Say \\"hi\\"" added', 'Задача шаблона «Say "hi"»: добавлена'],
    ['Variable group "prod" updated', 'Изменено: группа переменных «prod»'],
    ['Template "is wrong" deleted', 'Удалено: шаблон «is wrong»'],
    ['User "bob" added to the project as task_runner', 'Пользователь «bob» добавлен в проект, роль: исполнитель'],
    ['repository is used by templates, access keys', 'репозиторий: используется (шаблоны, ключи)'],
    ['variable group "prod"', 'группа переменных «prod»'],
    ['template not found', 'не найдено: шаблон'],
    ['waits for task 17 of the same template', 'ждёт окончания задачи 17 того же шаблона'],
    ['task 5 has not ended: it is running', 'задача 5 ещё не закончена: выполняется'],
    ['list branches: git ls-remote: exit status 128: check the address, and whether the key may read it', 'список веток: git ls-remote: exit status 128: проверьте адрес и может ли ключ его читать'],
    ['clone repository: never seen: not found', 'не удалось клонировать репозиторий: never seen: не найдено'],
    ['inventory: become: key "a" is empty: fill it in', 'инвентарь: ключ для sudo: ключ «a» пуст: заполните его'],
    ['nobody has written this', 'nobody has written this'],
    ['not every channel took it: slack: status 404: "no"\nmail: sign in first', 'приняли не все каналы: slack: ответ 404: «no»\nпочта: сначала войдите'],
  ])('%s', (text, said) => expect(say(text)).toBe(said))
  it('each webhook of a delivery has its text', () => {
    expect(sayEach('integration 1: task 2; integration 3: key is empty: fill it in')).toBe('вебхук 1: задача 2; вебхук 3: ключ пуст: заполните его')
  })
  it('what stands in a name is no word', () => {
    expect(say('Project "deleted" created')).toBe('Создан проект «deleted»')
    expect(say('Option "<b>{1}</b>" set')).toBe('Задан параметр «<b>{1}</b>»')
  })
  it('is quick with texts that fit nothing', () => {
    const long = 'a: '.repeat(300) + 'x "'.repeat(300)
    const begun = performance.now()
    say(long)
    expect(performance.now() - begun).toBeLessThan(500)
  })
})

describe('fields and regions', () => {
  it('a field is called as its form calls it', async () => {
    await setLanguage('en')
    expect(fieldLabel('task_params.message')).toBe('Message')
    expect(fieldLabel('vaults[1].vault_key_id')).toBe('Vault passwords 2, Key')
    expect(fieldLabel('nothing')).toBe('')
  })
  it('the region is that of the browser, in the language of the page', () => {
    expect(regionOf('en', ['ru-RU', 'en-GB', 'en-US'])).toBe('en-GB')
    expect(regionOf('ru', ['en-GB', 'ru'])).toBe('ru')
    expect(regionOf('ru', ['ru-KZ'])).toBe('ru-KZ')
  })
})
