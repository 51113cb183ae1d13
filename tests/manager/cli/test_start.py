"""What `tablao` and `tablao-worker` load before they do anything: this decides how fast they start.

A process each, because this one has loaded everything.
"""

import subprocess
import sys

import pytest

from manager_api.cli.main import VERBS
from manager_api.cli.verbs import Verb

#: What takes long to load, and belongs to the manager and to what runs beside it.
MANAGERS = {"sqlalchemy", "alembic", "fastapi", "temporalio", "numpy", "PIL", "OpenEXR"}

LOADED = """
import sys
sys.argv = [{program!r}, *{arguments!r}]
from {module} import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("LOADED", *sys.modules)
"""


def loaded_by(module: str, *arguments: str) -> set[str]:
    """The top packages that a command has loaded when it ends."""
    program = LOADED.format(program=module, module=module, arguments=arguments)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    last = done.stdout.splitlines()[-1].split()
    assert last[0] == "LOADED"
    return {name.partition(".")[0] for name in last[1:]}


def test_the_list_of_commands_loads_no_command() -> None:
    loaded = loaded_by("manager_api.cli.main", "--help")

    assert not loaded & (MANAGERS | {"httpx", "pydantic", "websockets", "yaml"})


@pytest.mark.parametrize(
    "verb",
    [
        "jobs",
        "job",
        "task",
        "workers",
        "worker",
        "tags",
        "shaman",
        "worker-settings",
        "submit",
        "versions",
        "doctor",
    ],
)
def test_a_command_that_asks_a_manager_loads_only_what_asking_needs(verb: str) -> None:
    loaded = loaded_by("manager_api.cli.main", verb, "--help")

    assert "httpx" in loaded
    assert not loaded & (MANAGERS)


@pytest.mark.parametrize("verb", ["up", "manager", "config", "demo", "tunnel", "backup", "restore"])
def test_a_command_loads_the_manager_only_to_run_it(verb: str) -> None:
    loaded = loaded_by("manager_api.cli.main", verb, "--help")

    assert not loaded & MANAGERS


def test_the_worker_host_loads_its_work_only_to_do_it() -> None:
    loaded = loaded_by("worker_host.main", "--help")

    assert not loaded & (MANAGERS | {"websockets", "zeroconf"})


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: str(verb.name))
def test_the_list_of_commands_says_what_each_command_says_of_itself(verb: Verb) -> None:
    command = verb.loaded()

    first_paragraph = " ".join(command.help.split("\n\n")[0].split())
    assert command.name == verb.name
    assert first_paragraph == verb.help
