"""What has no room in a page: words that are cut off, and things to click under other ones."""

from playwright.sync_api import Page

#: Elements whose text ends in an ellipsis or at an edge, where no title, label or link says it all.
_CUT = """() => {
  const said = element => element.closest('[title], [aria-label], [aria-valuetext], option, select')
  const isCut = element => {
    const style = getComputedStyle(element)
    const hasText = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())
    return hasText && style.overflowX !== 'visible' && style.overflowX !== 'auto'
      && style.overflowX !== 'scroll' && element.clientWidth > 1
      && element.scrollWidth > element.clientWidth + 1 && !said(element)
  }
  return [...document.querySelectorAll('body *')].filter(isCut)
    .map(element => `cut: ${element.tagName} .${element.className} "${element.textContent.trim()}"`)
}"""

#: Things to click whose middle is in sight of its own scrolling boxes, and covered by another one.
_COVERED = """() => {
  const things = 'button, a, input, select, textarea, summary, [role=slider], [role=tab]'
  const own = (element, top) => element.contains(top) || top.contains(element)
    || top.closest('label')?.contains(element)
  const dialog = document.querySelector('dialog[open]') ?? document
  const isInSight = (element, x, y) => {
    for (let box = element.parentElement; box; box = box.parentElement) {
      const { left, right, top, bottom } = box.getBoundingClientRect()
      const isClipped = getComputedStyle(box).overflow !== 'visible'
      if (isClipped && (x < left || x > right || y < top || y > bottom)) return false
    }
    return true
  }
  const isCovered = element => {
    const box = element.getBoundingClientRect()
    if (!box.width || !box.height || !element.checkVisibility({ opacityProperty: true })) return
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2]
    const top = isInSight(element, x, y) && document.elementFromPoint(x, y)
    return top && !own(element, top) && top.closest(things) && !top.closest('[popover], .panel')
      && !element.contains(top.closest(things)) && top
  }
  return [...dialog.querySelectorAll(things)].map(element => [element, isCovered(element)])
    .filter(([, top]) => top)
    .map(([element, top]) => `${element.outerHTML.slice(0, 99)} < ${top.outerHTML.slice(0, 99)}`)
}"""


def faults(page: Page) -> list[str]:
    """One line for each, and one if the page scrolls sideways."""
    too_wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    sideways = [f"{too_wide} pixels too wide"] if too_wide > 0 else []
    return [*sideways, *page.evaluate(_CUT), *page.evaluate(_COVERED)]
