"""Job types written in Python: as able as those in JavaScript, and no more in the manager's way."""

import json
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
import pytest

from manager_api.job_types.exchange import ScriptLimits
from manager_api.job_types.folder import FolderJobTypes, JobTypeBroken, describe_file
from manager_api.job_types.registry import compiled
from manager_api.job_types.sandbox import Sandbox
from tests.farm.processes import wait_until
from workflows.domain.job_types.definitions import AuthoredTask, CompileError, SubmittedJob
from workflows.domain.task_ids import task_id

SCRIPTS = Path(__file__).parent / "python"
NewJob = Callable[..., SubmittedJob]
Compile = Callable[[Path, SubmittedJob], list[AuthoredTask]]


def has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_python_job_type_uses_the_whole_interface(
    compile_with: Compile, new_job: NewJob, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    job = new_job(frames="1-15", variants="red, blue", output="C:\\out")

    *renders, film, note = compile_with(SCRIPTS / "turntable.py", job)

    assert [task.name for task in renders] == ["red 1-10", "red 11-15", "blue 1-10", "blue 11-15"]
    assert [task.steps_total for task in renders] == [10, 5, 10, 5]
    assert renders[0].commands[0].parameters["args"] == [
        "--scene",
        "red",
        "--render-frame",
        "1..10",
    ]
    assert (film.dependencies, film.priority) == ((1, 2, 3, 4), 10)
    assert film.commands[0].parameters == {"outputFile": "C:/out/x/film.mp4"}
    stored_as = task_id(job.job_id, 5)
    assert note.commands[0].parameters == {"message": f"the film is {stored_as}"}
    assert job.settings["timestamp"] == "2026-05-01_123015"
    assert job.metadata == {"variants": "2"}
    assert "variants: red blue" in caplog.messages


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("mistake", r"KeyError: 'camera' \(misbehaving.py, line 46\)"),
        ("give_up", r"SystemExit: enough \(misbehaving.py, line 50\)"),
        (
            "odd_parameters",
            r"must be plain data: .* not JSON serializable. \(misbehaving.py, line 67\)",
        ),
        ("loop", r"misbehaving.py: it computed for longer than 2 s."),
        (
            "hoard",
            r"MemoryError: it needs more memory than it may have \(misbehaving.py, line 30\)",
        ),
        ("crash", r"misbehaving.py: its process was ended by SIGSEGV."),
        ("end", r"misbehaving.py: its process ended with 3: "),
    ],
)
def test_a_misbehaving_script_is_refused_with_a_sentence(
    compile_with: Compile, new_job: NewJob, how: str, sentence: str
) -> None:
    with pytest.raises(CompileError, match=sentence):
        compile_with(SCRIPTS / "misbehaving.py", new_job(how=how))


def test_a_script_that_sleeps_is_ended_in_time(new_job: NewJob) -> None:
    limits = [ScriptLimits(wall_s=120)]
    script = describe_file(SCRIPTS / "misbehaving.py", Sandbox(lambda: limits[0]))
    limits[0] = ScriptLimits(wall_s=1.5)

    with pytest.raises(CompileError, match=r"it did not end within 1.5 s"):
        compiled(new_job(how="sleep"), script)


def test_a_script_sees_nothing_of_the_managers_environment(
    compile_with: Compile, new_job: NewJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLAO_MQTT__CLIENT__PASSWORD", "duende")

    [task] = compile_with(SCRIPTS / "misbehaving.py", new_job(how="look"))

    seen = json.loads(task.commands[0].parameters["message"])
    assert "PATH" in seen
    assert [name for name in seen if name.startswith("TABLAO")] == []


def test_no_program_outlives_its_script(compile_with: Compile, new_job: NewJob) -> None:
    [task] = compile_with(SCRIPTS / "misbehaving.py", new_job(how="leave"))

    for pid in json.loads(task.commands[0].parameters["message"]):
        wait_until(partial(has_ended, pid))


def test_what_a_script_writes_past_the_log_does_no_harm(
    compile_with: Compile, new_job: NewJob
) -> None:
    [task] = compile_with(SCRIPTS / "misbehaving.py", new_job(how="shout"))

    assert task.name == "seen"


def test_errors_of_python_name_line_and_cause(tmp_path: Path, sandbox: Sandbox) -> None:
    job_types = FolderJobTypes(lambda: tmp_path, sandbox)
    (tmp_path / "slip.py").write_text("JOB_TYPE = {}\n\nif:\n    pass\n")
    (tmp_path / "needing.py").write_text("import no_such_module_anywhere\n")
    (tmp_path / "forgetful.py").write_text('JOB_TYPE = {"label": "Forgetful"}\n')

    for name, sentence in (
        ("slip", r"SyntaxError: .* \(slip.py, line 3\)"),
        ("needing", r"ModuleNotFoundError: .* \(needing.py, line 1\)"),
        ("forgetful", r"forgetful.py: it defines no function that compiles jobs."),
    ):
        with pytest.raises(JobTypeBroken, match=sentence):
            job_types.job_type(name)
    assert list(job_types.job_types()) == []


def test_what_a_python_script_imports_from_its_folder_counts_when_edited(
    tmp_path: Path, sandbox: Sandbox, new_job: NewJob
) -> None:
    job_types = FolderJobTypes(lambda: tmp_path, sandbox)
    (tmp_path / "own.py").write_text(
        "from _words import LABEL\nJOB_TYPE = {'label': LABEL}\ndef compile_job(job): pass\n"
    )
    (tmp_path / "_words.py").write_text("LABEL = 'before'\n")
    before = job_types.job_type("own")
    (tmp_path / "_words.py").write_text("LABEL = 'afterwards'\n")

    after = job_types.job_type("own")

    assert before is not None
    assert after is not None
    assert (before.label, after.label) == ("before", "afterwards")
    assert compiled(new_job(), after) == []
    assert [each.name for each in job_types.job_types()] == ["own"]
    assert not (tmp_path / "__pycache__").exists()
