"""Whether the pages are few, found, and true: what they name exists, under the name they use."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from manager_api.cli.main import app
from manager_api.temporal.tunnel import tunnel_router
from manager_api.web.app import ROUTERS
from manager_api.web.auth import may_reach_temporal
from workflows.domain import control

#: Verbs of earlier versions, which the changelog may name.
FORMER_VERBS = {"worker-status"}
#: Programs' own folders, and the wire's: no place in this checkout.
FOREIGN_PLACE = re.compile(r"^(?:jobs|logs|farm|platform|tag|worker|scene|flamenco|tablao|\.)/")


@pytest.fixture(scope="module")
def pages(root: Path) -> list[Path]:
    return [*sorted(root.glob("*.md")), *sorted((root / "docs").glob("*.md"))]


def code_of(page: Path) -> Iterator[str]:
    """Lines of code blocks, and what stands between backticks."""
    for block, word in re.findall(r"```\w*\n(.*?)```|`([^`\n]+)`", page.read_text(), re.DOTALL):
        yield from (block or word).splitlines()


def anchors_of(page: Path) -> set[str]:
    """Of its headings, as web pages for Markdown make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {each.replace(" ", "-") for each in words}


def linked(text: str) -> list[str]:
    """Pages that the tables of this text have in their first column."""
    return re.findall(r"^\| \[[^\]]+\]\(([\w./-]+\.md)\) \|", text, re.MULTILINE)


# --- pages are found ------------------------------------------------------------------------------


def test_the_readme_names_every_page_once(root: Path, pages: list[Path]) -> None:
    named = linked((root / "README.md").read_text())

    others = [str(page.relative_to(root)) for page in pages if page != root / "README.md"]
    assert sorted(named) == sorted(others)


def test_the_list_of_the_documentation_is_complete(root: Path) -> None:
    listed = linked((root / "docs/README.md").read_text())

    assert listed == sorted(
        page.name for page in (root / "docs").glob("*.md") if page.name != "README.md"
    )


def test_each_door_has_a_few_links(root: Path) -> None:
    doors = (root / "docs/README.md").read_text().split("\n## ")[1:-1]

    counts = {
        door.partition("\n")[0]: len(re.findall(r"^\* ", door, re.MULTILINE)) for door in doors
    }

    assert len(counts) == 5
    assert all(3 <= count <= 6 for count in counts.values()), counts


def test_every_link_into_a_page_leads_to_a_heading(pages: list[Path]) -> None:
    dead = [
        f"{page.name}: {target}#{anchor}"
        for page in pages
        for target, anchor in re.findall(r"\]\(([\w./-]*)#([^)]+)\)", page.read_text())
        if anchor not in anchors_of((page.parent / target) if target else page)
    ]

    assert dead == []


# --- what pages name exists -----------------------------------------------------------------------


def help_of(*verbs: str) -> str:
    """Empty if there is no such command."""
    environment = {"COLUMNS": "300", "NO_COLOR": "1", "TERM": "dumb"}
    result = CliRunner().invoke(app, [*verbs, "--help"], env=environment)
    return result.output if result.exit_code == 0 else ""


def test_every_command_that_a_page_names_exists(pages: list[Path]) -> None:
    lines = {
        line[found.start() :]
        for page in pages
        for line in code_of(page)
        if (found := re.search(r"\btablao [a-z]", line))
    }
    known: dict[tuple[str, ...], str] = {}

    unknown = []
    for line in sorted(lines):
        words = re.findall(r"^tablao ([a-z-]+)(?: ([a-z][a-z-]*)(?![\w=.:/]))?", line)[0]
        verbs = tuple(word for word in words if word)
        if verbs not in known:
            known[verbs] = help_of(*verbs)
        options = re.findall(r"(?<![\w-])--[a-z-]+", line)
        if not known[verbs] or any(each not in known[verbs] for each in options):
            unknown.append(line)

    assert len(known) > 20
    assert [line for line in unknown if line.split()[1] not in FORMER_VERBS] == []


def is_at(address: list[str], path: list[str]) -> bool:
    """Whether the address, in segments, is this path or a beginning of it."""
    return len(address) <= len(path) and all(
        there == "{}" or there == here for here, there in zip(address, path, strict=False)
    )


