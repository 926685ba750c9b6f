import { createApp } from 'vue'
import { isNavigationFailure } from 'vue-router'
import App from './App.vue'
import { whenUnauthorized } from './api/client'
import { i18n, preferred, setLanguage } from './i18n'
import { router } from './router'
import { keepDrafts } from './state/draft'
import { guardUnload } from './state/form'
import { forget, session } from './state/session'
import './styles.css'

whenUnauthorized((code) => {
  if (router.currentRoute.value.name === 'login') return
  const path = router.currentRoute.value.fullPath
  if (session.user) keepDrafts(path) // the first of several refusals
  forget()
  void router.push({ name: 'login', query: { to: path, why: /_REQUIRED|NOT_VERIFIED/.test(code) ? undefined : 'expired' } })
})

guardUnload()
await setLanguage(preferred())
const app = createApp(App).use(i18n).use(router)
// The shell of index.html stays until the first screen can take its place.
try {
  await router.isReady()
  app.mount('#app')
} catch (e) {
  // A navigation that led elsewhere is none that failed: code that could not be loaded is told by the shell.
  if (isNavigationFailure(e)) app.mount('#app')
  else window.dispatchEvent(new Event('shell:failed'))
}
