"""Lines that a script prints reach the submitter, in both languages, the first ones and clipped."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from manager_api.settings.model import ManagerSettings

V1 = "/api/tablao/v1"
JAVASCRIPT = """
const JOB_TYPE = {label: "Talker", settings: []};
function compileJob(job) {
  %s
  const task = author.Task("hiss", "misc");
  task.addCommand(author.Command("echo", {message: "sss"}));
  job.addTask(task);
}
"""
PYTHON = """
from manager_api.job_types.authoring import Command, CompileError, Job, Task
JOB_TYPE = {"label": "Talker", "settings": []}
def compile_job(job: Job) -> None:
    %s
    task = Task("hiss", "misc")
    task.add_command(Command("echo", {"message": "sss"}))
    job.add_task(task)
"""
JOB = {"name": "olé", "type": "talker", "priority": 50, "submitter_platform": "linux"}


@pytest.fixture
def scripts(settings: ManagerSettings) -> Path:
    settings.job_types_path.mkdir(parents=True)
    return settings.job_types_path


async def tried(api: httpx.AsyncClient, language: str, code: str) -> dict[str, Any]:
    source = {"javascript": JAVASCRIPT, "python": PYTHON}[language] % code
    body = {"source": source, "language": language}
    answer = await api.post(f"{V1}/job-types/test-compile", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.parametrize(
    ("language", "code", "lines"),
    [
        (
            "javascript",
            'print("no camera", 7, {a: 1}); alert("careful")',
            ['no camera 7 {"a":1}', "careful"],
        ),
        (
            "javascript",
            'console.log("a"); console.warn("b"); console.error("c"); console.info("d")',
            ["a", "b", "c", "d"],
        ),
        (
            "javascript",
            'print(""); print("  "); print("two\\nlines\\u001b[31m\\u0000")',
            ["two lines [31m"],
        ),
        ("javascript", 'print("\\ud83d")', ["?"]),
        ("javascript", 'for (let n = 0; n < 500; n++) print(n + "x".repeat(5000))', None),
        ("python", 'print("no camera", 7); print("careful", end="")', ["no camera 7", "careful"]),
        ("python", 'print(); print("tab\\there"); print("\\x1b[31mred")', ["tab here", "[31mred"]),
        ("python", 'for n in range(500): print(n, "x" * 5000)', None),
    ],
)
async def test_a_trial_shows_the_lines(
    api: httpx.AsyncClient, scripts: Path, language: str, code: str, lines: list[str] | None
) -> None:
    trial = await tried(api, language, code)

    assert (trial["problem"], trial["task_count"]) == ("", 1)
    if lines is None:
        assert [len(line) for line in trial["printed"]] == [500] * 20
    else:
        assert trial["printed"] == lines


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("javascript", 'print("looking"); throw "There is no camera."'),
        ("python", 'print("looking"); raise CompileError("There is no camera.")'),
    ],
)
async def test_a_refused_job_shows_its_lines_too(
    api: httpx.AsyncClient, scripts: Path, language: str, code: str
) -> None:
    trial = await tried(api, language, code)

    assert "There is no camera." in trial["problem"]
    assert trial["printed"] == ["looking"]


async def test_the_submitter_sees_the_lines_before_and_after(
    api: httpx.AsyncClient, scripts: Path
) -> None:
    (scripts / "talker.js").write_text(JAVASCRIPT % 'print("first"); print("second");')

    preview = (await api.post(f"{V1}/job-types/preview-job", json=JOB)).json()
    submitted = await api.post("/api/v3/jobs", json=JOB)
    history = (await api.get(f"{V1}/jobs/{submitted.json()['id']}/history")).json()

    assert preview == {"problem": "", "printed": ["first", "second"], "task_count": 1}
    texts = [each["text"] for each in reversed(history["happenings"])]
    assert texts[:3] == ["Submitted", "The job type says: first", "The job type says: second"]


async def test_a_job_type_that_prints_nothing_says_nothing(
    api: httpx.AsyncClient, scripts: Path
) -> None:
    (scripts / "talker.js").write_text(JAVASCRIPT % "")

    preview = (await api.post(f"{V1}/job-types/preview-job", json=JOB)).json()

    assert preview["printed"] == []
