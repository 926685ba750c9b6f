import { computed, reactive } from 'vue'
import { call, get, list, type Options } from '../api/client'
import { startLive, stopLive } from '../api/live'
import { dropDrafts } from './draft'
import type { Access, App, Info, Project, Self } from '../api/schema'
import { keep, kept } from '../lib/kept'

/** The bits of a role. */
export const RUN = 1
export const UPDATE = 2
export const MANAGE = 4
export const USERS = 8

/** Who is signed in and where they are. */
export const session = reactive({
  user: null as Self | null,
  info: null as Info | null,
  projects: [] as Project[],
  apps: [] as App[],
  project: null as Project | null,
  access: { role: '', permissions: 0 } as Access,
})

let loading: Promise<void> | null = null

/** Reads who is signed in, once. It throws a 401 for nobody. */
export function loadSession(): Promise<void> {
  if (session.user) return Promise.resolve()
  loading ??= (async () => {
    try {
      const quiet = { quiet: true } // whoever is signed out is told so by the caller
      const [user, info, projects, apps] = await Promise.all([get<Self>('user', quiet), get<Info>('info', quiet), list<Project>('projects?sort=name', quiet), list<App>('apps', quiet)])
      dropDrafts(user.id)
      Object.assign(session, { info, projects, apps, user })
      startLive()
    } finally {
      loading = null
    }
  })()
  return loading
}

export async function reloadProjects() {
  session.projects = await list<Project>('projects?sort=name')
  if (session.project) session.project = session.projects.find((p) => p.id === session.project!.id) ?? session.project
}

/** Makes a project the current one. It throws a 404 for one that the user may not see. */
export async function enterProject(id: number, o: Options = {}) {
  if (session.project?.id === id) return
  const [project, access] = await Promise.all([get<Project>(`project/${id}`, o), get<Access>(`project/${id}/role`, o)])
  session.project = project
  session.access = access
  keep('project', String(id))
}

/** The project that was looked at last, else the first. */
export function lastProject(): number | undefined {
  const id = Number(kept('project'))
  return session.projects.find((p) => p.id === id)?.id ?? session.projects[0]?.id
}

/** Whether the user may do that in the current project. */
export const can = (bit: number, more = 0) => !!session.user?.admin || ((session.access.permissions | more) & bit) === bit

export const may = computed(() => ({ run: can(RUN), update: can(UPDATE), manage: can(MANAGE), users: can(USERS), admin: !!session.user?.admin }))

export function forget() {
  stopLive()
  Object.assign(session, { user: null, project: null, projects: [], access: { role: '', permissions: 0 } })
}

export async function signOut() {
  await call('POST', 'auth/logout').catch(() => {})
  forget()
}
