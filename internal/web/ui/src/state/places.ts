import { computed } from 'vue'
import { ways } from '../lib/keys'
import { may, session } from './session'

/** A screen that people go to: what the side bar, the search and the keys know of it. */
export interface Place {
  name: string
  to: string
  /** A key of the texts. */
  label: string
  /** What "g" and then this key leads to. */
  key?: string
  /** Screens that belong to it and stand as tabs above it; the first one is itself. */
  tabs?: Place[]
  /** Other paths at which it is the current one. */
  also?: string[]
}
export interface Group {
  id: string
  title?: string
  places: Place[]
}

/** What is used all day stands first, alone; the rest in groups that fold. */
function ofProject(id: number): Group[] {
  const one = (name: string, ...tabs: string[]): Place => {
    const place = { name, to: `/project/${id}/${name}`, label: `nav.${name}`, key: ways[name] }
    return tabs.length ? { ...place, tabs: [place, ...tabs.map((x) => one(x))] } : place
  }
  const webhooks = may.value.manage ? one('integrations', 'deliveries') : one('integrations')
  return [
    { id: 'daily', places: [{ ...one('history'), also: [`/project/${id}/tasks`] }, { ...one('templates'), also: [`/project/${id}/views`] }, one('schedule', 'calendar'), one('stats')] },
    { id: 'resources', title: 'nav.resources', places: [one('inventory'), one('environment'), one('keys', 'secret_storages', 'known_hosts'), one('repositories'), webhooks] },
    { id: 'project', title: 'nav.project', places: [one('team', 'roles'), one('runners'), one('activity'), one('settings')] },
  ]
}

function ofServer(): Group {
  const one = (name: string): Place => ({ name: '/' + name, to: '/' + name, label: `nav.all_${name}`, key: ways['/' + name] })
  return { id: 'admin', title: 'nav.admin', places: [one('tasks'), { ...one('users'), tabs: [one('users'), one('roles')] }, one('runners'), one('apps'), one('server')] }
}

export const groups = computed<Group[]>(() => [...(session.project ? ofProject(session.project.id) : []), ...(may.value.admin ? [ofServer()] : [])])

/** All screens, those that stand as tabs too. */
export const places = computed<Place[]>(() => groups.value.flatMap((g) => g.places.flatMap((p) => p.tabs ?? [p])))

const below = (path: string, to: string) => path === to || path.startsWith(to + '/')
/** Whether a path is at a place, or below it. */
export const isAt = (path: string, p: Place): boolean => [p.to, ...(p.also ?? []), ...(p.tabs ?? []).map((x) => x.to)].some((to) => below(path, to))
/** The tabs that stand above the screen of a path: none above the forms below it. */
export const tabsOf = (path: string): Place[] => groups.value.flatMap((g) => g.places).find((p) => p.tabs?.some((x) => x.to === path))?.tabs ?? []
