"""The artist sees their jobs and the farm, and can cancel, pause and resume."""

import io
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from addon.core.manager import Manager, ManagerError
from addon.core.my_jobs import (
    FarmStatus,
    age_told,
    cancel_job,
    job_page,
    job_summary,
    overview,
    pause_job,
    reasons_of,
    resume_job,
    summary_of,
    thumbnail,
)
from tests.addon.core.contract_watch import ContractWatch
from tests.addon.core.small_farm import SmallFarm
from tests.addon.core.stand_in_manager import Reply, StandInManager, told
from tests.farm.processes import wait_until
from worker_host.registration import CredentialsFile

NAP = {"message": "good night", "sleep_duration_seconds": 3600, "sleep_repeats": 1}


NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("created", "age"),
    [
        ("2026-05-01T11:59:30Z", "now"),
        ("2026-05-01T12:00:03.123456789Z", "now"),  # clocks differ
        ("2026-05-01T11:55:30.5Z", "4 min"),
        ("2026-05-01T13:00:00+02:00", "1 h"),
        ("2026-04-19T12:00:00+00:00", "12 d"),
        ("", ""),
        ("yesterday", ""),
        ("2026-05-01T11:55:00", ""),
    ],
)
def test_a_list_says_how_long_ago_a_job_was_submitted(created: str, age: str) -> None:
    assert age_told(created, NOW) == age


def submitted_by(farm: SmallFarm, user: str, **changes: Any) -> str:
    metadata = {"user.name": user, "project": "Piloto", "comment": "again"}
    return farm.submit(
        "echo-sleep-test", NAP, metadata=metadata, initial_status="paused", **changes
    )


def test_my_jobs_are_mine_and_those_of_this_session_newest_first(
    farm: SmallFarm, watch: ContractWatch
) -> None:
    mine = submitted_by(farm, "beatriz")
    submitted_by(farm, "carlos")
    from_script = submitted_by(farm, "a script")

    seen = overview(Manager(watch.url), "beatriz", also=[from_script])

    assert [each.id for each in seen.jobs] == [from_script, mine]
    assert (seen.jobs[1].user_name, seen.jobs[1].project) == ("beatriz", "Piloto")
    assert seen.farm.workers_awake == seen.farm.workers == 1


def test_only_so_many_jobs_are_listed(farm: SmallFarm) -> None:
    newest = [submitted_by(farm, "many") for _ in range(3)][:0:-1]

    seen = overview(Manager(farm.url), "many", limit=2)

    assert [each.id for each in seen.jobs] == newest


SHOT = {
    "id": "1",
    "name": "shot",
    "status": "active",
    "type": "echo",
    "priority": 50,
    "created": "2026-01-01T00:00:00Z",
    "updated": "2026-01-01T00:00:00Z",
    "metadata": {"user.name": "ana"},
}


def with_jobs(stand_in: StandInManager, *jobs: dict[str, Any]) -> Manager:
    stand_in.replies["/api/v3/status"] = told({"status": "active"})
    stand_in.replies["/api/v3/worker-mgt/workers"] = told({"workers": []})
    stand_in.replies["/api/v3/jobs"] = told({"jobs": jobs})
    for each in jobs:
        stand_in.replies[f"/api/v3/jobs/{each['id']}"] = told(each)
    return Manager(stand_in.url)


def test_all_jobs_of_a_large_farm_are_asked_for_seldom(stand_in: StandInManager) -> None:
    ended = {**SHOT, "id": "ended", "status": "failed"}
    gone = {**SHOT, "id": "gone"}
    manager = with_jobs(stand_in, SHOT, ended, gone)
    first = replace(overview(manager, "ana"), list_due_at=time.monotonic() + 3600)
    stand_in.replies["/api/v3/jobs/1"] = told({**SHOT, "status": "completed"})
    stand_in.replies["/api/v3/jobs/new"] = told({**SHOT, "id": "new", "created": "2027"})
    del stand_in.replies["/api/v3/jobs/gone"]
    stand_in.requests.clear()

    second = overview(manager, "ana", also=["new"], before=first)

    assert {each.id: each.status for each in second.jobs} == {
        "new": "active",
        "1": "completed",
        "ended": "failed",
    }
    assert second.jobs[0].id == "new"
    asked = [each.path for each in stand_in.requests]
    assert "/api/v3/jobs" not in asked
    assert "/api/v3/jobs/ended" not in asked


