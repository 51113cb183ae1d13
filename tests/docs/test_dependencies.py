"""What pyproject.toml, its pins and the page about them say of our dependencies agrees."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@pytest.fixture(scope="module")
def pyproject(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text())


def requirements(names: list[str]) -> dict[str, Requirement]:
    return {canonicalize_name(item.name): item for item in map(Requirement, names)}


@pytest.fixture(scope="module")
def runs(pyproject: dict[str, Any]) -> dict[str, Requirement]:
    return requirements(pyproject["project"]["dependencies"])


@pytest.fixture(scope="module")
def develops(pyproject: dict[str, Any]) -> dict[str, Requirement]:
    return requirements(pyproject["project"]["optional-dependencies"]["dev"])


@pytest.fixture(scope="module")
def builds(pyproject: dict[str, Any]) -> dict[str, Requirement]:
    return requirements(pyproject["dependency-groups"]["build"])


def pins(file: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", file.read_text(), re.MULTILINE))


def unmet(wanted: dict[str, Requirement], pinned: dict[str, str]) -> list[str]:
    return [
        str(item)
        for name, item in wanted.items()
        if name not in pinned or not item.specifier.contains(pinned[name])
    ]


def test_the_page_explains_every_dependency_and_no_other(
    root: Path,
    runs: dict[str, Requirement],
    builds: dict[str, Requirement],
    develops: dict[str, Requirement],
) -> None:
    page = (root / "docs/dependencies.md").read_text()

    explained = re.findall(r"^\| `([\w-]+)` \| [^|]*\w[^|]* \|", page, re.MULTILINE)

    assert sorted(explained) == sorted([*runs, *builds, *develops])


def test_the_pins_are_what_the_project_asks_for(
    root: Path,
    runs: dict[str, Requirement],
    builds: dict[str, Requirement],
    develops: dict[str, Requirement],
) -> None:
    pinned = pins(root / "requirements.txt")
    pinned_for_development = pins(root / "requirements-dev.txt")

    assert unmet(runs, pinned) == []
    assert unmet(builds, pins(root / "requirements-build.txt")) == []
    assert unmet(runs | develops, pinned_for_development) == []


def test_development_runs_the_versions_that_users_run(root: Path) -> None:
    pinned = pins(root / "requirements.txt")
    pinned_for_development = pins(root / "requirements-dev.txt")

    assert pinned.items() <= pinned_for_development.items()


def test_the_three_lists_fit_into_one_environment(root: Path) -> None:
    built_with = pins(root / "requirements-build.txt")
    others = pins(root / "requirements-dev.txt")

    shared = built_with.keys() & others.keys()
    assert shared
    assert {name: built_with[name] for name in shared} == {name: others[name] for name in shared}


def test_the_build_backend_is_pinned(root: Path, pyproject: dict[str, Any]) -> None:
    backend = requirements(pyproject["build-system"]["requires"])

    assert unmet(backend, pins(root / "requirements-build.txt")) == []


def test_every_pin_has_a_hash(root: Path) -> None:
    files = [*root.glob("requirements*.txt"), *root.glob("deploy/requirements*.txt")]

    without = [
        f"{file.name}: {pin}"
        for file in files
        for pin in re.findall(r"^\S+==\S+.*$", file.read_text(), re.MULTILINE)
        if f"{pin}\n    --hash=sha256:" not in file.read_text()
    ]

    assert len(files) == 5
    assert without == []
