import { shallowRef } from 'vue'
import { list } from '../api/client'
import type { RecentTasks } from '../api/schema'
import { usual } from '../lib/history'

const known = shallowRef(new Map<number, number | null>())
let of = 0
let read = 0

/** How long tasks of a project's templates usually take, by their latest successes; read again after a minute. */
export function useUsual(project: number) {
  if (of !== project || Date.now() - read > 60_000) {
    if (of !== project) known.value = new Map()
    of = project
    read = Date.now()
    list<RecentTasks>(`project/${project}/tasks/recent?limit=20`)
      .then((rows) => of === project && (known.value = new Map(rows.map((r) => [r.template_id, usual(r.tasks)]))))
      .catch(() => (read = 0)) // nobody misses what is a guess
  }
  return (template: number) => known.value.get(template) ?? null
}
