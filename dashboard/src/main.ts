import { createApp } from 'vue'
import { connect } from './api/events'
import App from './shell/App.vue'
import { router } from './shell/router'
import './shell/tokens.css'
import './shell/base.css'

connect()
createApp(App).use(router).mount('#app')
