import { onUnmounted } from 'vue'
import { useRoute } from 'vue-router'
import { t } from '../i18n'
import { draftOf, openForm, release, takeDraft, unsaved } from './draft'
import { ask, notify } from './page'
import { session } from './session'

interface Options<T> {
  changed: () => boolean
  value: () => T
  restore: (value: T) => void
}

/**
 * A form that is not lost: leaving it asks first, and what was typed outlives
 * the end of the session. The form calls back once it can take what was kept.
 */
export function useForm<T>(name: string, o: Options<T>) {
  const path = useRoute().fullPath
  const user = session.user?.id ?? 0
  const form = { name, user, changed: o.changed, value: o.value, left: false }
  onUnmounted(openForm(form))
  return {
    /** Gives back what was kept, if anything was. */
    back() {
      const value = takeDraft(name, user, path)
      if (value === undefined) return
      o.restore(value as T)
      notify(t('form.kept'))
    },
    /** Whether a dialog may close: asks where something would be lost. */
    leave: async () => !o.changed() || (await sure()),
  }
}

/** What waits for a dialog of this address that is not open yet. */
export function useWaiting<T>(name: string): () => T | undefined {
  const path = useRoute().fullPath
  return () => draftOf(name, session.user?.id ?? 0, path) as T | undefined
}

const sure = () => ask({ title: t('form.leave'), text: t('form.leave_text'), action: t('form.leave_yes'), danger: true })

/** Whether the forms of the page may be left: asks where something would be lost, and once. */
export async function mayLeave(): Promise<boolean> {
  if (!unsaved().length) return true
  if (!(await sure())) return false
  release(true)
  return true
}

/** Lets the browser ask when the page is closed or loaded anew. */
export const guardUnload = () => window.addEventListener('beforeunload', (e) => unsaved().length && e.preventDefault())
export { release }
