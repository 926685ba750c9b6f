import { computed, shallowRef, watch } from 'vue'
import type { AnsibleError } from '../api/schema'
import { failureLines } from '../lib/errors'
import type { Log } from '../lib/log'
import { fetchOutput } from './output'

const TAIL = 20_000 // lines that are read at once

/**
 * The lines that tell of failures, sorted: those that the server has read out
 * of the output of Ansible and Terraform; of other apps, once they have failed,
 * what looks like one near the end.
 */
export function useFailures(project: number, task: number, log: Log, errors: () => readonly AnsibleError[], failed: () => boolean, why: () => string) {
  const tail = shallowRef<{ n: number; text: string }[]>([])
  const known = computed(() => [...new Set(errors().map((e) => e.line))].sort((a, b) => a - b))
  let looked = false
  watch(
    [known, failed],
    async () => {
      if (looked || !failed() || known.value.length) return
      looked = true
      try {
        tail.value = (await fetchOutput(project, task)(Math.max(0, log.total - TAIL), TAIL)).lines
      } catch {
        looked = false // the log itself tells that nothing can be loaded
      }
    },
    { immediate: true },
  )
  // The reason may come behind the state.
  return computed(() => (known.value.length ? known.value : failureLines(tail.value, why())))
}
