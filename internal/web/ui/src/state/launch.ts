import { shallowRef } from 'vue'
import { get, reason } from '../api/client'
import type { Task, Template } from '../api/schema'
import { t } from '../i18n'
import { notify } from './page'
import { can, RUN } from './session'

/** The template that the run dialog of the page is open for, and the task to take the answers of. */
export const launching = shallowRef<{ template: Template; from?: Task } | null>(null)

/** Opens the run dialog from anywhere. */
export async function launch(project: number, template: number, from?: number) {
  try {
    const [tpl, task] = await Promise.all([get<Template>(`project/${project}/templates/${template}`), from ? get<Task>(`project/${project}/tasks/${from}`) : undefined])
    if (!can(RUN, tpl.permissions ?? 0)) return notify(t('why.run'), true)
    launching.value = { template: tpl, from: task }
  } catch (e) {
    notify(reason(e), true)
  }
}
