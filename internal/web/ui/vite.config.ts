import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'
import type { Plugin } from 'vite'

/**
 * Names the page's stylesheet behind the shell: in the head it would keep the
 * shell from being drawn. The script waits for it all the same.
 */
const shellFirst: Plugin = {
  name: 'shell-first',
  enforce: 'post',
  transformIndexHtml: {
    order: 'post',
    handler(html) {
      const link = /\s*<link rel="stylesheet"[^>]*href="\.\/assets\/[^>]*>/.exec(html)?.[0]
      return link ? html.replace(link, '').replace('\n  </body>', `${link}\n  </body>`) : html
    },
  },
}

// Relative addresses let the page live below any path: index.html names it in
// its base element. Nothing that is built depends on the day or the machine.
export default defineConfig({
  base: './',
  plugins: [vue(), shellFirst],
  define: {
    __VUE_OPTIONS_API__: 'false',
    __VUE_PROD_DEVTOOLS__: 'false',
    __VUE_I18N_FULL_INSTALL__: 'true',
    __VUE_I18N_LEGACY_API__: 'false',
    __INTLIFY_DROP_MESSAGE_COMPILER__: 'false',
    __INTLIFY_PROD_DEVTOOLS__: 'false',
  },
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0, // a data: address would need a hole in the policy
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    rollupOptions: {
      output: {
        entryFileNames: 'assets/[name]-[hash].js',
        chunkFileNames: 'assets/[name]-[hash].js',
        assetFileNames: 'assets/[name]-[hash][extname]',
      },
    },
  },
  server: { proxy: { '/api': { target: 'http://127.0.0.1:3000', ws: true } } },
  test: { include: ['test/**/*.test.ts'] },
})
