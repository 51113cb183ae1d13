"""Like reasons of a job's tasks are one group."""

import pytest

from workflows.domain.reasons import MOST_GROUPS, MOST_NAMED, grouped, likeness, reason_in


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Blender ended without having written frame 7", "Blender ended without having written "
         "frames 8, 9, 10 and 4 more"),
        ("cannot save: '/out/shot 1/f0001.png'", "cannot save: '/mnt/b/f0099.png'"),
        ('blend file does not exist: "/a/b.blend"', 'blend file does not exist: "C:\\x\\y.blend"'),
        ("A disk is full. (/out/a: 3.5 MB are free)", "A disk is full. (/tmp/x/y: 60 MB are free)"),
        ("exited with code 1", "exited with code -11"),
        ("asked for job 4cbf1a2e-0d5f-4f0e-9a3b-0c7a6f1d2e3f", "asked for job "
         "11111111-2222-4333-8444-555555555555"),
    ],
)  # fmt: skip
def test_numbers_frames_and_paths_make_no_difference(one: str, other: str) -> None:
    assert likeness(one) == likeness(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The scene has no camera", "The scene has no camera rig"),
        ('the blend file has no scene "Shot A"', 'the blend file has no scene "Shot B"'),
        ("read/write error", "network error"),
    ],
)
def test_other_words_make_a_difference(one: str, other: str) -> None:
    assert likeness(one) != likeness(other)


@pytest.mark.parametrize(
    ("activity", "reason"),
    [
        ("Failed: no camera", "no camera"),
        ('Task was queued by Manager because of a fault of worker "a": Full.', "Full."),
        ('Task was paused by Manager because of a fault of worker "a": "b": Full.', '"b": Full.'),
        ("Task was canceled by Manager because the job failed", ""),
        ("Completed", ""),
        ("", ""),
    ],
)
def test_the_reason_in_an_activity(activity: str, reason: str) -> None:
    assert reason_in(activity) == reason


def test_the_largest_group_comes_first_and_names_its_first_tasks() -> None:
    many = [(index, f"frame {index} is missing", 1) for index in range(1, 41)]

    groups = grouped([(50, "no camera", 1), *many, (60, "", 1)])

    assert [(group.text, group.tasks) for group in groups] == [
        ("frame 1 is missing", 40),
        ("no camera", 1),
    ]
    assert groups[0].indexes == list(range(1, MOST_NAMED + 1))


def test_the_number_of_groups_is_bounded() -> None:
    letters = [(i, "x" * i, 1) for i in range(1, 99)]

    assert len(grouped(letters)) == MOST_GROUPS


def test_long_texts_take_no_time() -> None:
    text = "/" * 200 + '"' * 200 + "0" * 100

    assert likeness(text)


def test_a_task_counts_once_in_a_group() -> None:
    [group] = grouped(
        [(1, "frame 1 is dark", 2), (1, "frame 2 is dark", 3), (2, "frame 3 is dark", 1)]
    )

    assert (group.tasks, group.count, group.indexes) == (2, 6, [1, 2])
