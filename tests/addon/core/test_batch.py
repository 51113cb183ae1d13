"""Several jobs of one file: all or none are begun, the file is sent once, each failure is told."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from addon.core.batch import Result, same_outputs, submit_all
from addon.core.checks import NotSubmittable
from addon.core.manager import Manager, ManagerError
from addon.core.manager_info import ManagerInfo, fetch
from addon.core.progress import Canceled, never, quiet
from addon.core.submission import Submission
from tests.addon.core.contract_watch import ContractWatch
from tests.addon.core.small_farm import SmallFarm

NAMES = ("one", "two", "three")


@pytest.fixture
def manager(watch: ContractWatch) -> Manager:
    return Manager(watch.url)


@pytest.fixture
def uploading(manager: Manager) -> ManagerInfo:
    return fetch(manager)


@pytest.fixture
def copying(uploading: ManagerInfo) -> ManagerInfo:
    return replace(uploading, storage=replace(uploading.storage, shaman_enabled=False))


@pytest.fixture
def submissions(blend_file: Path, farm: SmallFarm) -> list[Submission]:
    """Paused jobs, so that they do not render while a test looks at them."""
    return [
        Submission(
            name=name,
            job_type="simple-blender-render",
            settings={
                "frames": "3-4",
                "chunk_size": 1,
                "render_output_root": str(farm.out),
                "add_path_components": 0,
                "render_output_path": str(farm.out / name / "######"),
                "format": "PNG",
                "image_file_extension": ".png",
                "fps": 24.0,
                "has_previews": False,
                "scene": "Scene",
            },
            blendfile=blend_file,
            is_paused=True,
            metadata={"batch": "all of them"},
        )
        for name in NAMES
    ]


def refusing(watch: ContractWatch, statuses: Mapping[str, int]) -> Callable[[str, int, int], None]:
    """A progress function that has the manager refuse the jobs of these names."""

    def progress(step: str, done: int, total: int) -> None:
        if step.endswith(": Submitting"):
            watch.refuse.pop("submitJob", None)
            for name, status in statuses.items():
                if f", {name}: " in step:
                    watch.refuse["submitJob"] = status

    return progress


def names(results: list[Result]) -> list[str]:
    return [each.name for each in results if each.job is not None]


def problems(results: list[Result]) -> dict[str, str]:
    return {each.name: each.problem for each in results if each.job is None}


def folders(farm: SmallFarm) -> set[str]:
    return {each.name for each in farm.storage.iterdir()}


def test_each_upload_is_a_jobs_own(
    manager: Manager,
    uploading: ManagerInfo,
    submissions: list[Submission],
    watch: ContractWatch,
) -> None:
    results = submit_all(manager, uploading, submissions, quiet, never)

    assert names(results) == list(NAMES)
    sent = watch.bodies["submitJob"]
    assert len({each["storage"]["shaman_checkout_id"] for each in sent}) == len(NAMES)
    assert {each["metadata"]["batch"] for each in sent} == {"all of them"}
    # The file itself is sent at most once.
    assert watch.operations.count("shamanFileStore") <= 1


def test_a_copy_is_made_once_for_all(
    manager: Manager,
    copying: ManagerInfo,
    submissions: list[Submission],
    watch: ContractWatch,
    farm: SmallFarm,
) -> None:
    before = folders(farm)

    results = submit_all(manager, copying, submissions, quiet, never)

    assert names(results) == list(NAMES)
    [blendfile] = {each["settings"]["blendfile"] for each in watch.bodies["submitJob"]}
    assert Path(blendfile).is_file()
    assert len(folders(farm) - before) == 1


def test_if_the_manager_would_refuse_one_none_is_sent(
    manager: Manager,
    copying: ManagerInfo,
    submissions: list[Submission],
    watch: ContractWatch,
    farm: SmallFarm,
) -> None:
    before = folders(farm)
    wrong = {**submissions[1].settings, "frames": "none"}
    submissions[1] = replace(submissions[1], settings=wrong)

    with pytest.raises(NotSubmittable) as refusal:
        submit_all(manager, copying, submissions, quiet, never)

    [finding] = refusal.value.findings
    assert finding.sentence.startswith("The manager refuses two: ")
    assert "submitJob" not in watch.operations
    assert folders(farm) == before


def test_a_job_that_is_refused_at_last_does_not_stop_the_others(
    manager: Manager,
    copying: ManagerInfo,
    submissions: list[Submission],
    watch: ContractWatch,
) -> None:
    progress = refusing(watch, {"one": 400})

    results = submit_all(manager, copying, submissions, progress, never)

    assert names(results) == ["two", "three"]
    assert "submitJob is refused by a test" in problems(results)["one"]
    assert Path(watch.bodies["submitJob"][-1]["settings"]["blendfile"]).is_file()


def test_a_manager_that_is_lost_stops_the_rest(
    manager: Manager,
    copying: ManagerInfo,
    submissions: list[Submission],
    watch: ContractWatch,
) -> None:
    progress = refusing(watch, {"two": 0})

    results = submit_all(manager, copying, submissions, progress, never)

    assert names(results) == ["one"]
    assert "may have been submitted all the same" in problems(results)["two"]
    assert problems(results)["three"] == "it was not tried after two"


def test_a_copy_that_no_job_uses_is_removed(
    manager: Manager,
    copying: ManagerInfo,
    submissions: list[Submission],
    watch: ContractWatch,
    farm: SmallFarm,
) -> None:
    before = folders(farm)

    results = submit_all(
        manager, copying, submissions, refusing(watch, dict.fromkeys(NAMES, 400)), never
    )

    assert set(problems(results)) == set(NAMES)
    assert folders(farm) == before


def test_a_cancel_between_two_jobs_keeps_the_first(
    manager: Manager,
    copying: ManagerInfo,
    submissions: list[Submission],
    watch: ContractWatch,
) -> None:
    results = submit_all(
        manager, copying, submissions, quiet, lambda: "submitJob" in watch.operations
    )

    assert names(results) == ["one"]
    assert problems(results) == dict.fromkeys(NAMES[1:], "it was canceled")


def test_a_cancel_before_the_first_job_sends_nothing(
    manager: Manager,
    copying: ManagerInfo,
    submissions: list[Submission],
    watch: ContractWatch,
    farm: SmallFarm,
) -> None:
    before = folders(farm)
    steps: list[str] = []

    with pytest.raises((Canceled, ManagerError)):
        submit_all(
            manager,
            copying,
            submissions,
            lambda step, done, total: steps.append(step),
            lambda: len(steps) > len(NAMES),
        )

    assert "submitJob" not in watch.operations
    assert folders(farm) == before


def test_jobs_that_would_write_to_one_place_are_found(submissions: list[Submission]) -> None:
    assert same_outputs(submissions) == []

    same = [replace(each, settings=submissions[0].settings) for each in submissions[:2]]
    [finding] = same_outputs([*same, submissions[2]])

    assert finding.show == ("one", "two")
    assert finding.is_blocking


@pytest.mark.parametrize(
    "other",
    [
        "/r/SHOT/Cam_É/######",
        "/r/shot/cam_e\N{COMBINING ACUTE ACCENT}/######",
        "/r//shot/./cam_é/######",
        "\\r\\shot\\cam_é\\######",
    ],
)
def test_one_place_in_other_letters_is_found(submissions: list[Submission], other: str) -> None:
    paths = ("/r/shot/cam_é/######", other)
    made = [
        replace(each, settings={**each.settings, "render_output_path": path})
        for each, path in zip(submissions, paths, strict=False)
    ]

    [finding] = same_outputs(made)

    assert finding.show == ("one", "two")
    assert f"on Windows and macOS the same as {other}" in finding.sentence
