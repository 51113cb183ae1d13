import { createApp } from 'vue'
import { requireLogin } from './access/login'
import App from './shell/App.vue'
import { router } from './shell/router'
import './shell/tokens.css'
import './shell/base.css'

requireLogin(router)
createApp(App).use(router).mount('#app')
