"""Where a login may lead afterwards: to a page of our own dashboard, and nowhere else."""

from urllib.parse import unquote

_LONGEST = 2_000
START = "/"


def own_page(wanted: str) -> str:
    """Return a path in the dashboard, with its query; the start page if it is none.

    Browsers take `\\` for `/`, and `%2e` for a point.
    """
    path = wanted.partition("?")[0].partition("#")[0]
    is_plain = wanted.isprintable() and "\\" not in wanted and len(wanted) <= _LONGEST
    is_rooted = wanted.startswith("/") and not wanted.startswith("//")
    parts = {unquote(part) for part in path.split("/")}
    return wanted if is_plain and is_rooted and not parts & {".", ".."} else START
