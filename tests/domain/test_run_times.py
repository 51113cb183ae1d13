"""The times of a run: from the farm, its task type and its job; and their sentences."""

from datetime import timedelta
from typing import Any

import pytest

from workflows.domain.run_sentences import in_words, ran_too_long
from workflows.domain.run_times import FarmTimes, RunLimits, RunTimes, WhenSilent, limits_of_job

FARM = FarmTimes(
    limits=RunLimits(timedelta(minutes=30), WhenSilent.SHOW, timedelta()),
    by_task_type={
        "blender": RunLimits(longest_run=timedelta(hours=8)),
        "ffmpeg": RunLimits(timedelta(minutes=5), WhenSilent.STOP, timedelta(hours=1)),
    },
)


def test_the_defaults_show_after_half_an_hour_and_stop_nothing() -> None:
    assert FarmTimes().of_run("blender", {}) == RunTimes(60, 1800, stops_silent=False, longest_s=0)


@pytest.mark.parametrize(
    ("task_type", "metadata", "times"),
    [
        ("misc", {}, RunTimes(60, 1800, False, 0)),
        ("blender", {}, RunTimes(60, 1800, False, 28800)),
        ("ffmpeg", {}, RunTimes(60, 300, True, 3600)),
        ("ffmpeg", {"silent_after": "1h"}, RunTimes(60, 3600, True, 3600)),
        ("ffmpeg", {"when_silent": "show"}, RunTimes(60, 300, False, 3600)),
        ("blender", {"longest_run": "0", "silent_after": "0s"}, RunTimes(60, 0, False, 0)),
        ("blender", {"longest_run": "", "project": "x"}, RunTimes(60, 1800, False, 28800)),
        # A job of before, whose metadata was not checked.
        ("ffmpeg", {"longest_run": "soon"}, RunTimes(60, 300, True, 3600)),
    ],
)
def test_the_job_comes_before_its_task_type_and_that_before_the_farm(
    task_type: str, metadata: dict[str, str], times: RunTimes
) -> None:
    assert FARM.of_run(task_type, metadata) == times


@pytest.mark.parametrize(
    ("metadata", "sentence"),
    [
        ({"silent_after": "10"}, "metadata silent_after: .* is no duration"),
        ({"longest_run": "-1m"}, "metadata longest_run: .* is no duration"),
        ({"when_silent": "kill"}, 'metadata when_silent: it is "show" or "stop"'),
    ],
)
def test_a_wrong_value_of_a_job_is_refused(metadata: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        limits_of_job(metadata)


@pytest.mark.parametrize(
    ("content", "times"),
    [
        ({}, RunTimes()),
        ({"longest_s": 5, "of_a_newer_build": 7}, RunTimes(longest_s=5)),
        ({"stops_silent": True}, RunTimes(stops_silent=True)),
    ],
)
def test_times_of_another_build_can_be_read(content: dict[str, Any], times: RunTimes) -> None:
    assert RunTimes.read(content) == times


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.44, "0.4 s"),
        (59, "59 s"),
        (60, "1 min"),
        (90, "1 min 30 s"),
        (1800, "30 min"),
        (3600, "1 h"),
        (9042, "2 h 30 min"),
    ],
)
def test_times_are_said_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_the_sentence_names_limit_and_time() -> None:
    assert ran_too_long(7200, 7201) == (
        "it was stopped after 2 h, because a run of this task may take 2 h at most"
    )
