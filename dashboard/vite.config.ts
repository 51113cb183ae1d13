import { fileURLToPath, URL } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig, type HtmlTagDescriptor, type Plugin } from 'vite'

const manager = process.env.TABLAO_MANAGER ?? 'http://127.0.0.1:8080'

/** The list of jobs is what most people open: its code is fetched beside the code that would ask for it. */
const FIRST_PAGE = '/src/jobs/JobsView.vue'

const preloadFirstPage: Plugin = {
  name: 'preload-first-page',
  transformIndexHtml: {
    order: 'post',
    handler(_html, { bundle = {} }): HtmlTagDescriptor[] {
      const page = Object.values(bundle).find((file) => file.type === 'chunk' && file.facadeModuleId?.endsWith(FIRST_PAGE))
      if (page?.type !== 'chunk') return []
      return [{ tag: 'link', attrs: { rel: 'modulepreload', crossorigin: true, href: `./${page.fileName}` }, injectTo: 'head' }]
    },
  },
}

export default defineConfig({
  // Relative to the page's <base>, whose path the manager sets: it may live below any path.
  base: process.argv.includes('build') ? './' : '/app/',
  plugins: [vue(), preloadFirstPage],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    // Beside the code that serves it, so that it is installed with the package.
    outDir: '../manager_api/dashboard_files',
    emptyOutDir: true,
    target: 'es2022',
    chunkSizeWarningLimit: 900,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            // Else a first view is forty small files, and a browser asks for six at a time.
            { name: 'shared', test: /\/src\/|vue-virtual|virtual-core/, minShareCount: 2 },
          ],
        },
      },
    },
  },
  server: {
    // The settings page shows the texts of docs/settings.md.
    fs: { allow: ['..'] },
    proxy: {
      '/api': { target: manager, ws: true },
      '/job-files': { target: manager },
    },
  },
})
