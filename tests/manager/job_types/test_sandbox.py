"""A process that waits for the next script: used once, replaced, and never left behind."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from manager_api.job_types.exchange import Operation, Request, ScriptLimits
from manager_api.job_types.sandbox import Sandbox
from tests.farm.processes import wait_until

SCRIPTS = {
    ".js": 'const JOB_TYPE = { label: "A", settings: [] };\nfunction compileJob(job) {}',
    ".py": 'import os\nJOB_TYPE = {"label": "A", "settings": [], "description": str(os.getpid())}\n'
    "def compile_job(job): ...\n",
}


#: Those of earlier tests' managers. Not their numbers, which later processes may get.
_earlier: set[psutil.Process] = set()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    _earlier.update(children())
    sandbox = Sandbox(ScriptLimits, keeps_spares=True)
    yield sandbox
    sandbox.close()


def describing(folder: Path, suffix: str) -> Request:
    file = folder / f"type{suffix}"
    file.write_text(SCRIPTS[suffix])
    return Request(
        Operation.DESCRIBE, file.name, str(folder), {file.name: SCRIPTS[suffix]}, ScriptLimits()
    )


def children() -> set[psutil.Process]:
    programs = psutil.Process().children()
    return {child for child in programs if "child.py" in _command_of(child)} - _earlier


def _command_of(program: psutil.Process) -> str:
    """Its words; a program that has just begun may have none yet, one that has ended has none."""
    words: list[str] = []

    def is_known() -> bool:
        words[:] = program.cmdline()
        return bool(words) or program.status() == psutil.STATUS_ZOMBIE

    wait_until(is_known)
    return " ".join(words)


def pid_of_script(sandbox: Sandbox, folder: Path) -> int:
    return int(sandbox.run(describing(folder, ".py")).job_type["description"])


@pytest.mark.parametrize("suffix", SCRIPTS)
def test_a_process_waits_for_the_next_script(sandbox: Sandbox, tmp_path: Path, suffix: str) -> None:
    first = sandbox.run(describing(tmp_path, suffix))
    waiting = children()
    second = sandbox.run(describing(tmp_path, suffix))

    assert not first.error
    assert not second.error
    assert len(waiting) == 1
    assert children().isdisjoint(waiting)
    assert len(children()) == 1


def test_each_script_has_a_process_of_its_own(sandbox: Sandbox, tmp_path: Path) -> None:
    pids = [pid_of_script(sandbox, tmp_path) for _ in range(3)]

    assert len(set(pids)) == 3


def test_a_spare_that_was_killed_is_replaced(sandbox: Sandbox, tmp_path: Path) -> None:
    pid_of_script(sandbox, tmp_path)
    [spare] = children()
    spare.kill()
    wait_until(lambda: spare.status() == psutil.STATUS_ZOMBIE)

    assert pid_of_script(sandbox, tmp_path) != spare.pid


def test_nothing_is_left_when_the_sandbox_is_closed(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.run(describing(tmp_path, ".js"))
    sandbox.run(describing(tmp_path, ".py"))
    assert len(children()) == 2

    sandbox.close()

    assert not children()


def test_a_spare_ends_with_its_manager(tmp_path: Path) -> None:
    program = f"""
import os, sys
from manager_api.job_types.sandbox import Sandbox
from tests.manager.job_types.test_sandbox import ScriptLimits, children, describing
from pathlib import Path
Sandbox(ScriptLimits, keeps_spares=True).run(describing(Path({str(tmp_path)!r}), ".js"))
print(*(child.pid for child in children()), flush=True)
os.kill(os.getpid(), 9)
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    spare = int(ended.stdout)

    wait_until(lambda: not psutil.pid_exists(spare))
