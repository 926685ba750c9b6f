import { shallowRef } from 'vue'
import { list } from '../api/client'
import { useUpdates } from '../api/live'
import type { ActiveTask, TaskWithTemplate } from '../api/schema'
import { unfinished } from '../lib/status'

/** An unfinished task as the board of runners needs it. */
export interface Work {
  id: number
  project: number
  name: string
  status: string
  runner: number | null
  tag: string
}

const work = shallowRef<Work[]>([])
let of = -1
let timer = 0

async function read() {
  const project = of
  const found = project
    ? (await list<TaskWithTemplate>(`project/${project}/tasks?status=${unfinished.join()}&limit=500`)).map((x) => ({ id: x.id, project, name: x.tpl_alias, status: x.status, runner: x.runner_id ?? null, tag: x.runner_tag ?? '' }))
    : (await list<ActiveTask>('tasks')).map((x) => ({ id: x.task_id, project: x.project_id, name: x.template_name, status: x.status, runner: x.runner_id, tag: x.runner_tag }))
  if (project === of) work.value = found
}

/** The unfinished tasks of a project, or of all (0), as long as somebody looks at them; the cells of a table share them. */
export function useBoard(project: number) {
  const soon = (ms: number) => {
    timer ||= window.setTimeout(() => {
      timer = 0
      void read().catch(() => {}) // The next state reads them again.
    }, ms)
  }
  if (of !== project) work.value = []
  of = project
  soon(0)
  useUpdates(
    () => soon(500),
    () => soon(500),
  )
  return work
}
