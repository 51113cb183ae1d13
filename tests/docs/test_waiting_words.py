"""The words of why a task waits are those of the code."""

from pathlib import Path

from workflows.domain.shortages import Cause

PAGE = Path(__file__).parents[2] / "docs" / "workers.md"


def test_the_page_about_workers_has_each_cause() -> None:
    text = PAGE.read_text()

    assert [cause for cause in Cause if f"`{cause}`" not in text] == []
