"""How long tests take: notes each test's processor time, and prints tables of a run.

.venv/bin/python -m pytest -n auto --junitxml=run.xml
.venv/bin/python -m tests.durations run.xml
"""

import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

SLOWEST = 20
_PROPERTY = "cpu_s"


class CpuTimes:
    """Gives each test's line in the JUnit file its processor time, in seconds.

    It includes fixtures and the processes that ended meanwhile, such as a farm that was stopped.
    """

    def __init__(self) -> None:
        self._until_now = _computed()

    def pytest_collection_finish(self) -> None:
        self._until_now = _computed()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        if call.when == "teardown":
            before, self._until_now = self._until_now, _computed()
            item.user_properties.append((_PROPERTY, f"{self._until_now - before:.2f}"))


def _computed() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@dataclass(frozen=True)
class Duration:
    test: str
    """`tests/domain/test_frames.py::test_a_name[and a case]`."""
    wall_s: float
    cpu_s: float

    @property
    def folder(self) -> str:
        return str(Path(self.test.partition("::")[0]).parent)


def read(junit: Path) -> Iterator[Duration]:
    for case in ElementTree.parse(junit).iter("testcase"):
        file = case.get("classname", "").replace(".", "/") + ".py"
        cpu = case.find(f"properties/property[@name='{_PROPERTY}']")
        cpu_s = 0.0 if cpu is None else float(cpu.get("value", 0))
        yield Duration(f"{file}::{case.get('name')}", float(case.get("time", 0)), cpu_s)


def tables(durations: Iterable[Duration]) -> Iterator[str]:
    """Lines of Markdown: sums by folder, then the slowest tests."""
    all_of_them = sorted(durations, key=lambda each: -each.wall_s)
    folders: dict[str, list[Duration]] = defaultdict(list)
    for each in all_of_them:
        folders[each.folder].append(each)
    yield from ("| folder | tests | wall, s | CPU, s |", "|---|--:|--:|--:|")
    for folder, its in sorted(folders.items()):
        yield _row(f"`{folder}` | {len(its)}", its)
    yield _row(f"all | {len(all_of_them)}", all_of_them)
    yield from ("", "| test | wall, s | CPU, s |", "|---|--:|--:|")
    for each in all_of_them[:SLOWEST]:
        yield _row(f"`{each.test.replace('|', ' ')}`", [each])


def _row(names: str, durations: Iterable[Duration]) -> str:
    walls, cpus = zip(*((each.wall_s, each.cpu_s) for each in durations), strict=True)
    return f"| {names} | {sum(walls):.1f} | {sum(cpus):.1f} |"


def main() -> None:
    [junit] = sys.argv[1:]
    sys.stdout.writelines(f"{line}\n" for line in tables(read(Path(junit))))


if __name__ == "__main__":
    main()
