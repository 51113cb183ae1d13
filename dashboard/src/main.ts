import { createApp } from 'vue'
import { requireLogin } from './access/login'
import { listen } from './notifications/browserNotices'
import App from './shell/App.vue'
import { askForFirstTasks, loadCodeOfPage, router } from './shell/router'
import './shell/tokens.css'
import './shell/base.css'

loadCodeOfPage()
requireLogin(router)
askForFirstTasks()
listen()
createApp(App).use(router).mount('#app')
