"""A host for Windows under Wine, in a farm whose manager and Temporal run on this machine."""

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.farm.custom_jobs import ScriptFarm
from tests.farm.processes import wait_until
from tests.windows.wine_python import WinePython, copy_code, on_drive, wine_python
from workflows.domain.job_types.definitions import AuthoredCommand, AuthoredTask

_HOST = "windows"


class WineFarm(ScriptFarm):
    """A farm with a host under Wine."""

    def __init__(self, directory: Path, python: WinePython) -> None:
        # A host takes many seconds to begin under Wine, and must not count as lost meanwhile.
        slower = {"TABLAO_LOST_AFTER_S": "60", "TABLAO_HEARTBEAT_S": "90"}
        super().__init__(directory, slower)
        self._python = python
        self.code = directory / "code"

    @property
    def python_program(self) -> Path:
        return self._python.program

    def start_wine_host(self) -> None:
        arguments = ["--manager", self.url, "--name", _HOST, "--slots", "2"]
        arguments += ["--data-dir", on_drive(self.directory / _HOST)]
        host = subprocess.Popen(
            self._python.command("-m", "worker_host.main", *arguments),
            env=self._python.environment(self.code) | self._settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,  # Python does not take a file from outside of Wine
            stderr=subprocess.STDOUT,
            cwd=self.directory,
        )
        self.hosts[_HOST] = host
        threading.Thread(target=self._keep_output, args=(host,), daemon=True).start()
        self.until_awake(1)

    def _keep_output(self, host: "subprocess.Popen[bytes]") -> None:
        assert host.stdout is not None
        with (self.directory / f"{_HOST}.log").open("ab", buffering=0) as log:
            while chunk := host.stdout.read1(65536):  # type: ignore[attr-defined] # it is buffered
                log.write(chunk)


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WineFarm]:
    python = wine_python()
    directory = tmp_path_factory.mktemp("farm")
    farm = WineFarm(directory, python)
    farm.code.mkdir()
    copy_code(farm.code)
    try:
        with farm:
            farm.start_wine_host()
            yield farm
    finally:
        # What a host leaves behind lives in this prefix only.
        environment = python.environment(farm.code)
        subprocess.run(["wineserver", "--kill"], env=environment, check=False)


def program(*argv: str, name: str = "program") -> AuthoredTask:
    command = AuthoredCommand("exec", {"exe": argv[0], "args": list(argv[1:])}, 1)
    return AuthoredTask(name, "misc", (command,), ())


def tree(farm: WineFarm, mark: str) -> AuthoredTask:
    """A program that starts another one, and both wait for ever."""
    waits = "import time\nwhile True: time.sleep(1)"
    starts = (
        "import subprocess, sys\n"
        f"subprocess.run([sys.executable, '-I', '-S', '-c', {waits!r}, {mark!r}])"
    )
    return program(on_drive(farm.python_program), "-I", "-S", "-c", starts, mark)


def processes_with(mark: str) -> list[int]:
    """The processes of this machine that have the mark as an argument."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if any(mark in word for word in process.info["cmdline"] or ())
    ]


def test_twenty_programs_of_windows(farm: WineFarm) -> None:
    job_id = farm.insert(*(program("cmd", "/c", f"echo number {n}") for n in range(20)))

    farm.until_job_is(job_id, "completed")

    logs = [farm.log(task["id"]) for task in farm.tasks(job_id)]
    assert all(any(f"> number {n}" in log for log in logs) for n in range(20))
    assert farm.worker(_HOST)["status"] == "awake"


def test_output_in_another_encoding_is_readable(farm: WineFarm) -> None:
    said = "import sys; sys.stdout.buffer.write(b'caf\\xe9 \\x80\\n' + 'Käse ✓\\n'.encode())"
    job_id = farm.insert(program(on_drive(farm.python_program), "-I", "-S", "-c", said))

    farm.until_job_is(job_id, "completed")

    log = farm.log(farm.tasks(job_id)[0]["id"])
    assert "> café €" in log
    assert "> Käse ✓" in log


def test_an_exit_code_fails_the_task(farm: WineFarm) -> None:
    job_id = farm.insert(program("cmd", "/c", "exit 7"))

    farm.until_job_is(job_id, "failed")

    assert "code 7" in farm.log(farm.tasks(job_id)[0]["id"])


def test_canceling_kills_the_whole_tree(farm: WineFarm) -> None:
    job_id = farm.insert(tree(farm, "cancelled-tree"))
    wait_until(lambda: len(processes_with("cancelled-tree")) >= 2)

    farm.done(job_id, "cancel")

    farm.until_job_is(job_id, "canceled")
    wait_until(lambda: not processes_with("cancelled-tree"))


def test_the_next_host_adopts_the_run_of_a_killed_one(farm: WineFarm) -> None:
    release = farm.out / "released-adopted"
    waits = (
        "import os, time\nprint('begun', flush=True)\n"
        f"while not os.path.exists({on_drive(release)!r}): time.sleep(0.2)\nprint('done')"
    )
    job_id = farm.insert(program(on_drive(farm.python_program), "-I", "-S", "-c", waits))
    [task] = wait_until(lambda: farm.tasks(job_id))
    wait_until(lambda: "begun" in farm.log(task["id"]))

    farm.kill_host(_HOST)
    farm.start_wine_host()
    release.touch()

    farm.until_job_is(job_id, "completed")
    # The rest of the log comes behind the outcome.
    wait_until(lambda: "> done" in farm.log(task["id"]))
    log = farm.log(task["id"])
    assert (log.count("> begun"), log.count("> done")) == (1, 1)
    assert log.count("Task assigned to worker") == 1
