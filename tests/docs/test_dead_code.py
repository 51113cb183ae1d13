"""Product code has no function, class or constant that no product code mentions.

vulture compares names: a name that several things share counts as used when one of them is. A name
that only tests mention is dead code, too.
"""

import ast
from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path

import pytest
from vulture import Vulture  # type: ignore[import-untyped] # it publishes no types

PRODUCT = ("workflows", "activities", "manager_api", "worker_host", "addon")

#: What has one of these is called by the library that the decorator belongs to.
DECORATORS = (
    *("@router.*", "@registration.*"),  # FastAPI
    *("@*.command", "@*.callback"),  # Typer
    *("@field_validator", "@model_validator"),  # pydantic
    "@workflow.*",  # Temporal
    "@event.listens_for",  # SQLAlchemy
)

#: Used although no product code mentions it: `file:name`, and who uses it.
USED_BY: Mapping[str, str] = {
    "activities/process/layered_settings.py:settings_customise_sources": "pydantic-settings",
    "addon/__init__.py:bl_info": "Blender, which reads it without running the file",
    "addon/*.py:draw": "Blender, of panels and menus",
    "addon/*.py:draw_header": "Blender, of panels",
    "addon/*.py:draw_item": "Blender, of lists",
    "addon/operators.py:modal": "Blender, of operators that take their time",
    "addon/core/handover.py:do_GET": "http.server, of a request",
    "addon/core/handover.py:log_message": "http.server, of what it would log",
    "addon/core/files/tracers/bat_1.py:trace_blendfile": "BAT, of what a pack tells",
    "addon/core/files/tracers/bat_1.py:rewrite_blendfile": "BAT, of what a pack tells",
    "addon/core/files/tracers/bat_1.py:queue_move": "BAT, of what transfers files",
    "addon/core/files/tracers/bat_1.py:done_and_join": "BAT, of what transfers files",
    "addon/core/files/tracers/bat_1.py:_create_file_transferer": "BAT, of a packer",
    "manager_api/database/migrations/versions/*.py:down_revision": "Alembic",
    "manager_api/database/migrations/versions/*.py:branch_labels": "Alembic",
    "manager_api/database/tables.py:process_bind_param": "SQLAlchemy, of a column's type",
    "manager_api/database/tables.py:process_result_value": "SQLAlchemy, of a column's type",
    "manager_api/discovery/ssdp.py:datagram_received": "asyncio, of a protocol",
    "manager_api/job_types/authoring.py:add_dependency": "job types in Python, which studios write",
    "manager_api/job_types/python_engine.py:writable": "Python's io, of a stream",
    "manager_api/web/server.py:capture_signals": "uvicorn, around the time that it serves",
    "manager_api/cli/demo.py:demo": "`tablao`, which finds it by the name in cli/main.py",
    "manager_api/cli/import_flamenco.py:import_flamenco": "likewise",
    "manager_api/cli/workers.py:list_workers": "likewise",
    "manager_api/cli/login.py:login_link": "likewise",
    "manager_api/cli/login.py:logout": "likewise",
    "manager_api/cli/login.py:whoami": "likewise",
}


def unused(root: Path, folders: Collection[str]) -> set[str]:
    """`file:name` of what nothing in these folders mentions."""
    vulture = Vulture(ignore_decorators=list(DECORATORS))
    vulture.scavenge([root / folder for folder in folders])
    found = {
        (item.filename, item.name)
        for item in vulture.get_unused_code()
        if item.typ in ("function", "method", "property", "class")
    }
    # vulture passes over private variables, and counts the fields of models and rows as variables.
    files = [file for folder in folders for file in (root / folder).rglob("*.py")]
    found |= {(f, name) for f in files for name in _constants(f) if name not in vulture.used_names}
    return {f"{file.relative_to(root).as_posix()}:{name}" for file, name in found}


def _constants(file: Path) -> Iterator[str]:
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [name for target in targets for name in ast.walk(target)]
            yield from (n.id for n in names if isinstance(n, ast.Name) and not _is_special(n.id))


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


@pytest.fixture(scope="module")
def found(root: Path) -> set[str]:
    return unused(root, PRODUCT)


def test_product_code_mentions_all_that_it_has(found: set[str]) -> None:
    assert {name for name in found if not any(fnmatch(name, used) for used in USED_BY)} == set()


def test_every_exception_is_still_one(found: set[str]) -> None:
    assert [used for used in USED_BY if not any(fnmatch(name, used) for name in found)] == []


def test_dead_code_of_each_kind_is_found(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "code.py").write_text(
        """
UNREAD = 1
_UNREAD: int = 1
READ = 2

class NeverMade:
    pass

class Made:
    field = READ

    def never_called(self): ...

    @property
    def never_asked(self): ...

    @field_validator("field")
    def called_by_pydantic(cls): ...

def never_called_either(): ...

def main():
    return Made()

main()
"""
    )

    assert unused(tmp_path, ["room"]) == {
        f"room/code.py:{name}"
        for name in (
            *("UNREAD", "_UNREAD"),
            *("NeverMade", "never_called", "never_asked", "never_called_either"),
        )
    }
