"""A submission reaches any Flamenco 3 completely and once, or it does not happen at all."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from addon.core.files import Route
from addon.core.findings import finding_of
from addon.core.manager import Manager, ManagerError
from addon.core.manager_info import ManagerInfo, fetch
from addon.core.platforms import this_platform
from addon.core.progress import Canceled
from addon.core.setting_values import Value
from addon.core.submission import Submission, check_with_manager, metadata_of, submit
from tests.addon.core.contract_watch import ContractWatch
from tests.addon.core.small_farm import SmallFarm

RENDER = "simple-blender-render"


@pytest.fixture
def manager(watch: ContractWatch) -> Manager:
    return Manager(watch.url)


@pytest.fixture
def info(manager: Manager) -> ManagerInfo:
    return fetch(manager)


@pytest.fixture
def submission(blend_file: Path, farm: SmallFarm) -> Submission:
    """A submission of a paused job, so that it does not render while a test looks at it."""
    return Submission(
        name="Light of sh 010",
        job_type=RENDER,
        settings={
            "frames": "3-4",
            "chunk_size": 1,
            "render_output_root": str(farm.out),
            "add_path_components": 0,
            "render_output_path": str(farm.out / "light" / "######"),
            "format": "PNG",
            "image_file_extension": ".png",
            "fps": 24.0,
            "has_previews": False,
            "scene": "Scene",
        },
        blendfile=blend_file,
        is_paused=True,
        user_name="ana",
    )


@pytest.mark.parametrize("route", [Route.COPY, Route.SHAMAN])
def test_a_job_arrives_by_flamencos_operations_alone(
    manager: Manager,
    info: ManagerInfo,
    submission: Submission,
    watch: ContractWatch,
    farm: SmallFarm,
    route: Route,
) -> None:
    job = submit(manager, info, submission, route=route)

    stored = farm.job(job["id"])
    sent = stored["settings"]["blendfile"].replace("{jobs}", str(farm.storage))
    assert submission.blendfile
    assert Path(sent).read_bytes() == submission.blendfile.read_bytes()
    assert stored["status"] == "paused"
    assert watch.operations.count("submitJob") == 1
    assert watch.wrong == []


def test_a_file_on_the_storage_is_used_there(
    manager: Manager, info: ManagerInfo, submission: Submission, farm: SmallFarm
) -> None:
    there = farm.storage / "Piloto" / "sh020.blend"
    there.parent.mkdir(exist_ok=True)
    shutil.copy(str(submission.blendfile), there)

    job = submit(manager, info, replace(submission, blendfile=there))

    assert Path(farm.job(job["id"])["settings"]["blendfile"]).parent == there.parent


def test_everything_the_artist_said_is_kept_with_the_job(
    manager: Manager,
    info: ManagerInfo,
    submission: Submission,
    watch: ContractWatch,
    farm: SmallFarm,
) -> None:
    tag = farm.http.post("/api/v3/worker-mgt/tags", json={"name": "GPU"}).json()["id"]
    said = replace(
        submission,
        priority=77,
        worker_tag=tag,
        project="Piloto",
        comment="¡final!",
        blender_version="4.5.1",
        metadata={"shot": "sh010"},
    )

    job = farm.job(submit(manager, info, said)["id"])

    assert (job["name"], job["priority"], job["worker_tag"]) == ("Light of sh 010", 77, tag)
    assert watch.bodies["submitJob"][0]["submitter_platform"] == this_platform()
    assert job["metadata"] == {
        "user.name": "ana",
        "project": "Piloto",
        "comment": "¡final!",
        "blender.version": "4.5.1",
        "shot": "sh010",
    }
    farm.http.delete(f"/api/v3/worker-mgt/tag/{tag}")


def test_metadata_says_only_what_there_is_to_say() -> None:
    assert metadata_of(Submission("a", "b", {}, user_name="ana")) == {"user.name": "ana"}
    assert metadata_of(Submission("a", "b", {}))["user.name"]


def test_a_checkout_goes_with_its_job(
    manager: Manager, info: ManagerInfo, submission: Submission, watch: ContractWatch
) -> None:
    job = submit(manager, info, submission)

    would = manager.get(f"/api/v3/jobs/{job['id']}/what-would-delete-do")
    [sent] = watch.bodies["submitJob"]
    assert would == {"shaman_checkout": True}
    assert sent["settings"]["blendfile"].startswith(
        f"{{jobs}}/{sent['storage']['shaman_checkout_id']}/"
    )


def test_a_job_type_that_wants_no_file_gets_none(
    manager: Manager, info: ManagerInfo, watch: ContractWatch
) -> None:
    settings: dict[str, Value] = {"message": "olé", "sleep_duration_seconds": 0, "sleep_repeats": 1}

    submit(manager, info, Submission("echo", "echo-sleep-test", settings, is_paused=True))

    assert watch.bodies["submitJob"][0]["settings"] == settings
    assert not [each for each in watch.operations if each.startswith("shaman")]


def as_stored(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


Change = Callable[[Submission], Submission]


def of_no_frames(submission: Submission) -> Submission:
    return replace(submission, settings={**submission.settings, "frames": "none"})


def of_no_job_type(submission: Submission) -> Submission:
    return replace(submission, job_type="ironing")


def of_no_file(submission: Submission) -> Submission:
    return replace(submission, blendfile=None)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (of_no_frames, "none"),
        (of_no_job_type, "The manager has no job type “ironing”"),
        (of_no_file, "needs a saved blend file"),
    ],
)
def test_what_the_manager_would_refuse_sends_no_files(
    manager: Manager,
    info: ManagerInfo,
    submission: Submission,
    watch: ContractWatch,
    farm: SmallFarm,
    change: Change,
    why: str,
) -> None:
    before = as_stored(farm.storage)

    with pytest.raises(ManagerError, match=why):
        submit(manager, info, change(submission))

    assert "submitJob" not in watch.operations
    assert as_stored(farm.storage) == before


def test_a_job_type_of_yesterday_is_refused_before_files_are_sent(
    manager: Manager, info: ManagerInfo, submission: Submission
) -> None:
    [render] = [each for each in info.job_types if each.name == RENDER]
    yesterday = replace(info, job_types=(replace(render, etag="of yesterday"),))

    with pytest.raises(ManagerError) as refusal:
        check_with_manager(manager, yesterday, submission)

    assert refusal.value.status == 412
    assert finding_of(refusal.value).code == "job-type-changed"


@pytest.mark.parametrize(("status", "is_kept"), [(400, False), (412, False), (500, True)])
def test_a_refused_job_leaves_no_copy_and_a_doubtful_one_keeps_its_files(
    manager: Manager,
    info: ManagerInfo,
    submission: Submission,
    watch: ContractWatch,
    farm: SmallFarm,
    status: int,
    is_kept: bool,
) -> None:
    before = as_stored(farm.storage)
    watch.refuse["submitJob"] = status

    with pytest.raises(ManagerError, match="submitJob is refused by a test"):
        submit(manager, info, submission, route=Route.COPY)

    assert (as_stored(farm.storage) != before) is is_kept


def test_an_answer_that_got_lost_is_told_as_such(
    manager: Manager, info: ManagerInfo, submission: Submission, watch: ContractWatch
) -> None:
    watch.refuse["submitJob"] = 0

    with pytest.raises(ManagerError, match=r"broke the connection off\. The job may have been sub"):
        submit(manager, info, submission)


def test_a_canceled_submission_leaves_nothing(
    manager: Manager,
    info: ManagerInfo,
    submission: Submission,
    watch: ContractWatch,
    farm: SmallFarm,
) -> None:
    before = as_stored(farm.storage)
    steps: list[Any] = []

    with pytest.raises(Canceled):
        submit(
            manager,
            info,
            submission,
            lambda *step: steps.append(step),
            lambda: len(steps) > 2,
            route=Route.COPY,
        )

    assert "submitJob" not in watch.operations
    assert as_stored(farm.storage) == before
