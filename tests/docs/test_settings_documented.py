"""docs/settings.md says of every setting of the manager what it is, and its true default."""

import re
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from manager_api.settings import ManagerSettings

#: Their defaults are made where they are used, so the page has words for them.
IN_WORDS = {"data_dir", "storage", "database", "variables", "temporal_address", "temporal_ui_url"}


@pytest.fixture(scope="module")
def page(root: Path) -> dict[str, tuple[str, str]]:
    """By name: default and explanation."""
    text = (root / "docs/settings.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.*?) ?\|$", text, re.MULTILINE)
    return {name: (default, explanation) for name, default, explanation in rows}


def test_the_page_has_every_setting_and_no_other(page: dict[str, tuple[str, str]]) -> None:
    assert sorted(page) == sorted(ManagerSettings.model_fields)


def test_the_page_says_the_true_defaults(page: dict[str, tuple[str, str]]) -> None:
    said = {name: default.strip("`") for name, (default, _) in page.items()}

    true = {
        name: str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
        for name, field in ManagerSettings.model_fields.items()
        if name not in IN_WORDS and field.default is not PydanticUndefined
    }

    assert {name: said[name] for name in true} == true


def test_what_does_not_explain_itself_is_explained(page: dict[str, tuple[str, str]]) -> None:
    unexplained = {name for name, (_, explanation) in page.items() if not explanation.strip()}

    assert unexplained <= {"port", "temporal_namespace"}