def test_all_jobs_are_asked_for_again_when_that_is_due(stand_in: StandInManager) -> None:
    manager = with_jobs(stand_in, SHOT)
    first = replace(overview(manager, "ana"), list_due_at=time.monotonic())
    with_jobs(stand_in, SHOT, {**SHOT, "id": "2"})

    assert len(overview(manager, "ana", before=first).jobs) == 2


def test_the_longer_all_jobs_take_the_longer_they_are_left_alone(stand_in: StandInManager) -> None:
    manager = with_jobs(stand_in, SHOT)
    began = time.monotonic()

    due_at = overview(manager, "ana").list_due_at

    took_s = time.monotonic() - began
    assert began < due_at <= began + 21 * took_s


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/api/v3/jobs", {}),
        ("/api/v3/jobs", {"jobs": None}),
        ("/api/v3/jobs", {"jobs": [{"id": "1"}]}),
        ("/api/v3/jobs", {"jobs": [{**SHOT, "priority": "high"}]}),
        ("/api/v3/status", []),
        ("/api/v3/worker-mgt/workers", {"workers": [None]}),
    ],
)
def test_what_is_no_list_of_jobs_is_a_sentence(
    stand_in: StandInManager, path: str, answer: object
) -> None:
    manager = with_jobs(stand_in, SHOT)
    stand_in.replies[path] = told(answer)

    with pytest.raises(ManagerError, match="not as a Flamenco or Tablao manager"):
        overview(manager, "ana")


def test_a_job_is_resumed_paused_and_canceled(farm: SmallFarm, watch: ContractWatch) -> None:
    manager = Manager(watch.url)
    job_id = submitted_by(farm, "ana")
    assert job_summary(manager, job_id).can_resume

    resume_job(manager, job_id)
    farm.until_job_is(job_id, "active")
    active = job_summary(manager, job_id)
    pause_job(manager, job_id)
    farm.until_job_is(job_id, "pause-requested", "paused")
    cancel_job(manager, job_id)
    farm.until_job_is(job_id, "canceled")

    canceled = job_summary(manager, job_id)
    assert (active.can_pause, active.can_cancel, active.can_resume) == (True, True, False)
    assert (canceled.has_ended, canceled.can_cancel, canceled.can_pause) == (True, False, False)
    assert watch.wrong == []


def test_a_job_that_is_gone_is_said_in_the_managers_words(farm: SmallFarm) -> None:
    with pytest.raises(ManagerError) as refusal:
        cancel_job(Manager(farm.url), "00000000-0000-4000-8000-000000000000")

    assert refusal.value.status == 404


def test_a_job_without_frames_has_no_image(farm: SmallFarm) -> None:
    assert thumbnail(Manager(farm.url), submitted_by(farm, "ana")) is None


def test_the_page_of_a_job_is_flamencos(farm: SmallFarm) -> None:
    page = job_page(Manager("farm:8080"), "1234")

    assert page == "http://farm:8080/app/jobs/1234"
    assert farm.http.get("/app/jobs/1234").status_code == 200


JOB = {
    "id": "1",
    "name": "light",
    "type": "render",
    "priority": 50,
    "created": "2026-01-01T00:00:00Z",
    "updated": "2026-01-01T00:00:00Z",
    "status": "active",
    "activity": "",
    "steps_completed": 0,
    "steps_total": 0,
}


