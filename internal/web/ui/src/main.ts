import { createApp } from 'vue'
import App from './App.vue'
import { whenUnauthorized } from './api/client'
import { i18n, preferred, setLanguage } from './i18n'
import { router } from './router'
import { forget } from './state/session'
import './styles.css'

whenUnauthorized((code) => {
  if (router.currentRoute.value.name === 'login') return
  const path = router.currentRoute.value.fullPath
  forget()
  void router.push({ name: 'login', query: { to: path, why: /_REQUIRED|NOT_VERIFIED/.test(code) ? undefined : 'expired' } })
})

await setLanguage(preferred())
createApp(App).use(i18n).use(router).mount('#app')
