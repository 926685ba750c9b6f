// Runs before anything is drawn: the right colours and the right frame from the
// first moment on, and a word where the page itself does not come.
;(function () {
  var root = document.documentElement
  var kept = function (name) {
    try {
      return localStorage.getItem(name)
    } catch (e) {
      return null // a browser that keeps nothing shows the theme of its system
    }
  }
  var theme = kept('theme')
  if (theme === 'light' || theme === 'dark') root.dataset.theme = theme
  root.lang = kept('language') || 'en'
  // Who was in a project will see the frame again; signing in has none.
  if (kept('project') && !/\/auth\/login$/.test(location.pathname)) root.dataset.known = ''

  var texts = {
    en: ['Still loading. The connection seems to be slow.', 'A part of this page could not be loaded. Check the connection, then reload the page.'],
    ru: ['Страница ещё загружается. Похоже, соединение медленное.', 'Часть страницы не удалось загрузить. Проверьте соединение и обновите страницу.'],
  }
  var language = kept('language') || (navigator.language || '').slice(0, 2)
  var say = function (n) {
    var p = document.querySelector('.shell p')
    if (p) p.textContent = (texts[language] || texts.en)[n]
  }
  var failed = false
  window.addEventListener(
    'error',
    function (e) {
      if (!e.target || (e.target.tagName !== 'SCRIPT' && e.target.tagName !== 'LINK')) return
      failed = true
      say(1)
    },
    true,
  )
  window.addEventListener('shell:failed', function () {
    failed = true
    say(1)
  })
  setTimeout(function () {
    if (!failed) say(0)
  }, 10000)
})()
