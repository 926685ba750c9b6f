import { computed, nextTick, onBeforeUnmount, onMounted, ref, watch, type Ref } from 'vue'
import type { Fold } from '../lib/fold'
import { height, position, ROW, rowPixels } from '../lib/window'

/**
 * Where a log is looked at. The scrolled element is empty and as tall as all
 * rows; what is seen of them is drawn in a window that stays in place.
 */
export function useScroll(fold: () => Fold, wrap: Ref<boolean>, running: () => boolean, follow: Ref<boolean>) {
  const scroller = ref<HTMLElement>()
  const content = ref<HTMLElement>()
  const view = ref(400)
  const top = ref(0)
  const shift = ref(0)
  const rows = computed(() => fold().rows)
  const tall = computed(() => height(rows.value, view.value, wrap.value))
  const at = computed(() => (follow.value ? { first: Math.max(0, rows.value - Math.ceil(view.value / ROW) - 1), part: 0 } : position(top.value, rows.value)))
  /** The rows that are drawn: [first, last). */
  const drawn = computed(() => ({ first: at.value.first, last: Math.min(rows.value, at.value.first + Math.ceil(view.value / ROW) + 2) }))

  /** Moves the drawn rows so that they continue what the scroll bar says. */
  function settle() {
    const c = content.value
    if (!c) return
    const { part } = at.value
    if (follow.value) shift.value = Math.min(0, view.value - c.offsetHeight)
    else shift.value = part && -part * (wrap.value ? ((c.firstElementChild as HTMLElement | null)?.offsetHeight ?? ROW) : ROW)
  }
  const bottom = () => {
    const s = scroller.value
    if (s) s.scrollTop = top.value = Math.max(0, tall.value - view.value)
  }
  watch([tall, follow], () => follow.value && bottom(), { flush: 'post' })

  /** Stops following and keeps what is seen where it is: wrapped rows are taller than the scroll bar knows. */
  function stay() {
    if (!follow.value) return
    const all = [...(content.value?.children ?? [])] as HTMLElement[]
    const above = all.findIndex((e) => e.offsetTop + e.offsetHeight + shift.value > 0)
    const first = at.value.first + Math.max(0, above)
    follow.value = false
    if (wrap.value) scroller.value!.scrollTop = first * rowPixels(rows.value)
    top.value = scroller.value!.scrollTop
  }
  function scrolled() {
    const s = scroller.value!
    const max = tall.value - view.value
    if (follow.value) {
      if (s.scrollTop < top.value - 2) return stay()
    } else if (running() && !wrap.value && s.scrollTop >= max - 2) follow.value = true
    top.value = s.scrollTop
  }
  /** Shows a row a little below the upper edge. */
  async function show(row: () => number) {
    follow.value = false
    await nextTick()
    scroller.value!.scrollTop = top.value = Math.max(0, row() - 4) * rowPixels(rows.value)
  }
  function by(pixels: number) {
    stay()
    scroller.value?.scrollBy(0, pixels)
  }

  let watcher: ResizeObserver
  onMounted(() => {
    watcher = new ResizeObserver(() => (view.value = scroller.value!.clientHeight || 400))
    watcher.observe(scroller.value!)
  })
  onBeforeUnmount(() => watcher.disconnect())
  return { scroller, content, view, shift, rows, tall, drawn, settle, stay, scrolled, show, by }
}
