import { ref } from 'vue'
import { keep, kept } from '../lib/kept'
import { typing as inField } from '../lib/keys'

const NAME = 'keys'

/** Whether keys of one character do something. Who dictates, or often strikes beside the key, may switch them off. */
export const single = ref(kept(NAME) !== 'off')

export function setSingle(on: boolean) {
  single.value = on
  keep(NAME, on ? 'on' : 'off')
}

/** Whether a key is none of the page's: typed into a field, or of one character while those are off. */
export const typing = (e: KeyboardEvent): boolean => inField(e) || (!single.value && e.key.length === 1 && !e.ctrlKey && !e.metaKey)
