"""The recipes of docs/recipes.md do what they say, on a farm that runs."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import SETTINGS
from tests.farm.custom_jobs import NOBODYS, ScriptFarm, script
from workflows.domain.statuses import JobStatus

PAGE = Path(__file__).parents[2] / "docs/recipes.md"
_BLOCK = re.compile(r"^## ([^\n]+)\n.*?^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
#: Language and code by heading.
RECIPES = {title: (kind, code) for title, kind, code in _BLOCK.findall(PAGE.read_text())}


class Kitchen:
    """Runs recipes as a TD does: in a folder with `farm.py`, the address in the environment."""

    def __init__(self, farm: ScriptFarm, folder: Path) -> None:
        self.folder = folder
        shared = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
        assert shared is not None
        (folder / "farm.py").write_text(shared[1])
        self._environment = os.environ | {
            "TABLAO_MANAGER": farm.url,
            "TABLAO_DATA_DIR": str(farm.data_dir),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }

    def begin(self, title: str, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
        kind, code = RECIPES[title]
        file = self.folder / f"recipe.{kind}"
        file.write_text(code)
        program = ["sh", "-eu"] if kind == "sh" else [sys.executable]
        return subprocess.Popen(
            [*program, file.name, *arguments],
            cwd=self.folder,
            env=self._environment | variables,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, title: str, *arguments: str, **variables: str) -> str:
        recipe = self.begin(title, *arguments, **variables)
        out, _ = recipe.communicate(timeout=180)
        assert recipe.returncode == 0
        return out


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptFarm]:
    """A farm of its own: one recipe waits until its workers have no task."""
    with ScriptFarm(tmp_path_factory.mktemp("recipes") / "farm", SETTINGS) as farm:
        farm.start_host("north")
        farm.start_host("south")
        farm.until_awake(2)
        yield farm


@pytest.fixture
def kitchen(farm: ScriptFarm, tmp_path: Path) -> Kitchen:
    return Kitchen(farm, tmp_path)


def failed_job(farm: ScriptFarm, project: str) -> str:
    fails_at_first = f'test -e "$OUT/{project} mended" || {{ echo "no licence"; exit 3; }}'
    job_id = farm.insert(script(fails_at_first), name="night", metadata={"project": project})
    farm.until_job_is(job_id, JobStatus.FAILED)
    return job_id


def test_submit_and_wait(kitchen: Kitchen) -> None:
    assert kitchen.run("Submit a job and wait for its end").endswith("it is done\n")


def test_submit_from_a_pipeline(kitchen: Kitchen, farm: ScriptFarm) -> None:
    job_id = kitchen.run("Submit a job from a pipeline", "sh010", "pipeline").strip()

    assert farm.job(job_id)["metadata"]["shot"] == "sh010"
    farm.until_job_is(job_id, JobStatus.COMPLETED)


def test_one_project_goes_first(kitchen: Kitchen, farm: ScriptFarm) -> None:
    held, other = (
        farm.insert(script("true", task_type=NOBODYS), name=name, metadata={"project": name})
        for name in ("urgent", "other")
    )

    assert kitchen.run("Let one project go first", "urgent") == "urgent\n"

    assert [farm.job(each)["priority"] for each in (held, other)] == [80, 50]
    for each in (held, other):
        farm.done(each, "cancel")


def test_what_failed_runs_again(kitchen: Kitchen, farm: ScriptFarm) -> None:
    mine, other = failed_job(farm, "mine"), failed_job(farm, "not mine")
    (farm.out / "mine mended").touch()

    assert kitchen.run("Run again what failed", "mine") == "night\n"

    farm.until_job_is(mine, JobStatus.COMPLETED)
    assert farm.job(other)["status"] == "failed"


def test_slowest_tasks(kitchen: Kitchen, farm: ScriptFarm) -> None:
    job_id = farm.insert(script("true"), script("sleep 1"), name="times")
    farm.until_job_is(job_id, JobStatus.COMPLETED)

    head, slowest, fastest = kitchen.run("The slowest tasks of a job, as CSV", job_id).split()

    assert head == "task,seconds,memory_peak"
    assert (slowest.split(",")[0], fastest.split(",")[0]) == ("2", "1")


def test_logs_of_what_failed(kitchen: Kitchen, farm: ScriptFarm) -> None:
    job_id = failed_job(farm, "logs")

    kitchen.run("The logs of what failed, in one file", JOB=job_id)

    assert "no licence" in (kitchen.folder / "failed.txt").read_text()


def test_large_machines(kitchen: Kitchen, farm: ScriptFarm) -> None:
    kitchen.run("Keep heavy jobs to large machines", WORKER="south")

    (job,) = (
        job
        for job in farm.http.get("/api/v3/jobs").json()["jobs"]
        if job["settings"].get("message") == "fluids"
    )
    farm.until_job_is(job["id"], JobStatus.COMPLETED)
    workers = {task["worker"]["name"] for task in farm.tasks(job["id"])}
    farm.http.post(
        f"/api/v3/worker-mgt/workers/{farm.worker('south')['id']}/settags", json={"tag_ids": []}
    ).raise_for_status()
    assert workers == {"south"}


def test_maintenance(kitchen: Kitchen, farm: ScriptFarm) -> None:
    title = "Empty the farm for maintenance"

    kitchen.run(title)
    for name in ("north", "south"):
        farm.until_worker_is(name, "asleep")

    kitchen.run(title, "wake")
    for name in ("north", "south"):
        farm.until_worker_is(name, "awake")


def test_next_step(kitchen: Kitchen, farm: ScriptFarm) -> None:
    job_id = farm.insert(script("sleep 2"), name="first step")

    recipe = kitchen.begin("Start the next step when a job is completed", job_id)
    out, _ = recipe.communicate(timeout=120)

    assert out == "next\n"
    assert farm.job(job_id)["status"] == "completed"


def test_own_job_type(kitchen: Kitchen, farm: ScriptFarm, tmp_path: Path) -> None:
    title = "A job type of your own"
    scripts = farm.data_dir / "scripts"
    scripts.mkdir(exist_ok=True)
    (scripts / "count_files.py").write_text(RECIPES[title][1])
    counted = tmp_path / "counted.txt"
    counted.write_text("12345")

    job = {
        "name": "count",
        "type": "count-files",
        "submitter_platform": "linux",
        "settings": {"files": f"{counted}, {counted}"},
    }
    answer = farm.http.post("/api/v3/jobs", json=job)
    assert answer.is_success, answer.text
    job_id = answer.json()["id"]
    farm.until_job_is(job_id, JobStatus.COMPLETED)

    tasks = sorted(farm.tasks(job_id), key=lambda task: int(task["index_in_job"]))
    assert [task["name"] for task in tasks][-1] == "all are counted"
    assert f"5 {counted}" in farm.log(tasks[0]["id"])


def test_every_recipe_has_a_test() -> None:
    tried = Path(__file__).read_text()

    assert len(RECIPES) == 10
    assert [title for title in RECIPES if f'"{title}"' not in tried] == []
