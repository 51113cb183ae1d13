"""The documentation as a site: every page is in it, every link leads somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def site(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "--fail-on-warning", "--keep-going"]
    command += ["-c", "docs/site", "-b", "html", ".", str(made)]
    subprocess.run(command, cwd=root, check=True)
    return made


def test_the_front_page_leads_to_every_page(root: Path, site: Path) -> None:
    redirect = re.search(r'url=([\w/.]+)"', (site / "index.html").read_text())
    assert redirect is not None
    front = site / redirect[1]

    chapters = re.findall(r'class="reference internal" href="([^"#]+)"', front.read_text())

    led_to = {(front.parent / each).resolve() for each in chapters}
    pages = {site / f"docs/{page.stem}.html" for page in (root / "docs").glob("*.md")} - {front}
    assert pages - led_to == set()


def test_reading_it_asks_no_other_server(site: Path) -> None:
    loads = re.compile(r'<(?:script|img|link)[^>]+(?:src|href)="([^"]+)"')
    loaded = {each for page in site.rglob("*.html") for each in loads.findall(page.read_text())}

    assert loaded
    assert [each for each in sorted(loaded) if "//" in each] == []


def test_it_can_be_searched_without_a_server(site: Path) -> None:
    assert "deadlin" in (site / "searchindex.js").read_text()
