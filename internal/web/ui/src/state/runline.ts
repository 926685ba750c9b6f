import { get, reason } from '../api/client'
import type { Environment, Inventory, Repository, Template } from '../api/schema'
import { t } from '../i18n'
import { runLine, type Run } from '../lib/runline'
import { copy, notify } from './page'
import { session } from './session'

/** Copies a run as a command line for `semaphore run`, with what its template names. */
export async function copyRun(template: Template, task: Run['task'] & { inventory_id?: number | null }) {
  const path = `project/${template.project_id}`
  const inventoryID = task.inventory_id ?? template.inventory_id
  try {
    const [repository, inventory, environment] = await Promise.all([
      get<Repository>(`${path}/repositories/${template.repository_id}`),
      inventoryID ? get<Inventory>(`${path}/inventory/${inventoryID}`) : undefined,
      template.environment_id ? get<Environment>(`${path}/environment/${template.environment_id}`) : undefined,
    ])
    await copy(runLine({ template, repository, inventory, environment, hostKeys: session.project?.host_keys ?? 'off', task }), t('action.copied'))
  } catch (e) {
    notify(reason(e), true)
  }
}
