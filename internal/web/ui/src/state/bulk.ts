import { computed, ref, type Ref } from 'vue'
import { del, post, reason } from '../api/client'
import type { TaskWithTemplate } from '../api/schema'
import { t } from '../i18n'
import { finished, stoppable } from '../lib/status'
import { ask, notify } from './page'

export type Verb = 'stop' | 'again' | 'delete'

/** The tasks of a list that a verb makes sense for. */
export const meant = (tasks: TaskWithTemplate[], verb: Verb) => tasks.filter((x) => (verb === 'stop' ? stoppable(x.status) : finished(x.status)))

/** Several tasks of a list that are picked, and what is done with them one after the other. */
export function useBulk(tasks: Ref<TaskWithTemplate[]>, done: () => void) {
  const picked = ref<ReadonlySet<number>>(new Set())
  const chosen = computed(() => tasks.value.filter((x) => picked.value.has(x.id)))
  const busy = ref(false)

  function send(x: TaskWithTemplate, verb: Verb) {
    const path = `project/${x.project_id}/tasks/${x.id}`
    return verb === 'stop' ? post(`${path}/stop`, { force: false }) : verb === 'again' ? post(`${path}/retry`) : del(path)
  }
  async function act(verb: Verb) {
    const all = meant(chosen.value, verb)
    if (verb === 'delete' && !(await ask({ title: t('bulk.delete', { n: all.length }, all.length), text: t('bulk.delete_text'), action: t('action.delete'), danger: true }))) return
    busy.value = true
    let well = 0
    const refused: string[] = []
    for (const x of all) {
      try {
        await send(x, verb)
        well++
      } catch (e) {
        refused.push(`#${x.id}: ${reason(e)}`)
      }
    }
    busy.value = false
    picked.value = new Set()
    if (well) notify(t(`bulk.done_${verb}`, { n: well }, well))
    if (refused.length) notify([...refused.slice(0, 3), refused.length > 3 ? '…' : ''].join(' '), true)
    done()
  }
  return { picked, chosen, busy, act }
}
