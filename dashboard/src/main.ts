import { createApp } from 'vue'
import { requireLogin } from './access/login'
import { listen } from './notifications/browserNotices'
import App from './shell/App.vue'
import { firstPageIsMade } from './shared/firstPage'
import { askForFirstRows, loadCodeOfPage, router } from './shell/router'
import './shell/tokens.css'
import './shell/base.css'

loadCodeOfPage()
requireLogin(router)
askForFirstRows()
listen()
void router.isReady().finally(firstPageIsMade)
createApp(App).use(router).mount('#app')
