"""Twelve job types in JavaScript, submitted to a manager: the tasks they make, or their refusal."""

import asyncio
import logging
import os
import platform
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from manager_api.jobs.task_store import tasks_of_job
from manager_api.settings.model import ManagerSettings
from tests.manager.api_calls import Fits, TasksOf

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

SCRIPTS = Path(__file__).with_name("scripts")
BUILT_IN = ["echo-sleep-test", "simple-blender-render"]
WORKING = [
    *("build-stages", "chunk-edges", "declared-everything", "endless-loop", "memory-bomb"),
    *("preview-reel", "priority-ladder", "shell-words", "stumbling", "talking", "windows-paths"),
]

Compile = Callable[..., Awaitable[list[dict[str, Any]]]]
Refusal = Callable[..., Awaitable[str]]


@pytest.fixture
def settings(tmp_path: Path) -> ManagerSettings:
    return ManagerSettings(
        data_dir=tmp_path / "data",
        job_types_path=shutil.copytree(SCRIPTS, tmp_path / "scripts"),
        job_type_cpu_s=1.5,
        job_type_wall_s=120,
        job_type_memory_mb=128,
    )


@pytest.fixture
def scripts(settings: ManagerSettings) -> Path:
    return settings.job_types_path


@pytest.fixture
def submission(echo_job: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    def submission(job_type: str, **values: Any) -> dict[str, Any]:
        return echo_job | {"type": job_type, "settings": values}

    return submission


@pytest.fixture
def compiled(api: httpx.AsyncClient, submission: Any, tasks_of: TasksOf) -> Compile:
    """Submits a job; returns its tasks, with their commands."""

    async def compiled(job_type: str, **values: Any) -> list[dict[str, Any]]:
        answer = await api.post("/api/v3/jobs", json=submission(job_type, **values))
        assert answer.status_code == 200, answer.text
        summaries = await tasks_of(answer.json()["id"])
        return [(await api.get(f"/api/v3/tasks/{task['id']}")).json() for task in summaries]

    return compiled


@pytest.fixture
def refusal(api: httpx.AsyncClient, submission: Any) -> Refusal:
    """Submits a job that is refused; returns the sentence. The manager is still there."""

    async def refusal(job_type: str, **values: Any) -> str:
        answer = await api.post("/api/v3/jobs", json=submission(job_type, **values))
        assert answer.status_code == 400, answer.text
        assert (await api.get("/api/v3/version")).status_code == 200
        assert (await api.get("/api/v3/jobs")).json()["jobs"] == []
        message: str = answer.json()["message"]
        return message

    return refusal


def parameters(task: dict[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = task["commands"][0]["parameters"]
    return given


# --- what the twelve make -------------------------------------------------------------------------


async def test_what_compiles_is_listed_beside_the_built_in_ones(
    api: httpx.AsyncClient, fits: Fits
) -> None:
    answer = await api.get("/api/v3/jobs/types")

    fits("AvailableJobTypes", answer.json())
    assert [each["name"] for each in answer.json()["job_types"]] == sorted([*BUILT_IN, *WORKING])


async def test_build_stages_depend_on_each_other(compiled: Compile, farm: "Farm") -> None:
    pack, bake, *renders = await compiled("build-stages", shots="a,b")

    assert [task["name"] for task in (pack, bake, *renders)] == [
        *("pack", "bake", "render a", "render b")
    ]
    assert {task["task_type"] for task in (pack, bake, *renders)} == {"misc"}
    assert [len(task["commands"]) for task in renders] == [1, 1]
    assert [task["priority"] for task in renders] == [50, 50]
    assert await dependencies_in(farm, bake["job_id"]) == ["3-4", "", "2", "2"]


async def dependencies_in(farm: "Farm", job_id: str) -> list[str]:
    """Range-coded indexes, task by task."""
    async with farm.parts.database.reading() as session:
        return [task.depends_on for task in await tasks_of_job(session, job_id)]


async def test_priority_ladder_knows_the_job_and_changes_it(
    api: httpx.AsyncClient, echo_job: dict[str, Any], tasks_of: TasksOf
) -> None:
    job = echo_job | {
        "type": "priority-ladder",
        "priority": 61,
        "settings": {"steps": 3},
        "storage": {"shaman_checkout_id": "checkout/1"},
        "initial_status": "paused",
    }

    stored = (await api.post("/api/v3/jobs", json=job)).json()

    assert [task["priority"] for task in await tasks_of(stored["id"])] == [50, 60, 70]
    assert stored["steps_total"] == 1 + 1 + 2
    assert stored["metadata"] == {"compiled": "yes"}
    assert stored["settings"]["seen"] == {
        "id": 36,
        "tag": "",
        "name": "bulería",
        "type": "priority-ladder",
        "priority": 61,
        "status": "under-construction",
        "checkout": "checkout/1",
        "tasks": 3,
        "timestamp": True,
    }


async def test_chunks_are_flamencos_with_steps_and_negative_frames(compiled: Compile) -> None:
    *chunked, kept = await compiled("chunk-edges")

    assert [parameters(task)["chunks"] for task in chunked] == [
        ["1-4", "5-8", "9,10,20,21", "22-25", "40"],
        ["1,2", "3"],
        ["5"],
        ["7-9", "10-12"],
        ["4"],
        ["12"],
        ["1,2", "3,4", "5"],
        ["-3,1,3,5", "7,9"],
    ]
    assert [parameters(task)["count"] for task in chunked] == [17, 3, 1, 6, 1, 1, 5, 6]
    assert parameters(kept)["kept"] == []


async def test_preview_reel_waits_for_every_chunk(compiled: Compile, farm: "Farm") -> None:
    tasks = await compiled(
        "preview-reel", frames="1-5", chunk_size=2, output="/out/######", fps=24.0
    )

    *renders, reel = tasks
    assert [task["name"] for task in renders] == ["render-1,2", "render-3,4", "render-5"]
    assert [task["commands"][0]["total_step_count"] for task in renders] == [2, 2, 1]
    assert reel["task_type"] == "ffmpeg"
    assert await dependencies_in(farm, reel["job_id"]) == ["", "", "", "1-3"]
    assert parameters(reel) == {
        "exe": "ffmpeg",
        "fps": 24,
        "inputGlob": "/out/*.png",
        "outputFile": "/out/preview-1-5.mp4",
        "args": ["-r", 24, "-c:v", "h264"],
        # The manager adds these.
        "frames": "1-5",
        "frameFiles": "/out/######.png",
        "mayFail": True,
    }
    assert len(await compiled("preview-reel", frames="1", chunk_size=1, output="/o/#")) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("-a  --b=c\td", ["-a", "--b=c", "d"]),
        (
            """--python-expr 'import bpy; x = "1"' end""",
            ["--python-expr", 'import bpy; x = "1"', "end"],
        ),
        (r'"C:\\shots\a b" \"q\" a\ b', [r"C:\shotsa b", '"q"', "a b"]),
        ("a''b \"\" # c", ["ab", ""]),
    ],
)
async def test_shell_words_are_split(compiled: Compile, text: str, words: list[str]) -> None:
    [task] = await compiled("shell-words", arguments=text)

    assert parameters(task)["args"] == words


async def test_shell_words_that_do_not_end_are_refused(refusal: Refusal) -> None:
    assert await refusal("shell-words", arguments="a 'b c") == (
        'A quote is never closed in "a \'b c". (shell_words.js, line 9)'
    )
    assert "backslash at the end" in await refusal("shell-words", arguments="a\\")


async def test_windows_paths_are_taken_apart_and_joined(compiled: Compile) -> None:
    [task] = await compiled("windows-paths")

    assert parameters(task) == {
        "basenames": ["b.v2.blend", "f", "f.exr", "f", ".", "b", "/", ".blend"],
        "dirnames": ["C:/shots/a", "C:", "//server/share", ".", ".", "/a/b", "/", "."],
        "stems": ["b.v2", "f", "f", "f", "", "b", "/", ""],
        # Only what has slashes is tidied up.
        "joined": [
            *("C:/shots/a", "C:/shots/../x/a", "C:/x/a/b", "//server/share/f", "/b", "", "")
        ],
    }
    assert task["commands"][1]["parameters"] == {
        "isText": True,
        "platform": platform.system().lower(),
    }


async def test_everything_declared_is_told_to_clients(api: httpx.AsyncClient, fits: Fits) -> None:
    answer = (await api.get("/api/v3/jobs/type/declared-everything")).json()

    fits("AvailableJobType", answer)
    assert answer["label"] == "Declared Everything"
    assert answer["description"] == "A job type with all kinds of settings"
    assert answer["settings"] == [
        {
            "key": "quality",
            "type": "string",
            "choices": ["draft", "final"],
            "default": "draft",
            "label": "Quality",
        },
        {
            "key": "samples",
            "type": "int32",
            "propargs": {"min": 1, "max": 4096, "soft_max": 512},
            "default": 64,
            "description": "Samples of each pixel",
            "required": True,
        },
        {"key": "scale", "type": "float", "default": 0.5, "visible": "visible", "editable": True},
        {"key": "denoise", "type": "bool", "default": False, "required": False},
        {"key": "root", "type": "string", "subtype": "dir_path", "visible": "submission"},
        {"key": "name", "type": "string", "subtype": "file_name", "visible": "web"},
        {"key": "file", "type": "string", "subtype": "hashed_file_path", "visible": "hidden"},
        {
            "key": "output",
            "type": "string",
            "subtype": "file_path",
            "editable": False,
            "eval": "str(Path(settings.root, jobname))",
            "evalInfo": {"showLinkButton": True, "description": "Where it goes"},
        },
    ]


async def test_settings_of_scripts_are_checked_as_those_of_built_in_job_types(
    compiled: Compile, refusal: Refusal
) -> None:
    assert "must be one of draft, final" in await refusal(
        "declared-everything", samples=1, quality="good"
    )
    assert '"samples" is missing' in await refusal("declared-everything")
    [task] = await compiled("declared-everything", samples=16.0, scale=1)
    # Defaults are the add-on's to apply.
    assert task["name"] == "undecided"
    assert parameters(task) == {"samples": 16, "scale": 1, "missing": None}


async def test_talking_scripts_reach_the_log_and_other_scripts(
    compiled: Compile, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    first, second = await compiled("talking", to="Paco")

    assert parameters(first) == {"message": "¡Olé, Paco!", "times": 24, "missing": None}
    assert parameters(second) == {
        "message": "something else",
        "times": 24,
        "missing": None,
        "words": ["a", "b"],
        "speech": {"to": "all"},
        # The id that the task was stored under, not the one that the script made up.
        "waitsFor": first["id"],
        "same": True,
    }
    said = [
        (record.levelname, record.getMessage())
        for record in caplog.records
        if getattr(record, "job_type", "") == "talking"
    ]
    assert said == [("INFO", 'greets Paco {"loud":true}'), ("WARNING", "is about to speak")]


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("over", "sentence"),
    [
        ("text", "no frames are left (stumbling.js, line 9)"),
        ("error", "the scene has no camera (stumbling.js, line 12)"),
        ("object", '{"camera":null} (stumbling.js, line 15)'),
        (
            "mistake",
            "ReferenceError: undefinedThing is not defined (stumbling.js, line 17)",
        ),
        ("helper", "A chunk needs at least 1 frame, not 0. (stumbling.js, line 18)"),
        ("blank", "A task's name must not be empty. (stumbling.js, line 19)"),
        ("untyped", "A task's type must not be empty. (stumbling.js, line 20)"),
        ("unnamed", "A command's name must not be empty. (stumbling.js, line 21)"),
        (
            "recursion",
            "RangeError: Maximum call stack size exceeded (stumbling.js, line 23)",
        ),
        (
            "missing",
            'There is no script "../manager_api/settings" to require. (stumbling.js, line 25)',
        ),
        (
            "function",
            "TypeError: Parameters and settings are data, not a function. (stumbling.js, line 26)",
        ),
        ("strict", "ReferenceError: undeclared is not defined (stumbling.js, line 34)"),
        ("orphan", "The task 'a task' depends on a task that was never added to the job."),
        ("circle", "These tasks wait for each other: 'other', 'a task'."),
        ("twice", "The task 'a task' is added to the job twice."),
        ("priority", "The priority of the task 'a task' must be a whole number."),
        ("nul", "The result of the job type must not contain NUL characters."),
        ("surrogate", "The result of the job type must be valid Unicode."),
        ("steps", "The number of steps of a command of the task 'a task' cannot be -1."),
        ("settings", "The job's settings and metadata must stay objects."),
        ("sabotage", "The result of the job type is not understood."),
        ("half", "\ufffd\ufffd\ufffd (stumbling.js, line 51)"),
    ],
)
async def test_stumbling_scripts_say_where_and_why(
    refusal: Refusal, over: str, sentence: str
) -> None:
    assert await refusal("stumbling", over=over) == sentence


async def test_an_endless_loop_is_ended(refusal: Refusal) -> None:
    assert await refusal("endless-loop") == "endless_loop.js: it computed for longer than 1.5 s."


async def test_others_are_served_while_a_script_loops(
    api: httpx.AsyncClient, submission: Any, compiled: Compile
) -> None:
    loops = [
        asyncio.create_task(api.post("/api/v3/jobs", json=submission("endless-loop")))
        for _ in range(2)
    ]

    built_in = await compiled("echo-sleep-test", message="olé")

    assert len(built_in) == 1
    assert not any(loop.done() for loop in loops)
    assert {(await loop).status_code for loop in loops} == {400}


@pytest.mark.parametrize("kind", ["arrays", "buffers", "text"])
async def test_a_memory_bomb_is_defused(refusal: Refusal, kind: str) -> None:
    assert await refusal("memory-bomb", kind=kind) == (
        "memory_bomb.js: it needs more than 128 MB of memory."
    )


async def test_tasks_without_end_are_refused(refusal: Refusal) -> None:
    sentence = await refusal("memory-bomb", kind="tasks")

    # A slow machine, or one that counts memory otherwise, comes to another limit first.
    assert sentence in (
        "A job has at most 200000 tasks. (memory_bomb.js, line 18)",
        "memory_bomb.js: it needs more than 128 MB of memory.",
        "memory_bomb.js: it computed for longer than 1.5 s.",
    )


async def test_a_syntax_error_is_named_with_its_line(
    api: httpx.AsyncClient, refusal: Refusal, fits: Fits
) -> None:
    answer = await api.get("/api/v3/jobs/type/syntax-error")

    fits("Error", answer.json())
    assert answer.status_code == answer.json()["code"] == 500
    assert answer.json()["message"].startswith("SyntaxError: ")
    assert answer.json()["message"].endswith("(syntax_error.js, line 5)")
    assert await refusal("syntax-error") == answer.json()["message"]


async def test_a_check_refuses_what_a_submission_would(
    api: httpx.AsyncClient, submission: Any
) -> None:
    good = await api.post("/api/v3/jobs/check", json=submission("shell-words", arguments="a"))
    bad = await api.post("/api/v3/jobs/check", json=submission("shell-words", arguments="'a"))

    assert (good.status_code, bad.status_code) == (204, 400)
    assert (await api.get("/api/v3/jobs")).json()["jobs"] == []


# --- the folder -----------------------------------------------------------------------------------


async def test_an_edited_script_counts_at_once(
    api: httpx.AsyncClient, scripts: Path, submission: Any, compiled: Compile
) -> None:
    before = (await api.get("/api/v3/jobs/type/shell-words")).json()
    edited = (scripts / "shell_words.js").read_text().replace("Shell Words", "Wörter")
    (scripts / "shell_words.js").write_text(edited, encoding="utf-8")

    after = (await api.get("/api/v3/jobs/type/shell-words")).json()
    stale = submission("shell-words", arguments="a") | {"type_etag": before["etag"]}

    assert (before["label"], after["label"]) == ("Shell Words", "Wörter")
    assert before["etag"] != after["etag"]
    assert (await api.post("/api/v3/jobs", json=stale)).status_code == 412
    assert (await api.post("/api/v3/jobs", json=stale | {"type_etag": after["etag"]})).is_success


async def test_an_edited_script_that_others_require_counts_at_once(
    scripts: Path, compiled: Compile
) -> None:
    await compiled("talking", to="Paco")
    (scripts / "lib_greetings.js").write_text("exports.greeting = (to) => `Adiós ${to}`;")

    first, _ = await compiled("talking", to="Paco")

    assert parameters(first)["message"] == "Adiós Paco"


async def test_a_script_replaces_a_built_in_job_type_while_it_works(
    api: httpx.AsyncClient, scripts: Path
) -> None:
    own = scripts / "echo_sleep_test.js"

    async def label() -> str:
        listed = (await api.get("/api/v3/jobs/types")).json()["job_types"]
        alone = (await api.get("/api/v3/jobs/type/echo-sleep-test")).json()
        assert [each for each in listed if each["name"] == "echo-sleep-test"] == [alone]
        found: str = alone["label"]
        return found

    own.write_text("const JOB_TYPE = {label: 'Ours'}; function compileJob() {}")
    assert await label() == "Ours"
    own.write_text("const JOB_TYPE = {label: 'Ours';")
    assert await label() == "Echo Sleep Test"
    own.unlink()
    assert await label() == "Echo Sleep Test"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("var nothing = 1;", "it defines no JOB_TYPE."),
        ("const JOB_TYPE = 5;", "JOB_TYPE must be an object with a label and settings."),
        ("const JOB_TYPE = {settings: {}};", "JOB_TYPE.settings must be a list."),
        ("const JOB_TYPE = {label: 3};", "JOB_TYPE.label must be a text."),
        ("const JOB_TYPE = {};", "it defines no function that compiles jobs."),
        (
            "const JOB_TYPE = {settings: [{type: 'string'}]};",
            "setting 1 of JOB_TYPE has no key.",
        ),
        (
            "const JOB_TYPE = {settings: [{key: 'a', type: 'text'}]};",
            'the setting "a" of JOB_TYPE: type: input should be '
            "'string', 'int32', 'float' or 'bool'.",
        ),
        (
            "const JOB_TYPE = {settings: [1, 2].map(() => ({key: 'a', type: 'bool'}))};",
            'JOB_TYPE has the setting "a" twice.',
        ),
    ],
)
async def test_a_malformed_job_type_is_named(
    api: httpx.AsyncClient, scripts: Path, source: str, problem: str
) -> None:
    (scripts / "odd.js").write_text(source)

    answer = await api.get("/api/v3/jobs/type/odd")

    assert (answer.status_code, answer.json()["message"]) == (500, f"odd.js: {problem}")


async def test_links_and_scraps_are_no_job_types(
    api: httpx.AsyncClient, scripts: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "elsewhere.js"
    secret.write_text("const JOB_TYPE = {label: 'Elsewhere'}; function compileJob() {}")
    os.symlink(secret, scripts / "linked.js")
    (scripts / "scrap.js").write_text("1;")
    (scripts / "folder.js").mkdir()

    names = [each["name"] for each in (await api.get("/api/v3/jobs/types")).json()["job_types"]]

    assert names == sorted([*BUILT_IN, *WORKING])
    assert (await api.get("/api/v3/jobs/type/linked")).status_code == 404
