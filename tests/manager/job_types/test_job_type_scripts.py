"""The scripts of job types: listed, read, tried out, changed; and who may."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from manager_api.settings.model import ManagerSettings
from manager_api.web.app import build_app

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

ADDRESS = "/api/tablao/v1/job-types"
GREETER = """
const JOB_TYPE = {label: "Greeter", settings: [
  {key: "whom", type: "string", required: true},
  {key: "often", type: "int32", default: 2},
]};
function compileJob(job) {
  let before = null;
  for (let n = 0; n < job.settings.often; n++) {
    const task = author.Task(`greet-${n}`, "misc");
    task.addCommand(author.Command("echo", {message: job.settings.whom}));
    if (before) task.addDependency(before);
    job.addTask(task);
    before = task;
  }
}
"""
PYTHON = """
from manager_api.job_types.authoring import Command, Job, Task
JOB_TYPE = {"label": "Snake", "settings": []}
def compile_job(job: Job) -> None:
    task = Task("hiss", "misc")
    task.add_command(Command("echo", {"message": "sss"}))
    job.add_task(task)
"""


@pytest.fixture
def scripts(settings: ManagerSettings) -> Path:
    settings.job_types_path.mkdir(parents=True)
    return settings.job_types_path


async def _listed(api: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    listed = (await api.get(ADDRESS)).json()["job_types"]
    return {each["name"]: each for each in listed}


async def test_the_list_says_where_each_comes_from(api: httpx.AsyncClient, scripts: Path) -> None:
    (scripts / "greeter.js").write_text(GREETER)
    (scripts / "echo_sleep_test.js").write_text(GREETER)
    (scripts / "broken.js").write_text("const JOB_TYPE = {label: 'Broken'};")

    listed = await _listed(api)

    origins = {name: each["origin"] for name, each in listed.items()}
    assert origins == {
        "broken": "own",
        "echo-sleep-test": "customised",
        "greeter": "own",
        "simple-blender-render": "built-in",
    }
    assert listed["broken"]["problem"] == "broken.js: it defines no function that compiles jobs."
    assert listed["greeter"]["problem"] == ""
    assert listed["greeter"]["label"] == "Greeter"


async def test_of_namesakes_the_one_that_works_counts(
    api: httpx.AsyncClient, scripts: Path
) -> None:
    (scripts / "two-ways.js").write_text("syntax error(")
    (scripts / "two_ways.js").write_text(GREETER)

    listed = (await _listed(api))["two-ways"]

    assert (listed["file"], listed["shadowed"]) == ("two_ways.js", ["two-ways.js"])


@pytest.mark.parametrize("name", ["echo-sleep-test", "simple-blender-render"])
async def test_a_built_in_one_can_be_customised_and_is_then_the_same(
    api: httpx.AsyncClient, name: str
) -> None:
    before = (await api.get(f"/api/v3/jobs/type/{name}")).json()
    source = (await api.get(f"{ADDRESS}/{name}/source")).json()

    answer = await api.put(
        f"{ADDRESS}/{name}/source", json={k: source[k] for k in ("source", "language")}
    )

    assert answer.status_code == 200, answer.text
    assert answer.json()["origin"] == "customised"
    assert (await api.get(f"/api/v3/jobs/type/{name}")).json()["settings"] == before["settings"]


async def test_deleting_a_customised_one_brings_the_built_in_one_back(
    api: httpx.AsyncClient, scripts: Path
) -> None:
    (scripts / "echo_sleep_test.js").write_text(GREETER)

    answer = await api.delete(f"{ADDRESS}/echo-sleep-test/source")

    assert answer.status_code == 204
    assert (await _listed(api))["echo-sleep-test"]["origin"] == "built-in"
    assert (await api.delete(f"{ADDRESS}/echo-sleep-test/source")).status_code == 404


async def test_a_new_one_is_a_file_that_counts_at_once(
    api: httpx.AsyncClient, settings: ManagerSettings
) -> None:
    body = {"source": GREETER, "language": "javascript"}

    answer = await api.put(f"{ADDRESS}/my-greeter/source", json=body)

    assert answer.json()["file"] == "my_greeter.js"
    assert (settings.job_types_path / "my_greeter.js").read_text() == GREETER
    assert (await api.get("/api/v3/jobs/type/my-greeter")).json()["label"] == "Greeter"
    assert sorted(os.listdir(settings.job_types_path)) == ["my_greeter.js"]


async def test_what_does_not_work_is_stored_only_when_that_is_insisted_on(
    api: httpx.AsyncClient, scripts: Path
) -> None:
    body = {"source": "function compileJob() { }", "language": "javascript"}

    refused = await api.put(f"{ADDRESS}/half-done/source", json=body)
    forced = await api.put(f"{ADDRESS}/half-done/source?force=true", json=body)

    assert refused.status_code == 400
    assert refused.json()["message"] == "half_done.js: it defines no JOB_TYPE."
    assert forced.status_code == 200
    assert (await _listed(api))["half-done"]["problem"] == "half_done.js: it defines no JOB_TYPE."


async def test_nobody_overwrites_what_somebody_else_has_changed(
    api: httpx.AsyncClient, scripts: Path
) -> None:
    (scripts / "greeter.js").write_text(GREETER)
    digest = (await api.get(f"{ADDRESS}/greeter/source")).json()["digest"]
    (scripts / "greeter.js").write_text(GREETER + "// theirs")
    body = {"source": GREETER + "// ours", "language": "javascript", "replaces": digest}

    answer = await api.put(f"{ADDRESS}/greeter/source", json=body)

    assert answer.status_code == 409
    assert (scripts / "greeter.js").read_text().endswith("theirs")


@pytest.mark.parametrize(
    "name",
    ["..", "..%2Fescape", "%2e%2e%2fescape", "a/b", "Upper", "a--b", "con", "lpt1", "x" * 65, ".x"],
)
async def test_no_name_leads_out_of_the_folder(
    api: httpx.AsyncClient, settings: ManagerSettings, name: str
) -> None:
    body = {"source": GREETER, "language": "javascript"}

    answer = await api.put(f"{ADDRESS}/{name}/source", json=body)

    assert answer.status_code in {400, 404, 405}
    assert not [*settings.data_dir.rglob("*.js")]


async def test_links_are_neither_read_nor_written(
    api: httpx.AsyncClient, scripts: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere.js"
    elsewhere.write_text(GREETER)
    os.symlink(elsewhere, scripts / "linked.js")
    body = {"source": GREETER + "// changed", "language": "javascript"}

    read = await api.get(f"{ADDRESS}/linked/source")
    written = await api.put(f"{ADDRESS}/linked/source", json=body)

    assert (read.status_code, written.status_code) == (404, 409)
    assert elsewhere.read_text() == GREETER


async def test_a_script_has_a_largest_and_a_smallest_size(api: httpx.AsyncClient) -> None:
    small = {"source": "1;", "language": "javascript"}
    large = {"source": "/" * 1_000_001, "language": "javascript"}

    for body in (small, large):
        answer = await api.put(f"{ADDRESS}/odd-size/source?force=true", json=body)

        assert answer.status_code == 400


async def test_trying_out_shows_the_tasks_and_stores_nothing(
    api: httpx.AsyncClient, settings: ManagerSettings
) -> None:
    body = {"source": GREETER, "language": "javascript", "settings": {"whom": "ana"}}

    trial = (await api.post(f"{ADDRESS}/test-compile", json=body)).json()

    assert trial["problem"] == ""
    assert trial["settings"] == {"whom": "ana", "often": 2}
    assert [(task["name"], task["after"]) for task in trial["tasks"]] == [
        ("greet-0", []),
        ("greet-1", [1]),
    ]
    assert trial["tasks"][0]["commands"] == [{"name": "echo", "parameters": {"message": "ana"}}]
    assert not settings.job_types_path.exists()


async def test_trying_out_says_what_is_wrong(api: httpx.AsyncClient) -> None:
    unfinished = {"source": "const JOB_TYPE = ", "language": "javascript"}
    without = {"source": GREETER, "language": "javascript"}

    syntax = (await api.post(f"{ADDRESS}/test-compile", json=unfinished)).json()
    missing = (await api.post(f"{ADDRESS}/test-compile", json=without)).json()

    assert "SyntaxError" in syntax["problem"]
    assert syntax.get("job_type") is None
    assert missing["problem"] == 'The setting "whom" is missing.'
    assert missing["job_type"]["label"] == "Greeter"


async def test_a_draft_may_require_what_is_in_the_folder(
    api: httpx.AsyncClient, scripts: Path
) -> None:
    (scripts / "words.js").write_text("exports.hello = 'hola';")
    source = GREETER.replace("job.settings.whom", 'require("./words").hello')
    body = {"source": source, "language": "javascript", "settings": {"whom": "x"}}

    trial = (await api.post(f"{ADDRESS}/test-compile", json=body)).json()

    assert trial["tasks"][0]["commands"][0]["parameters"] == {"message": "hola"}


async def test_python_is_edited_on_the_managers_own_machine(
    api: httpx.AsyncClient, scripts: Path
) -> None:
    body = {"source": PYTHON, "language": "python"}

    trial = (await api.post(f"{ADDRESS}/test-compile", json=body)).json()
    stored = await api.put(f"{ADDRESS}/snake/source", json=body)

    assert [task["name"] for task in trial["tasks"]] == ["hiss"]
    assert stored.json()["file"] == "snake.py"
    assert (await api.get(ADDRESS)).json()["may_edit_python"] is True
    assert (await api.delete(f"{ADDRESS}/snake/source")).status_code == 204


FROM_ELSEWHERE = [
    pytest.param("192.168.1.7", "http://farm.studio", {}, id="another machine"),
    pytest.param("127.0.0.1", "http://farm.studio", {}, id="by a name of the network"),
    pytest.param("127.0.0.1", "http://localhost", {"x-forwarded-for": "1.2.3.4"}, id="a proxy"),
    pytest.param("127.0.0.1", "http://localhost", {}, id="a script here"),
]


@pytest.mark.parametrize(("client", "url", "headers"), FROM_ELSEWHERE)
async def test_only_an_administrator_brings_a_script_to_the_manager(
    farm: "Farm", scripts: Path, client: str, url: str, headers: dict[str, str]
) -> None:
    (scripts / "snake.py").write_text(PYTHON)
    parts = farm.parts
    transport = httpx.ASGITransport(build_app(parts), client=(client, 1234))
    body = {"source": PYTHON + "# changed", "language": "python"}

    async with httpx.AsyncClient(transport=transport, base_url=url, headers=headers) as elsewhere:
        answers = [
            await elsewhere.put(f"{ADDRESS}/snake/source", json=body),
            await elsewhere.put(f"{ADDRESS}/other/source?force=true", json=body),
            await elsewhere.post(f"{ADDRESS}/test-compile", json=body),
            await elsewhere.delete(f"{ADDRESS}/snake/source"),
            # Nor may they say that it is somewhere else.
            await elsewhere.patch("/api/tablao/v1/configuration", json={"job_types_path": "/tmp"}),
        ]
        javascript = {"source": GREETER, "language": "javascript"}
        answers.append(await elsewhere.put(f"{ADDRESS}/greeter/source", json=javascript))

    assert {answer.status_code for answer in answers} <= {401, 403}
    assert (scripts / "snake.py").read_text() == PYTHON
    assert not (scripts / "greeter.js").exists()


async def test_who_may_not_change_scripts_is_told_so(farm: "Farm", scripts: Path) -> None:
    transport = httpx.ASGITransport(build_app(farm.parts))

    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as here:
        listed = (await here.get(ADDRESS)).json()

    assert listed["may_edit_python"] is False


async def test_a_page_from_elsewhere_changes_nothing(api: httpx.AsyncClient) -> None:
    body = {"source": GREETER, "language": "javascript"}

    answer = await api.put(
        f"{ADDRESS}/greeter/source", json=body, headers={"origin": "http://evil.example"}
    )

    assert answer.status_code == 403


async def test_a_job_is_previewed_before_it_is_submitted(
    api: httpx.AsyncClient, echo_job: dict[str, Any]
) -> None:
    wrong = echo_job | {"settings": {"sleep_repeats": 3}}

    good, refused = [
        (await api.post(f"{ADDRESS}/preview-job", json=job)).json() for job in (echo_job, wrong)
    ]

    assert good == {"problem": "", "printed": [], "task_count": 3}
    said = 'The setting "message" is missing.'
    assert refused == {"problem": said, "printed": [], "task_count": 0}
    assert (await api.get("/api/v3/jobs")).json()["jobs"] == []


async def test_a_form_knows_every_setting(api: httpx.AsyncClient) -> None:
    fields = (await api.get("/api/tablao/v1/configuration/fields")).json()

    by_name = {field["name"]: field for field in fields}
    assert by_name["shaman.checkout"]["choices"] == ["links", "copies"]
    assert by_name["task_timeout"]["kind"] == "duration"
    assert by_name["listen"]["is_live"] is False
    assert by_name["mqtt.client.password"]["is_secret"] is True
    assert not {"variables", "data_dir", "insecure"} & set(by_name)
