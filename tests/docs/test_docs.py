"""The documents say what is true of this checkout, and nothing that belongs to one machine."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

# In pieces, so that this file does not name what no file may name.
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
        ("repo", "maven", "apache", "org"),
        ("deb", "debian", "org"),
    )
]
REGISTRY_OPTION = re.compile(
    r"--(?:extra-)?" + r"index-url\b|--find-" + r"links\b|\[\[tool\.uv\." + r"index\]\]"
)
# Whose home it is matters: these names are examples, any other is somebody's.
EXAMPLE_USER = r"(?:user|you|name|artist|wrangler|render|blender|flamenco|tablao)\b"
SOMEBODYS_HOME = re.compile(rf"(?<![\w./-])/(?:home|Users)/(?!{EXAMPLE_USER})[A-Za-z][\w.-]*/")


def lines_matching(files: Iterable[Path], pattern: re.Pattern[str]) -> list[str]:
    found = []
    for file in files:
        for number, line in enumerate(file.read_bytes().decode(errors="replace").splitlines(), 1):
            if match := pattern.search(line):
                found.append(f"{file}:{number}: {match[0]}")
    return found


def markdown(files: Iterable[Path]) -> list[Path]:
    return [file for file in files if file.suffix == ".md"]


def test_no_file_names_a_package_registry(tracked_files: list[Path]) -> None:
    hosts = re.compile("|".join(re.escape(host) for host in REGISTRY_HOSTS))

    named = lines_matching(tracked_files, hosts) + lines_matching(tracked_files, REGISTRY_OPTION)

    assert named == []


def test_no_file_names_a_folder_of_a_developers_machine(
    root: Path, tracked_files: list[Path]
) -> None:
    # A checkout right under the root may share its name with a folder of an image: /app, /src.
    places = [place for place in (root, Path.home()) if len(place.parts) > 2]
    here = [rf"(?<![\w./-]){re.escape(str(place))}\b" for place in places]

    named = lines_matching(tracked_files, re.compile("|".join([*here, SOMEBODYS_HOME.pattern])))

    assert named == []


def test_every_link_to_a_file_leads_to_one(tracked_files: list[Path]) -> None:
    dead = [
        f"{page}: {target}"
        for page in markdown(tracked_files)
        for target in re.findall(r"\]\(([^)\s#]+)[^)]*\)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]

    assert dead == []


def test_every_picture_of_the_dashboard_is_shown_by_a_page(
    root: Path, tracked_files: list[Path]
) -> None:
    folder = root / "docs" / "screenshots"
    text = "".join(page.read_text() for page in markdown(tracked_files))

    unused = [
        picture.name
        for picture in folder.glob("*.png")
        if f"screenshots/{picture.name}" not in text
    ]

    assert unused == []


def test_every_folder_and_script_that_contributing_names_exists(root: Path) -> None:
    text = (root / "CONTRIBUTING.md").read_text()
    named = re.findall(r"`((?:\.ci|[a-z_]+)/[\w/.-]*)`", text)
    # What a row names after its folder is a part of that.
    parts = {
        "tests": {
            "model/",
            "chaos/",
            "cluster/",
            "bench/",
            "e2e/",
            "contract/",
            "browser/",
            "packages/",
            "docs/",
        },
        "addon": {"core/", "core/files/"},
        "activities": {"process/", "connections/", "images/", "services/"},
    }

    missing = [
        name
        for name in named
        if not (root / name).exists()
        and not any(name in of and (root / whole / name).exists() for whole, of in parts.items())
    ]

    assert named
    assert missing == []


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/dependencies.md"])
def test_every_make_target_that_a_page_names_exists(root: Path, page: str) -> None:
    code = re.findall(r"```sh\n(.*?)```|`([^`\n]+)`", (root / page).read_text(), re.DOTALL)
    named = set(re.findall(r"\bmake ([a-z][a-z-]*)", "\n".join(map("\n".join, code))))
    targets = set(re.findall(r"^([a-z][a-z-]*):", (root / "Makefile").read_text(), re.MULTILINE))

    assert named
    assert named <= targets


def test_make_help_tells_of_every_target(root: Path) -> None:
    text = (root / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE)) - {"help"}

    told = set(re.findall(r'@echo "make ([a-z-]+)', text))

    assert told == targets