@pytest.mark.parametrize(
    ("change", "progress"),
    [
        ({}, None),
        ({"steps_total": 4, "steps_completed": 1}, 0.25),
        ({"steps_total": 4, "steps_completed": 9}, 1.0),
        ({"status": "completed"}, 1.0),
    ],
)
def test_progress_is_a_share_of_the_steps(change: dict[str, Any], progress: float | None) -> None:
    assert summary_of(JOB | change).progress == progress


def test_a_job_of_a_stock_add_on_has_no_metadata() -> None:
    assert summary_of(JOB | {"metadata": None}).user_name == ""


def test_the_farm_is_told_in_a_line() -> None:
    assert str(FarmStatus("active", 3, 4, 1)) == (
        "Farm active: 3 of 4 workers awake, 1 job in the queue"
    )


IMAGE = {"base": "/job-files/1", "suffixes": ["last-rendered.jpg", "last-rendered-tiny.jpg"]}


def test_an_image_is_fetched_from_the_manager_that_we_know(stand_in: StandInManager) -> None:
    elsewhere = IMAGE | {"base": "http://elsewhere.invalid/job-files/1"}
    stand_in.replies["/api/v3/jobs/1/last-rendered"] = told(elsewhere)
    stand_in.replies["/job-files/1/last-rendered-tiny.jpg"] = Reply(200, b"JPEG")

    assert thumbnail(Manager(stand_in.url, "a-token"), "1") == b"JPEG"


def test_an_image_that_has_just_gone_is_none(stand_in: StandInManager) -> None:
    stand_in.replies["/api/v3/jobs/1/last-rendered"] = told(IMAGE)

    assert thumbnail(Manager(stand_in.url), "1") is None


def send_image(farm: SmallFarm, task_id: str) -> None:
    """Send a last-rendered image as the host does. It skips images of very quick frames."""
    file = farm.directory / "artist's worker" / "tablao-worker-credentials.yaml"
    host = CredentialsFile(file).read(farm.url)
    assert host is not None
    picture = io.BytesIO()
    Image.new("RGB", (640, 360), "green").save(picture, "JPEG")
    answer = farm.http.post(
        f"/api/v3/worker/task/{task_id}/output-produced",
        content=picture.getvalue(),
        headers={"Content-Type": "image/jpeg"},
        auth=host.auth,
    )
    assert answer.status_code == 202, answer.text


def test_an_image_that_a_worker_sent_is_shown_small(farm: SmallFarm, watch: ContractWatch) -> None:
    job_id = farm.submit("echo-sleep-test", {"message": "good morning"})
    farm.until_job_is(job_id, "completed")
    manager = Manager(watch.url)
    send_image(farm, farm.tasks(job_id)[0]["id"])

    image = wait_until(lambda: thumbnail(manager, job_id), 60)

    assert Image.open(io.BytesIO(image)).size == (199, 112)


def test_a_rendered_job_is_done(watch: ContractWatch, rendered_job: dict[str, Any]) -> None:
    summary = job_summary(Manager(watch.url), rendered_job["id"])

    assert (summary.status, summary.progress) == ("completed", 1.0)
    assert (Path(summary.render_output_path).parent / "000003.png").is_file()


def test_like_reasons_are_lines(stand_in: StandInManager) -> None:
    reasons = [
        {"text": "no camera", "tasks": 3, "task_ids": []},
        {"text": "a disk is full", "tasks": 1, "task_ids": []},
    ]
    stand_in.replies["/api/tablao/v1/jobs/job-1/reasons"] = told(
        {"reasons": reasons, "warnings": [{"text": "a library is missing", "tasks": 2}]}
    )

    assert reasons_of(Manager(stand_in.url), "job-1") == (
        "3 tasks: no camera",
        "1 task: a disk is full",
        "Warning in 2 tasks: a library is missing",
    )


def test_flamencos_managers_tell_no_reasons(stand_in: StandInManager) -> None:
    assert reasons_of(Manager(stand_in.url), "job-1") == ()
