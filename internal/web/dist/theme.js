// Runs before anything is drawn, so that the page never shows the wrong colours.
;(function () {
  try {
    var theme = localStorage.getItem('theme')
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
    document.documentElement.lang = localStorage.getItem('language') || 'en'
  } catch (e) {
    // A browser that keeps nothing shows the theme of its system.
  }
})()
