import { createRouter, createWebHistory, type RouteLocationNormalized, type RouteRecordRaw } from 'vue-router'
import { ApiError, base, reason } from './api/client'
import { t } from './i18n'
import { mayLeave, release } from './state/form'
import { notify } from './state/page'
import { remember } from './state/opened'
import { enterProject, lastProject, loadSession, session } from './state/session'
import { setScreen } from './state/title'

const list = () => import('./screens/ResourceList.vue')
const form = () => import('./screens/ResourceForm.vue')
const rows = (name: string, below: string): RouteRecordRaw[] => [
  { path: `${below}${name}`, component: list, meta: { resource: name, title: `r.${name}.title` } },
  { path: `${below}${name}/:row`, component: form, meta: { resource: name, title: `r.${name}.title` } },
]
const project = '/project/:project(\\d+)/'

const routes: RouteRecordRaw[] = [
  { path: '/', name: 'home', component: () => import('./screens/Home.vue') },
  { path: '/auth/login', name: 'login', component: () => import('./screens/Login.vue'), meta: { open: true, title: 'login.title' } },
  { path: '/accept-invite', component: () => import('./screens/Invite.vue'), meta: { title: 'invite.title' } },
  { path: '/project/new', component: () => import('./screens/ProjectNew.vue'), meta: { title: 'project.new' } },
  { path: '/project/restore', component: () => import('./screens/ProjectRestore.vue'), meta: { title: 'restore.title' } },
  { path: '/project/:project(\\d+)', redirect: (to) => `/project/${String(to.params.project)}/history` },
  { path: project + 'history', component: () => import('./screens/History.vue'), meta: { title: 'nav.history' } },
  { path: project + 'stats', component: () => import('./screens/Stats.vue'), meta: { title: 'nav.stats' } },
  { path: project + 'activity', component: () => import('./screens/Activity.vue'), meta: { title: 'nav.activity' } },
  { path: project + 'settings', component: () => import('./screens/Settings.vue'), meta: { title: 'nav.settings' } },
  { path: project + 'team', component: () => import('./screens/Team.vue'), meta: { title: 'nav.team' } },
  { path: project + 'templates', component: () => import('./screens/Templates.vue'), meta: { title: 'nav.templates' } },
  { path: project + 'views/:view(\\d+)/templates', component: () => import('./screens/Templates.vue'), meta: { title: 'nav.templates' } },
  { path: project + 'templates/new', component: form, meta: { resource: 'templates', title: 'nav.templates' } },
  { path: project + 'templates/:row(\\d+)/edit', component: form, meta: { resource: 'templates', title: 'nav.templates' } },
  { path: project + 'templates/:template(\\d+)/:tab(tasks|details|perms|state)?', component: () => import('./screens/Template.vue'), meta: { title: 'nav.templates' } },
  { path: project + 'tasks/:task(\\d+)', component: () => import('./screens/Task.vue'), meta: { title: 'task.title', full: true } },
  { path: project + 'calendar', component: () => import('./screens/Calendar.vue'), meta: { title: 'nav.calendar' } },
  { path: project + 'deliveries', component: () => import('./screens/Deliveries.vue'), meta: { title: 'nav.deliveries' } },
  ...['schedule', 'inventory', 'environment', 'keys', 'secret_storages', 'repositories', 'known_hosts', 'integrations', 'runners', 'views', 'roles'].flatMap((n) => rows(n, project)),
  { path: '/tokens', component: () => import('./screens/Tokens.vue'), meta: { title: 'nav.tokens' } },
  { path: '/account', component: () => import('./screens/Account.vue'), meta: { title: 'nav.account' } },
  { path: '/tasks', component: () => import('./screens/Queue.vue'), meta: { title: 'nav.queue', admin: true } },
  { path: '/apps', component: () => import('./screens/Apps.vue'), meta: { title: 'nav.apps', admin: true } },
  { path: '/server', component: () => import('./screens/Server.vue'), meta: { title: 'nav.server', admin: true } },
  ...['users', 'runners', 'roles'].flatMap((n) => rows(n, '/').map((r) => ({ ...r, meta: { ...r.meta, resource: n === 'users' ? n : 'all_' + n, admin: true } }))),
  { path: '/:rest(.*)*', component: () => import('./screens/Missing.vue'), meta: { title: 'missing.title' } },
]

export const router = createRouter({
  history: createWebHistory(base.pathname),
  routes,
  scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? undefined : { top: 0 }),
})

// The end of a session asks nothing: what was typed is kept.
router.beforeEach(async (to, from) => to.path === from.path || !session.user || (await mayLeave()))

router.beforeEach(async (to: RouteLocationNormalized) => {
  if (to.meta.open) return true
  // The code of a screen is loaded while it is found out who looks at it.
  for (const r of to.matched) if (typeof r.components?.default === 'function') void (r.components.default as () => Promise<unknown>)().catch(() => {})
  const id = to.params.project ? Number(to.params.project) : 0
  // On the first visit both are read at once; who is signed out is told so below.
  const entered = id && !session.user ? enterProject(id, { quiet: true }) : null
  entered?.catch(() => {})
  try {
    await loadSession()
  } catch (e) {
    if (e instanceof ApiError && e.status === 401) return { name: 'login', query: { to: to.fullPath === '/' ? undefined : to.fullPath } }
    if (e instanceof ApiError) return to.path === '/' ? true : { path: '/', query: { failed: reason(e) } }
    throw e
  }
  // Links of the old page name a task in the query of any page.
  if (id && typeof to.query.t === 'string' && /^\d+$/.test(to.query.t)) return `/project/${id}/tasks/${to.query.t}`
  if (to.meta.admin && !session.user?.admin) return { path: '/' }
  if (!id) {
    if (!session.project && lastProject()) await enterProject(lastProject()!).catch(() => {}) // for the navigation
    if (to.path !== '/' || !lastProject() || to.query.failed) return true
    return `/project/${lastProject()!}/history`
  }
  try {
    await (entered ?? enterProject(id))
  } catch (e) {
    if (e instanceof ApiError && e.status !== 401) return { path: '/not-found' }
    return false
  }
  return true
})

// Code that cannot be loaded: the screen stays as it is.
router.onError(() => {
  release(false)
  notify(t('page.not_loaded'), true)
})

router.afterEach((to, _, failure) => {
  if (failure) release(false)
  else remember(to.params)
  setScreen(to.meta.title, !!to.params.project)
})
