"""How Sphinx makes a site of the pages in `docs`: `make site`.

The pages stay plain Markdown, which is read on its own, too: the site's order of pages is here.
A page that is in no chapter, and a link that leads nowhere, fail the build.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

from sphinx.application import Sphinx

from manager_api.version import VERSION

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
_FRONT = "docs/README"
_CHAPTERS: Mapping[str, Sequence[str]] = {
    "Start": ("README", "docs/cli", "docs/glossary"),
    "Artists": ("docs/addon", "docs/notifications"),
    "Wranglers": ("docs/dashboard", "docs/workers", "docs/storage-and-logs"),
    "TDs": (
        "docs/recipes",
        "docs/scripting",
        "docs/job-types",
        "docs/commands",
        "docs/events",
        "docs/shaman",
        "docs/differences-from-flamenco",
    ),
    "Running a farm": (
        "docs/worker-host",
        "docs/windows",
        "docs/services",
        "docs/settings",
        "docs/access",
        "docs/https",
        "docs/doctor",
        "docs/monitoring",
        "docs/temporal-cluster",
        "docs/containers",
        "docs/backup",
        "docs/upgrading",
        "CHANGELOG",
    ),
    "Developing Tablao": (
        "docs/architecture",
        "docs/code-map",
        "docs/protocol",
        "CONTRIBUTING",
        "docs/chaos",
        "docs/performance",
        "docs/dependencies",
        "tests/durations",
    ),
}

project = "Tablao"
release = version = VERSION
extensions = ["myst_parser"]
root_doc = _FRONT
include_patterns = [f"{page}.md" for page in (_FRONT, *chain.from_iterable(_CHAPTERS.values()))]
myst_heading_anchors = 4

html_theme = "furo"
html_title = f"Tablao {VERSION}"
html_favicon = html_logo = str(_ROOT / "dashboard/public/icon.svg")
html_copy_source = False
html_use_index = False
html_show_sphinx = False
html_additional_pages = {"index": "index.html"}
html_static_path = [str(_HERE / "static")]
html_css_files = ["site.css"]
templates_path = [str(_HERE)]
# The dashboard's accent, see `dashboard/src/shell/tokens.css`.
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#006a73", "color-brand-content": "#006a73"},
    "dark_css_variables": {"color-brand-primary": "#4cc9d0", "color-brand-content": "#4cc9d0"},
}


def setup(app: Sphinx) -> None:
    app.connect("source-read", _add_chapters)


def _add_chapters(app: Sphinx, page: str, source: list[str]) -> None:
    """Put the chapters into the front page, where Sphinx looks for them."""
    if page == _FRONT:
        trees = (_chapter(name, pages) for name, pages in _CHAPTERS.items())
        source[0] = "\n\n".join((source[0], *trees))


def _chapter(name: str, pages: Sequence[str]) -> str:
    lines = ("```{toctree}", ":hidden:", f":caption: {name}", "", *(f"/{page}" for page in pages))
    return "\n".join((*lines, "```"))
