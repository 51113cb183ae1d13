"""People read sentences, and no names of Python's classes."""

import re
from pathlib import Path

import pytest

_NAMES_A_CLASS = re.compile(r"type\(\w+\)\.__name__|__class__\.__name__")
#: Where a class's name is of use to its reader, and why.
_ALLOWED = {
    "manager_api/notifications/sender.py": "a bug, in the manager's log",
    "manager_api/job_types/python_engine.py": "the author of a script reads Python's own errors",
    "workflows/domain/rna_overrides.py": "the author of Python statements reads Python's errors",
    "addon/session.py": "an error of Blender or of another add-on that has no text",
    "addon/core/evaluation.py": "an error of a job type's Python expression",
}


@pytest.mark.parametrize(
    "package", ["manager_api", "worker_host", "activities", "workflows", "addon"]
)
def test_only_named_places_show_names_of_classes(root: Path, package: str) -> None:
    found = {
        str(path.relative_to(root))
        for path in (root / package).rglob("*.py")
        if _NAMES_A_CLASS.search(path.read_text(encoding="utf-8"))
    }

    assert found == {each for each in _ALLOWED if each.startswith(f"{package}/")}
