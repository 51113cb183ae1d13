"""docs/settings.md says of every setting of the manager what it is, and its true default."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from manager_api.settings.in_force import LIVE
from manager_api.settings.model import ManagerSettings
from workflows.domain.durations import format_duration

#: Their defaults are made where they are used, so the page has words for them.
IN_WORDS = {
    *("data_dir", "database", "variables", "shared_storage_path", "local_manager_storage_path"),
    *("job_types_path", "shaman.enabled"),
}


@pytest.fixture(scope="module")
def page(root: Path) -> dict[str, tuple[str, str]]:
    """By name: default and explanation."""
    text = (root / "docs/settings.md").read_text()
    rows = re.findall(r"^\| `([\w.]+)` \| (.+?) \| (.*?) ?\|$", text, re.MULTILINE)
    return {name: (default, explanation) for name, default, explanation in rows}


def defaults(of: type[BaseModel], prefix: str = "") -> dict[str, Any]:
    """By the name that the file uses: `shaman.garbageCollect.period`."""
    found: dict[str, Any] = {}
    for name, field in of.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        if isinstance(field.default, BaseModel):
            found |= defaults(type(field.default), f"{key}.")
        else:
            found[key] = field.default
    return found


def as_written(default: Any) -> str:
    match default:
        case bool():
            return str(default).lower()
        case timedelta():
            return format_duration(default)
        case "":
            return "empty"
    return str(default)


def test_the_page_has_every_setting_and_no_other(page: dict[str, tuple[str, str]]) -> None:
    assert sorted(page) == sorted(defaults(ManagerSettings))


def test_the_page_says_the_true_defaults(page: dict[str, tuple[str, str]]) -> None:
    said = {name: default.strip("`") for name, (default, _) in page.items()}

    true = {
        name: as_written(default)
        for name, default in defaults(ManagerSettings).items()
        if name not in IN_WORDS
    }

    assert {name: said[name] for name in true} == true


def test_what_does_not_explain_itself_is_explained(page: dict[str, tuple[str, str]]) -> None:
    unexplained = {name for name, (_, explanation) in page.items() if not explanation.strip()}

    assert unexplained <= {"temporal_namespace"}


def test_the_page_says_what_takes_effect_at_once(root: Path) -> None:
    text = (root / "docs/configuration.md").read_text()
    lines = re.findall(r"^\* \*\*(?:At once|For jobs from).*$", text, re.MULTILINE)

    said = {name for line in lines for name in re.findall(r"`(\w+)`", line)}

    assert len(lines) == 2
    assert said == LIVE
    assert set(ManagerSettings.model_fields) >= LIVE
