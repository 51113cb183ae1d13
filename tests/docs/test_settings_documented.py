"""docs/settings.md says of each setting of the manager what it is, and its true default."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from manager_api.settings.about import Counts, Setting, settings_of
from manager_api.settings.model import ManagerSettings
from workflows.domain.durations import format_duration

SETTINGS = {setting.name: setting for setting in settings_of(ManagerSettings)}


class Row(NamedTuple):
    heading: str
    default: str
    explanation: str


@pytest.fixture(scope="module")
def page(root: Path) -> dict[str, Row]:
    """By the name of the setting."""
    found: dict[str, Row] = {}
    for part in (root / "docs/settings.md").read_text().split("\n## ")[1:]:
        heading = part.partition("\n")[0]
        rows = re.findall(r"^\| `([\w.]+)` \| (.+?) \| (.*?) ?\|$", part, re.MULTILINE)
        found |= {name: Row(heading, default, text) for name, default, text in rows}
    return found


def as_written(setting: Setting) -> str:
    if setting.about.default_in_words:
        return setting.about.default_in_words
    default: Any = setting.info.default
    match default:
        case "":
            return "empty"
        case bool():
            return f"`{str(default).lower()}`"
        case timedelta():
            return f"`{format_duration(default)}`"
    return f"`{default}`"


def test_the_page_has_every_setting_under_its_heading(page: dict[str, Row]) -> None:
    said = {name: row.heading for name, row in page.items()}

    assert said == {name: each.about.topic.value for name, each in SETTINGS.items()}


def test_the_page_says_the_true_defaults(page: dict[str, Row]) -> None:
    said = {name: row.default for name, row in page.items()}

    assert said == {name: as_written(each) for name, each in SETTINGS.items()}


def test_every_setting_is_explained(page: dict[str, Row]) -> None:
    unexplained = {name for name, row in page.items() if not row.explanation.strip()}

    assert unexplained == set()


@pytest.mark.parametrize(
    ("beginning", "counts"), [("At once", Counts.AT_ONCE), ("For jobs from", Counts.WITH_JOB)]
)
def test_the_page_says_from_when_a_change_counts(
    root: Path, beginning: str, counts: Counts
) -> None:
    text = (root / "docs/settings.md").read_text()
    [line] = re.findall(rf"^\* \*\*{beginning}.*$", text, re.MULTILINE)

    said = set(re.findall(r"`(\w+)`", line))

    assert said == {
        name.partition(".")[0] for name, each in SETTINGS.items() if each.about.counts is counts
    }


def test_all_of_a_section_counts_from_the_same_moment() -> None:
    of_sections: dict[str, set[Counts]] = {}
    for name, each in SETTINGS.items():
        of_sections.setdefault(name.partition(".")[0], set()).add(each.about.counts)

    assert {name for name, found in of_sections.items() if len(found) > 1} == set()
