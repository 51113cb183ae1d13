"""Opens an address in this user's browser, where there is a desktop that shows one."""

import os
import sys
import threading
import webbrowser


def has_desktop() -> bool:
    """Return whether a person at a desktop started this process, and sees a window of it."""
    is_watched = sys.stdout.isatty() and "CI" not in os.environ
    has_windows = sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    return is_watched and has_windows


def open_browser(url: str) -> None:
    """Open an address in the browser. This process does not wait for the browser, and ends first.

    The address is an argument of the browser, which other users of the machine can read in the list
    of processes. So it must be of no use when the page is shown.
    """
    threading.Thread(target=_open, args=(url,), daemon=True, name="browser").start()


def _open(url: str) -> None:
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return
    # A browser for terminals would take this one, unless the user asks for it by name.
    if type(browser) is not webbrowser.GenericBrowser or os.environ.get("BROWSER"):
        browser.open(url)
