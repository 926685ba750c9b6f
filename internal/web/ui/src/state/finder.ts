import { list, page, post, reason } from '../api/client'
import type { Task, TaskWithTemplate, Template, User } from '../api/schema'
import { languages, locale, setLanguage, t } from '../i18n'
import type { Hit } from '../lib/rank'
import { stoppable, unfinished } from '../lib/status'
import type { Row } from '../resources/types'
import { launch } from './launch'
import { notify, setTheme, theme, type Theme } from './page'
import { places } from './places'
import { opened } from './opened'
import { can, may, RUN, session } from './session'

/** What the search offers: it leads somewhere, or does something. */
export interface Found extends Hit {
  id: string
  to?: string
  run?: () => unknown
}

const to = (path: string, label: string, kind: string, more: Partial<Found> = {}): Found => ({ id: path + label, to: path, label, kind, ...more })
const action = (id: string, label: string, run: () => unknown, more: Partial<Found> = {}): Found => ({ id, label, kind: t('search.action'), run, ...more })

/** All screens that there are for this person. */
export function screens(): Found[] {
  const kind = t('search.screen')
  const out = places.value.map((p) => to(p.to, t(p.label), kind, { weight: 4 }))
  if (session.project) out.push(to(`/project/${session.project.id}/views`, t('r.views.title'), kind))
  out.push(to('/account', t('nav.account'), kind), to('/tokens', t('nav.tokens'), kind))
  if (session.user?.can_create_project) out.push(to('/project/new', t('project.new'), kind), to('/project/restore', t('restore.title'), kind))
  return [...out, ...session.projects.filter((p) => p.id !== session.project?.id).map((p) => to(`/project/${p.id}/history`, p.name || `#${p.id}`, t('nav.project')))]
}

/** What can be made here by this person, and how the page looks. */
export function actions(): Found[] {
  const fresh = (below: string, name: string, path = name) => to(`${below}/${path}/new`, t(`r.${name}.new`), t('search.action'))
  const out: Found[] = []
  const p = session.project && `/project/${session.project.id}`
  if (p && may.value.manage) out.push(...['templates', 'schedule', 'inventory', 'environment', 'keys', 'repositories', 'integrations', 'runners', 'secret_storages', 'known_hosts', 'views'].map((n) => fresh(p, n)))
  if (p && may.value.users) out.push(fresh(p, 'roles'))
  if (may.value.admin) out.push(fresh('', 'users'), fresh('', 'all_roles', 'roles'), fresh('', 'all_runners', 'runners'))
  for (const v of ['system', 'light', 'dark'] as Theme[]) if (v !== theme.value) out.push(action(`theme ${v}`, `${t('nav.theme')}: ${t(`theme.${v}`)}`, () => setTheme(v)))
  for (const [id, l] of Object.entries(languages)) if (id !== locale.value) out.push(action(`language ${id}`, `${t('nav.language')}: ${l.name}`, () => setLanguage(id), { words: 'language язык' }))
  return out
}

async function stop(task: Task) {
  try {
    await post(`project/${task.project_id}/tasks/${task.id}/stop`, {})
    notify(t('search.stopping', { n: task.id }))
  } catch (e) {
    notify(reason(e), true)
  }
}

const kinds: [api: string, screen: string][] = [['inventory', 'inventory'], ['environment', 'environment'], ['keys', 'keys'], ['repositories', 'repositories'], ['schedules', 'schedule'], ['integrations', 'integrations']]
const taskHit = (below: string, x: TaskWithTemplate, kind: string, weight = 0): Found => to(`${below}/tasks/${x.id}`, [`#${x.id}`, x.tpl_alias, x.message].filter(Boolean).join(' · '), kind, { words: t(`status.${x.status}`), weight })

/** What is in the current project: what was opened lately first, then what can be run and stopped, then rows. */
export async function ofProject(id: number): Promise<{ lately: Found[]; rows: Found[] }> {
  const below = `/project/${id}`
  const api = `project/${id}`
  const none = <T>(): T[] => []
  const [templates, live, last, ...rows] = await Promise.all([
    list<Template>(`${api}/templates`).catch(none<Template>),
    list<TaskWithTemplate>(`${api}/tasks?limit=20&status=${unfinished.join()}`).catch(none<TaskWithTemplate>),
    list<TaskWithTemplate>(`${api}/tasks/last`).catch(none<TaskWithTemplate>),
    ...kinds.map(([name]) => list<Row>(`${api}/${name}`).catch(none<Row>)),
  ])
  const mayRun = (tpl?: Template) => can(RUN, tpl?.permissions ?? 0)
  const one = new Map(templates.map((x) => [x.id, x]))
  const lately = opened().flatMap((path): Found[] => {
    const n = Number(path.split('/')[1])
    const tpl = path.startsWith('templates') && one.get(n)
    if (tpl) return [to(`${below}/${path}`, tpl.name, t('search.lately'), { words: t('f.template_id') })]
    const task = path.startsWith('tasks') && last.find((x) => x.id === n)
    return task ? [taskHit(below, task, t('search.lately'))] : []
  })
  const out: Found[] = [
    ...templates.map((x) => to(`${below}/templates/${x.id}`, x.name, t('nav.templates'), { weight: 6 })),
    ...templates.filter(mayRun).map((x) => action(`run ${x.id}`, t('run.title', { name: x.name }), () => launch(id, x.id), { weight: 2 })),
    ...live.filter((x) => stoppable(x.status) && mayRun(one.get(x.template_id))).map((x) => action(`stop ${x.id}`, `${t('task.stop')} #${x.id} · ${x.tpl_alias}`, () => stop(x), { weight: 3 })),
  ]
  kinds.forEach(([, screen], i) => rows[i]!.forEach((r) => out.push(to(`${below}/${screen}/${String(r.id)}`, String(r.name || `#${String(r.id)}`), t(`nav.${screen}`)))))
  return { lately, rows: out }
}

/** What the server finds for a text: tasks by their messages, and people for administrators. */
export async function ofServer(text: string, signal: AbortSignal): Promise<Found[]> {
  const q = encodeURIComponent(text)
  const id = session.project?.id
  const [tasks, users] = await Promise.all([
    id ? page<TaskWithTemplate[]>(`project/${id}/tasks?limit=6&search=${q}`, { signal }).then((p) => p.data ?? []).catch(() => []) : [],
    may.value.admin ? list<User>(`users?limit=5&search=${q}`, { signal }).catch(() => []) : [],
  ])
  return [
    ...tasks.map((x) => ({ ...taskHit(`/project/${id!}`, x, t('c.task')), words: text })),
    ...users.map((u) => to(`/users/${u.id}`, u.name || u.username, t('nav.all_users'), { words: `${u.username} ${u.email ?? ''}` })),
  ]
}
