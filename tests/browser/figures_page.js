// Called in the measured page before its own code: notes when rows of a table appear, when what they
// show changes, which frames came late and which tasks were long.
(label, namePattern) => {
  const GRID = `[role=grid][aria-label="${label}"]`
  const NAME = new RegExp(namePattern)
  const seen = (window.seen = { firstRowsMs: 0, changes: [], longTasksMs: [], framesMs: [] })
  const shown = new Map()
  let isLookDue = false

  function look() {
    isLookDue = false
    const now = performance.timeOrigin + performance.now()
    for (const row of document.querySelectorAll(`${GRID} [role=row][data-index]`)) {
      if (!seen.firstRowsMs) seen.firstRowsMs = performance.now()
      const name = row.textContent.match(NAME)?.[0]
      const status = row.querySelector('svg[role=img]')?.getAttribute('aria-label')
      if (!name || shown.get(name) === status) continue
      if (shown.has(name)) seen.changes.push([name, status, now])
      shown.set(name, status)
    }
  }

  // After the frame that draws the change: a message is handled once the frame is done.
  function lookAfterFrame() {
    if (isLookDue) return
    isLookDue = true
    requestAnimationFrame(() => {
      const channel = new MessageChannel()
      channel.port1.onmessage = look
      channel.port2.postMessage(undefined)
    })
  }

  new MutationObserver(lookAfterFrame).observe(document, {
    subtree: true, childList: true, attributes: true, characterData: true,
  })
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) seen.longTasksMs.push(entry.duration)
  }).observe({ type: 'longtask', buffered: true })

  let before = performance.now()
  requestAnimationFrame(function frame(now) {
    seen.framesMs.push(now - before)
    before = now
    requestAnimationFrame(frame)
  })
}
