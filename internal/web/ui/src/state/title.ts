import { onUnmounted, ref, watchEffect } from 'vue'
import { t } from '../i18n'
import { mark } from '../lib/status'
import { counts } from './counts'
import { session } from './session'
import { visible } from '../lib/bidi'

const screen = ref('')
const inside = ref(false)
const own = ref<{ status: string; text: string }>()

/** The title of the window: of the screen, and how things stand, for who looks at another window. */
export function windowTitle() {
  const states = own.value ? [mark(own.value.status)] : session.user ? [counts.running ? `${mark('running')} ${counts.running}` : '', counts.asking ? `${mark('waiting_confirmation')} ${counts.asking}` : ''] : []
  const parts = [own.value?.text ?? (screen.value && t(screen.value)), inside.value ? session.project?.name : '', 'Semaphore']
  return [...states, parts.filter(Boolean).join(' · ')].filter(Boolean).join(' ')
}
watchEffect(() => (document.title = visible(windowTitle())))

/** Names the screen; the router calls it. */
export function setScreen(label: unknown, project: boolean) {
  screen.value = typeof label === 'string' ? label : ''
  inside.value = project
}

/** Gives the window the title of what its screen shows, with the state of that. */
export function useTitle(of: () => { status: string; text: string } | undefined) {
  watchEffect(() => (own.value = of()))
  onUnmounted(() => (own.value = undefined))
}
