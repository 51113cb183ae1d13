"""Finding job types, and checking what is submitted to any of them."""

import asyncio
import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from manager_api.job_types.registry import BuiltInJobTypes, JobTypeRegistry, JobTypeUnknown
from manager_api.job_types.sandbox import AT_ONCE, TooManyScripts
from workflows.domain.job_types import paths
from workflows.domain.job_types.checking import check_settings
from workflows.domain.job_types.definitions import (
    MAX_TASKS,
    AuthoredTask,
    CompileError,
    EvalInfo,
    JobType,
    Setting,
    SettingType,
    SubmittedJob,
)

CREATED = datetime(2006, 1, 2, 15, 4, 5)  # noqa: DTZ001 - local time, as in paths


class Fixed:
    """A source of the job types it is given."""

    def __init__(self, *job_types: JobType) -> None:
        self.found = list(job_types)

    def job_types(self) -> Iterable[JobType]:
        return self.found

    def job_type(self, name: str) -> JobType | None:
        return next((each for each in self.found if each.name == name), None)


def make_nothing(_job: SubmittedJob) -> list[AuthoredTask]:
    return []


def job_type(name: str = "own", label: str = "", *settings: Setting) -> JobType:
    return JobType(name, label, settings, make_nothing)


def submitted(**settings: Any) -> SubmittedJob:
    return SubmittedJob("id", "a job", "own", CREATED, settings=settings)


# --- finding --------------------------------------------------------------------------------------


async def test_the_built_in_job_types_are_there() -> None:
    registry = JobTypeRegistry([BuiltInJobTypes()])

    assert await registry.names() == ["echo-sleep-test", "simple-blender-render"]
    assert (await registry.get("echo-sleep-test")).label == "Echo Sleep Test"


async def test_job_types_of_all_sources_are_sorted_by_name() -> None:
    registry = JobTypeRegistry([Fixed(job_type("z"), job_type("a")), BuiltInJobTypes()])

    names = [found.name for found in await registry.all()]

    assert names == await registry.names() == ["a", "echo-sleep-test", "simple-blender-render", "z"]


async def test_the_first_source_wins_until_it_loses_its_job_type() -> None:
    first, second = Fixed(job_type("own", "first")), Fixed(job_type("own", "second"))
    registry = JobTypeRegistry([first, second])

    assert (await registry.get("own")).label == "first"
    first.found.clear()
    assert (await registry.get("own")).label == "second"


async def test_an_unknown_job_type_is_named_in_one_line() -> None:
    registry = JobTypeRegistry([BuiltInJobTypes()])

    with pytest.raises(JobTypeUnknown, match="There is no job type called 'no\\\\nsuch'"):
        await registry.get("no\nsuch")


# --- compiling ------------------------------------------------------------------------------------


async def test_settings_are_checked_before_compiling() -> None:
    needing = job_type("own", "", Setting(key="a", type=SettingType.STRING, required=True))
    registry = JobTypeRegistry([Fixed(needing)])

    assert await registry.compile(submitted(a="x"), needing) == []
    with pytest.raises(CompileError, match='"a" is missing'):
        await registry.compile(submitted(), needing)


async def test_a_job_type_that_makes_too_many_tasks_is_refused() -> None:
    def make_many(_job: SubmittedJob) -> list[AuthoredTask]:
        return [AuthoredTask("t", "misc", ())] * (MAX_TASKS + 1)

    making_many = JobType("own", "", (), make_many)
    registry = JobTypeRegistry([Fixed(making_many)])

    with pytest.raises(CompileError, match="200,001 tasks"):
        await registry.compile(submitted(), making_many)


