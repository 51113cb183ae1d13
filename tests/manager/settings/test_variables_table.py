"""Flamenco's replacement of variables, case by case, all the way through the API.

A job is submitted from one platform, and a worker of another fetches its command. The manager runs
on Linux. Source of the cases: Flamenco 3.9.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from manager_api.settings.model import ManagerSettings
from tests.manager.api_calls import Fits, Submit, TasksOf

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

    from .conftest import Fetch


def variable(*rows: tuple[str, str] | tuple[str, str, str], twoway: bool = True) -> dict[str, Any]:
    """Rows of platform, value and, if it is not for all, audience."""
    values = [
        {"platform": platform, "value": value, "audience": audience[0] if audience else "all"}
        for platform, value, *audience in rows
    ]
    return {"is_twoway": twoway, "values": values}


VARIABLES = {
    "render": variable(("linux", "/render/"), ("windows", "R:\\"), ("darwin", "/Volumes/render")),
    "deep": variable(("linux", "/render/deep"), ("windows", "D:\\deep"), ("darwin", "/Volumes/d")),
    "anywhere": variable(("all", "/anywhere"), ("windows", "W:\\here")),
    "spoken": variable(("linux", "/workers", "workers"), ("linux", "/users", "users")),
    "unc": variable(("linux", "//server/share"), ("windows", "\\\\server\\share")),
    "drive": variable(("linux", "/mnt/f"), ("windows", "F:")),
    "half": variable(("windows", "H:\\half")),
    "tool": variable(("linux", "/opt/tool"), ("windows", "C:\\tool.exe"), twoway=False),
    "flags": variable(("all", "-a {tool}"), twoway=False),
    "jobs": variable(("all", "/somebody/else"), twoway=False),
}

# name, submitter's platform, submitted, stored, then by worker's platform what it is given
CASES: list[tuple[str, str, str, str, dict[str, str]]] = [
    # --- submission: values become variables
    ("a path at its beginning", "linux", "/render/a", "{render}/a", {"linux": "/render/a"}),
    ("the case does not matter", "linux", "/RenDer/A", "{render}/A", {"linux": "/render/A"}),
    ("backslashes", "windows", "R:\\a\\b", "{render}\\a\\b", {"linux": "/render/a/b"}),
    ("slashes against backslashes", "windows", "R:/a/b", "{render}/a/b", {"linux": "/render/a/b"}),
    ("backslashes against slashes", "linux", "\\render\\a", "{render}\\a", {"linux": "/render/a"}),
    (
        "a beginning of letters is one",
        "linux",
        "/rendering/x",
        "{render}ing/x",
        {"windows": "R:\\ing\\x"},
    ),
    ("the longest of several", "linux", "/render/deep/x", "{deep}/x", {"windows": "D:\\deep\\x"}),
    ("nothing in the middle", "linux", "x/render/a", "x/render/a", {"windows": "x/render/a"}),
    (
        "the rest stays as it is",
        "linux",
        "/render//a\\b",
        "{render}//a\\b",
        {"darwin": "/Volumes/render/a/b"},
    ),
    (
        "the submitter's platform counts",
        "darwin",
        "/Volumes/render/a",
        "{render}/a",
        {"windows": "R:\\a"},
    ),
    ("no other platform's", "linux", "R:\\a", "R:\\a", {"linux": "R:\\a"}),
    ("the manager's own platform", "manager", "/render/a", "{render}/a", {"windows": "R:\\a"}),
    ("values for workers", "linux", "/workers/a", "{spoken}/a", {"linux": "/workers/a"}),
    ("none for users", "linux", "/users/a", "/users/a", {"linux": "/users/a"}),
    (
        "a value for all platforms",
        "haiku",
        "/anywhere/a",
        "{anywhere}/a",
        {"linux": "/anywhere/a", "windows": "W:\\here\\a"},
    ),
    ("no one-way variables", "linux", "/opt/tool", "/opt/tool", {"windows": "/opt/tool"}),
    # --- hand-out, step 1: one-way variables
    (
        "one-way, anywhere",
        "linux",
        "run {tool} now",
        "run {tool} now",
        {"linux": "run /opt/tool now", "windows": "run C:\\tool.exe now"},
    ),
    ("one-way, once only", "linux", "{flags}", "{flags}", {"linux": "-a {tool}"}),
    (
        "one-way slashes stay",
        "linux",
        "{tool} a//b\\c/",
        "{tool} a//b\\c/",
        {"windows": "C:\\tool.exe a//b\\c/"},
    ),
    ("undefined ones stay", "linux", "{nothing} {}", "{nothing} {}", {"linux": "{nothing} {}"}),
    # --- step 2: two-way variables by name
    (
        "two-way by name",
        "linux",
        "in {render}/a",
        "in {render}/a",
        {"windows": "in R:\\a", "darwin": "in /Volumes/render/a"},
    ),
    (
        "a platform without a value",
        "linux",
        "{half}/a",
        "{half}/a",
        {"linux": "{half}/a", "windows": "H:\\half\\a"},
    ),
    (
        "closing separators are trimmed",
        "linux",
        "{render}",
        "{render}",
        {"linux": "/render", "windows": "R:\\"},
    ),
    # --- step 3: the manager's own paths
    (
        "{jobs} on other platforms",
        "linux",
        "{jobs}/1",
        "{jobs}/1",
        {
            "linux": "/render/farm/jobs/1",
            "windows": "R:\\farm\\jobs\\1",
            "darwin": "/Volumes/render/farm/jobs/1",
        },
    ),
    (
        "{jobs} where nothing fits",
        "linux",
        "{jobs}/1",
        "{jobs}/1",
        {"haiku": "/render/farm/jobs/1"},
    ),
    ("the manager's value", "darwin", "/render/a", "/render/a", {"windows": "R:\\a"}),
    ("whatever its slashes", "darwin", "\\render\\a", "\\render\\a", {"windows": "R:\\a"}),
    ("but not its case", "darwin", "/RENDER/a", "/RENDER/a", {"windows": "/RENDER/a"}),
    # --- step 4: separators of the whole text
    (
        "repeated ones collapse",
        "linux",
        "{render}/a//b\\\\c",
        "{render}/a//b\\\\c",
        {"linux": "/render/a/b/c", "windows": "R:\\a\\b\\c"},
    ),
    (
        "a closing one is dropped",
        "linux",
        "{render}/a/",
        "{render}/a/",
        {"linux": "/render/a", "windows": "R:\\a"},
    ),
    (
        "leading ones stay",
        "linux",
        "{unc}/a",
        "{unc}/a",
        {"linux": "//server/share/a", "windows": "\\\\server\\share\\a"},
    ),
    (
        "a drive is a directory",
        "linux",
        "{drive}foo",
        "{drive}foo",
        {"windows": "F:\\foo", "linux": "/mnt/ffoo"},
    ),
    ("a drive alone", "linux", "{drive}", "{drive}", {"windows": "F:\\"}),
    (
        "none without a two-way match",
        "linux",
        "a//b/",
        "a//b/",
        {"linux": "a//b/", "windows": "a//b/"},
    ),
]


@pytest.fixture
def settings(tmp_path: Path) -> ManagerSettings:
    # The data directory is under no variable, the storage under {render}.
    return ManagerSettings(
        data_dir=tmp_path / "data",
        shared_storage_path="/render/farm",
        variables=VARIABLES,
    )


@pytest.mark.parametrize(
    ("platform", "submitted", "stored", "given"),
    [pytest.param(*case[1:], id=case[0]) for case in CASES],
)
async def test_a_value_goes_from_submitter_to_worker(
    submit: Submit,
    fetch: "Fetch",
    platform: str,
    submitted: str,
    stored: str,
    given: dict[str, str],
) -> None:
    job = await submit(
        submitter_platform=platform,
        settings={"message": submitted, "sleep_duration_seconds": 1, "sleep_repeats": 1},
        metadata={"where": submitted},
    )

    seen = {worker: (await fetch(job, worker))["message"] for worker in given}

    assert (job["settings"]["message"], job["metadata"]["where"]) == (stored, stored)
    assert seen == given


async def test_strings_and_strings_in_lists_are_replaced_and_nothing_deeper(
    farm: "Farm", submit: Submit, tasks_of: TasksOf, fetch: "Fetch"
) -> None:
    job = await submit()
    [task, *_] = await tasks_of(job["id"])
    parameters = {
        "{tool}": "{tool}",
        "list": ["{tool}", "{render}/a", 7, ["{tool}"], {"deep": "{tool}"}],
        "deep": {"deep": "{tool}"},
        "number": 1.5,
    }
    command = {"name": "{tool}", "parameters": parameters, "total_step_count": 1}
    await farm.set_task(task["id"], commands=[command])

    assert await fetch(job, "windows") == {
        "{tool}": "C:\\tool.exe",
        "list": ["C:\\tool.exe", "R:\\a", 7, ["{tool}"], {"deep": "{tool}"}],
        "deep": {"deep": "{tool}"},
        "number": 1.5,
    }


@pytest.mark.parametrize(
    ("audience", "platform", "expected"),
    [
        ("workers", "linux", {"spoken": "/workers", "render": "/render", "tool": "/opt/tool"}),
        ("users", "linux", {"spoken": "/users", "render": "/render", "tool": "/opt/tool"}),
        ("users", "windows", {"spoken": None, "render": "R:", "half": "H:\\half"}),
        ("workers", "haiku", {"render": None, "anywhere": "/anywhere", "half": None}),
    ],
)
async def test_variables_are_told_by_audience_and_platform(
    api: httpx.AsyncClient,
    fits: Fits,
    audience: str,
    platform: str,
    expected: dict[str, str | None],
) -> None:
    answer = await api.get(f"/api/v3/configuration/variables/{audience}/{platform}")

    variables = answer.json()
    fits("ManagerVariables", variables)
    assert {name: variables.get(name, {}).get("value") for name in expected} == expected
    assert variables["jobs"] == {"value": "/render/farm/jobs", "is_twoway": False}
    assert variables["anywhere"]["is_twoway"] is True


@pytest.mark.parametrize(
    ("platform", "location"),
    [
        ("linux", "/render/farm/jobs"),
        ("windows", "R:\\farm\\jobs"),
        ("darwin", "/Volumes/render/farm/jobs"),
        ("haiku", "/render/farm/jobs"),
    ],
)
@pytest.mark.parametrize("audience", ["workers", "users"])
async def test_the_shared_storage_is_told_by_platform(
    api: httpx.AsyncClient, fits: Fits, audience: str, platform: str, location: str
) -> None:
    answer = await api.get(f"/api/v3/configuration/shared-storage/{audience}/{platform}")

    fits("SharedStorageLocation", answer.json())
    assert answer.json() == {
        "location": location,
        "audience": audience,
        "platform": platform,
        "shamanEnabled": True,
    }


@pytest.mark.parametrize("what", ["variables", "shared-storage"])
async def test_there_are_two_audiences(api: httpx.AsyncClient, what: str) -> None:
    answer = await api.get(f"/api/v3/configuration/{what}/gods/linux")

    assert answer.status_code == 400
    assert "audience" in answer.json()["message"]
