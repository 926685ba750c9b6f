import { reactive, ref, shallowRef } from 'vue'
import { keep } from '../lib/kept'

export type Theme = 'system' | 'light' | 'dark'

function drawn(): Theme {
  const v = document.documentElement.dataset.theme
  return v === 'light' || v === 'dark' ? v : 'system'
}
export const theme = ref<Theme>(drawn())

export function setTheme(v: Theme) {
  theme.value = v
  if (v === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = v
  keep('theme', v === 'system' ? null : v)
}

/** Short messages in the corner. They are read out by screen readers. */
export const notices = reactive<{ id: number; text: string; bad: boolean }[]>([])
let next = 1

export function notify(text: string, bad = false) {
  const id = next++
  notices.push({ id, text, bad })
  setTimeout(() => dismiss(id), bad ? 12_000 : 4_000)
}

export function dismiss(id: number) {
  const i = notices.findIndex((n) => n.id === id)
  if (i >= 0) notices.splice(i, 1)
}

export interface Question {
  title: string
  text?: string
  action: string
  danger?: boolean
  /** A second way on, beside the action. */
  other?: string
  answer: (said: Answer) => void
}
/** The action, the other way on, or neither. */
export type Answer = boolean | 'other'
export const question = shallowRef<Question | null>(null)

/** Asks which of two ways to go, or neither. */
export function choose(q: Omit<Question, 'answer'>): Promise<Answer> {
  return new Promise((resolve) => {
    question.value = {
      ...q,
      answer: (said) => {
        question.value = null
        resolve(said)
      },
    }
  })
}

/** Asks before something is done that cannot be undone. */
export const ask = async (q: Omit<Question, 'answer' | 'other'>): Promise<boolean> => (await choose(q)) === true

export async function copy(text: string, said: string) {
  try {
    await navigator.clipboard.writeText(text)
    notify(said)
  } catch (e) {
    notify(String(e), true)
  }
}