def test_every_address_that_a_page_names_is_served(pages: list[Path]) -> None:
    routers = (*ROUTERS, tunnel_router(lambda: "", may_reach_temporal))
    paths = [str(getattr(route, "path", "")) for router in routers for route in router.routes]
    served = [re.sub(r"\{[^}]+\}", "{}", path).split("/") for path in (*paths, control.PATH)]
    named = {
        (page.name, address)
        for page in pages
        for line in code_of(page)
        for address in re.findall(r"/api/(?:v3|tablao/v1)[\w/$.-]*", line)
    }

    unserved = [
        f"{page}: {address}"
        for page, address in sorted(named)
        if not any(is_at(address.rstrip("/.").split("/"), path) for path in served)
    ]

    assert len(named) > 20
    assert unserved == []


def test_the_page_of_events_has_every_topic(root: Path) -> None:
    page = (root / "docs/events.md").read_text()
    topics = {
        topic
        for file in (root / "manager_api").rglob("*.py")
        for topic in re.findall(r'^[A-Z_]+ = "(/[a-z-]+)"$', file.read_text(), re.MULTILINE)
    }

    assert len(topics) > 5
    assert {topic for topic in topics if f"`{topic}" not in page} == set()


def test_every_file_that_a_page_names_exists(root: Path, pages: list[Path]) -> None:
    named = {
        (page.name, place)
        for page in pages
        if page.name not in ("CONTRIBUTING.md", "CHANGELOG.md")
        for place in re.findall(r"`((?:[a-z_.]+/)+[\w.-]*)`", page.read_text())
        if not FOREIGN_PLACE.match(place) and "VERSION" not in place
    }

    assert len(named) > 30
    assert [
        f"{page}: {place}" for page, place in sorted(named) if not (root / place).exists()
    ] == []


def test_every_module_that_a_page_runs_exists(root: Path, pages: list[Path]) -> None:
    named = {
        module
        for page in pages
        for module in re.findall(r"python -m (tests[\w.]+)", page.read_text())
    }

    assert named
    places = {module: root / module.replace(".", "/") for module in named}
    missing = [
        module
        for module, place in places.items()
        if not place.with_suffix(".py").exists() and not (place / "__main__.py").exists()
    ]
    assert missing == []


# --- the map and the glossary ---------------------------------------------------------------------


def rooms_of(package: Path) -> set[str]:
    """Folders and modules with code of their own."""
    modules = {file.stem for file in package.glob("*.py")} - {"__init__"}
    return modules | {file.parent.name for file in package.glob("*/__init__.py")}


def test_the_map_has_the_managers_rooms_on_their_floors(root: Path) -> None:
    text = (root / "docs/code-map.md").read_text()
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]
    [contract] = [each for each in contracts["contracts"] if "floors" in each["name"]]
    layers = list(reversed(contract["layers"]))
    floors = {
        room: number for number, layer in enumerate(layers, 1) for room in re.findall(r"\w+", layer)
    }

    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| .+ \|$", text, re.MULTILINE)

    assert {room: int(floor) for floor, room in rows} == floors
    assert len(rows) == len(floors)
    assert {room for _, room in rows} == rooms_of(root / "manager_api")


@pytest.mark.parametrize("package", ["activities", "worker_host", "workflows", "workflows/domain"])
def test_the_map_names_the_rooms_of_the_other_packages(root: Path, package: str) -> None:
    text = (root / "docs/code-map.md").read_text()
    named = re.findall(r"^\| `([\w/]*\w)` \|", text, re.MULTILINE)

    rooms = {f"{package}/{file.parent.name}" for file in (root / package).glob("*/__init__.py")}

    assert package in named
    assert {each for each in named if each.rpartition("/")[0] == package} == rooms


def test_every_word_of_the_glossary_is_in_use(root: Path, tracked_files: list[Path]) -> None:
    glossary = root / "docs/glossary.md"
    words = re.findall(r"^\| \*\*([^*]+)\*\* \| [^|]*\w", glossary.read_text(), re.MULTILINE)
    folders = ("workflows", "activities", "manager_api", "worker_host", "docs")
    text = "\n".join(
        file.read_text().lower().replace("_", " ")
        for file in tracked_files
        if file != glossary
        and file.suffix in (".py", ".md")
        and file.relative_to(root).parts[0] in folders
    )

    unused = [word for word in words if not re.search(rf"\b{re.escape(word.lower())}", text)]

    assert len(words) > 40
    assert unused == []
    assert [word for word, count in Counter(words).items() if count > 1] == []