async def test_who_waits_for_scripts_holds_up_nobody_else() -> None:
    is_over = threading.Event()

    def wait(_job: SubmittedJob) -> list[AuthoredTask]:
        is_over.wait(60)
        return []

    script = JobType("script", "", (), wait, is_script=True)
    registry = JobTypeRegistry([Fixed(script), BuiltInJobTypes()], patience_s=lambda: 0.01)
    others = [asyncio.create_task(registry.compile(submitted(), script)) for _ in range(200)]

    refusals, running = await asyncio.wait(others, timeout=60, return_when=asyncio.FIRST_EXCEPTION)
    found = await asyncio.wait_for(registry.names(), 30)
    made = await asyncio.wait_for(registry.compile(submitted(), job_type()), 30)
    is_over.set()
    answers = await asyncio.gather(*others, return_exceptions=True)

    assert refusals
    assert running
    assert (found, made) == (["echo-sleep-test", "script", "simple-blender-render"], [])
    assert [*map(type, answers)].count(TooManyScripts) == 200 - AT_ONCE


# --- checking -------------------------------------------------------------------------------------


def test_a_value_must_be_one_of_the_choices() -> None:
    choosing = job_type(
        "own", "", Setting(key="mode", type=SettingType.STRING, choices=("fast", "fine"))
    )

    check_settings(choosing, {"mode": "fine"})
    check_settings(choosing, {})
    with pytest.raises(CompileError) as refused:
        check_settings(choosing, {"mode": "slow"})

    assert str(refused.value) == "The setting \"mode\" must be one of fast, fine, not 'slow'."


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (SettingType.STRING, ["", "x"], [1, 1.0, True, [], {}]),
        (SettingType.INT32, [0, -3, 2**31 - 1, -(2**31), 4.0], [4.5, "4", False, 2**31, []]),
        (SettingType.FLOAT, [0, 1.5, -2, 1e300], ["1.5", True, float("nan"), 10**400, {}]),
        (SettingType.BOOL, [True, False], [0, 1, "true", []]),
    ],
)
def test_values_have_the_declared_type(kind: SettingType, good: list[Any], bad: list[Any]) -> None:
    typed = job_type("own", "", Setting(key="a", type=kind))

    for value in good:
        check_settings(typed, {"a": value})
    for value in bad:
        with pytest.raises(CompileError, match='The setting "a" must be '):
            check_settings(typed, {"a": value})


# --- etags ----------------------------------------------------------------------------------------


def test_an_etag_stays_until_clients_are_told_something_else() -> None:
    original = job_type("own", "label", Setting(key="a", type=SettingType.STRING))
    compiled_otherwise = replace(original, compile_job=lambda job: [])
    relabeled = replace(original, label="other")
    extended = replace(
        original,
        settings=(Setting(key="a", type=SettingType.STRING, eval_info=EvalInfo("why")),),
    )

    assert len(bytes.fromhex(original.etag())) == 20
    assert original.etag() == compiled_otherwise.etag()
    assert len({original.etag(), relabeled.etag(), extended.etag()}) == 3


def test_an_etag_is_the_same_in_every_process() -> None:
    simple = job_type("own", "label", Setting(key="a", type=SettingType.STRING))

    assert simple.etag() == "191e76547009a236a08da5e3396fea66acd90790"


# --- paths ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "directory", "base", "stem"),
    [
        ("/a/b.c.blend", "/a", "b.c.blend", "b.c"),
        ("C:\\a\\b.blend", "C:/a", "b.blend", "b"),
        ("C:\\f", "C:", "f", "f"),
        ("f", ".", "f", "f"),
        ("", ".", ".", ""),
        ("/f", "/", "f", "f"),
        ("//server/share/f", "//server/share", "f", "f"),
        ("/a/b/", "/a/b", "b", "b"),
        ("/", "/", "/", "/"),
        (".blend", ".", ".blend", ""),
    ],
)
def test_paths_of_any_platform_are_taken_apart(
    path: str, directory: str, base: str, stem: str
) -> None:
    assert (paths.dirname(path), paths.basename(path), paths.stem(path)) == (directory, base, stem)


@pytest.mark.parametrize(
    ("parts", "joined"),
    [
        (("/a", "", "b"), "/a/b"),
        (("/a/", "./b//c", "../d"), "/a/b/d"),
        (("C:\\a", "b"), "C:/a/b"),
        (("\\\\server\\share", "f"), "//server/share/f"),
        ((), ""),
        (("", ""), ""),
    ],
)
def test_joined_paths_are_tidy(parts: tuple[str, ...], joined: str) -> None:
    assert paths.join(*parts) == joined
