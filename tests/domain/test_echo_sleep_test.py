"""What `echo-sleep-test` asks for and what it makes."""

from datetime import datetime
from typing import Any

import pytest

from workflows.domain.job_types.checking import check_settings
from workflows.domain.job_types.definitions import AuthoredTask, CompileError, SubmittedJob
from workflows.domain.job_types.echo_sleep_test import JOB_TYPE, compile_job

CREATED = datetime(2006, 1, 2, 15, 4, 5)  # noqa: DTZ001 - local time, as in paths


def compiled(**settings: Any) -> list[AuthoredTask]:
    check_settings(JOB_TYPE, settings)
    return compile_job(SubmittedJob("id", "a job", JOB_TYPE.name, CREATED, settings=settings))


def test_sleeps_wait_for_the_echo() -> None:
    tasks = compiled(message="hey", sleep_duration_seconds=3, sleep_repeats=2)

    assert [(task.name, task.type, task.dependencies) for task in tasks] == [
        ("echo", "misc", ()),
        ("sleep", "misc", (1,)),
        ("sleep", "misc", (1,)),
    ]
    commands = [(task.commands[0].name, task.commands[0].parameters) for task in tasks]
    assert commands == [
        ("echo", {"message": "hey"}),
        ("sleep", {"duration_in_seconds": 3}),
        ("sleep", {"duration_in_seconds": 3}),
    ]
    assert [task.steps_total for task in tasks] == [1, 1, 1]


@pytest.mark.parametrize("settings", [{}, {"sleep_repeats": 0}, {"sleep_repeats": -5}])
def test_without_repeats_nothing_sleeps(settings: dict[str, Any]) -> None:
    tasks = compiled(message="hey", sleep_duration_seconds=3, **settings)

    assert [task.name for task in tasks] == ["echo"]


def test_the_message_is_taken_as_it_is() -> None:
    message = 'two\nlines, "quotes", ünïcode 🎬'

    assert compiled(message=message)[0].commands[0].parameters == {"message": message}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, 'The setting "message" is missing.'),
        ({"message": None}, 'The setting "message" is missing.'),
        ({"message": 3}, 'The setting "message" must be a text, not 3.'),
        (
            {"message": "", "sleep_repeats": "two"},
            "The setting \"sleep_repeats\" must be a whole number of at most 32 bits, not 'two'.",
        ),
        (
            {"message": "", "sleep_repeats": 1},
            'The setting "sleep_duration_seconds" is missing.',
        ),
        (
            {"message": "", "sleep_repeats": 2_000_000_000, "sleep_duration_seconds": 1},
            'The setting "sleep_repeats" must be below 200,000.',
        ),
    ],
)
def test_bad_settings_are_refused_with_a_sentence(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CompileError) as refused:
        compiled(**settings)

    assert str(refused.value) == sentence


def test_settings_are_flamencos() -> None:
    assert JOB_TYPE.as_json() == {
        "name": "echo-sleep-test",
        "label": "Echo Sleep Test",
        "etag": JOB_TYPE.etag(),
        "settings": [
            {"key": "message", "type": "string", "required": True},
            {"key": "sleep_duration_seconds", "type": "int32", "default": 1},
            {"key": "sleep_repeats", "type": "int32", "default": 1},
        ],
    }
