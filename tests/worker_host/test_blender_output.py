"""Blender's output, recorded, as progress."""

from pathlib import Path

import pytest

from worker_host.blender_output import (
    FrameSaved,
    FrameStarted,
    Progress,
    SampleDone,
    StepDone,
    parse_line,
    rendered_frames,
)
from worker_host.run_spec import Command

RECORDED = Path(__file__).with_name("recorded")
CYCLES_3 = (
    "Fra:12 Mem:9.99M (Peak 10.83M) | Time:00:00.03 | Remaining:00:00.00 | Mem:0.84M, "
    "Peak:0.84M | Scene, ViewLayer | Sample 1/4"
)


@pytest.mark.parametrize(
    ("line", "events"),
    [
        (CYCLES_3, [FrameStarted(12), SampleDone(1, 4)]),
        (
            "Fra:3 Mem:20M (Peak 30M) | Time:00:01.00 | Rendering 8 / 16 samples",
            [FrameStarted(3), SampleDone(8, 16)],
        ),
        (
            "00:01.2  render           | Fra: 7 | Mem: 1M | Sample 80/4096",
            [FrameStarted(7), SampleDone(80, 4096)],
        ),
        ("00:00.4  render           | Rendering frame 5", [FrameStarted(5)]),
        ("Saved: '/farm/it's.png'", [FrameSaved("/farm/it's.png")]),
        (" Time: 00:01.85 (Saving: 00:01.14)", [StepDone()]),
        (
            "00:00.640  render           | Saved: '/farm/000001.png'",
            [FrameSaved("/farm/000001.png"), StepDone()],
        ),
        ('skipping existing frame "/farm/000002.png"', [StepDone()]),
        ('00:00.1  render           | Skipping existing frame "/farm/2.png"', [StepDone()]),
        ("Blender quit", []),
        ("", []),
    ],
)
def test_line_tells(line: str, events: list[object]) -> None:
    assert parse_line(line) == events


@pytest.mark.parametrize(
    ("recording", "steps", "last_saved"),
    [
        ("blender-3.4-cycles.log", 3, "/farm/render/000003.png"),
        ("blender-3.4-skips.log", 3, "/farm/render/000004.png"),
        ("blender-3.4-eevee.log", 1, "/farm/render/000001.png"),
        ("blender-5-cycles.log", 2, "/farm/render/000002.png"),
        ("bpy-5-cycles.log", 2, "/farm/render/000002.png"),
    ],
)
def test_recorded_render_has_a_step_per_frame(recording: str, steps: int, last_saved: str) -> None:
    progress = Progress([Command("blender-render", {}, total_step_count=3)])

    saved = render(progress, (RECORDED / recording).read_text().splitlines())

    assert progress.steps_completed == steps
    assert saved[-1] == last_saved


def test_progress_says_frame_and_sample_of_how_many() -> None:
    parameters = {"args": ["--render-output", "/farm/######", "--render-frame", "11..14"]}
    progress = Progress([Command("blender-render", parameters)])

    render(progress, [CYCLES_3])

    assert progress.shown() == {
        "steps_completed": 0,
        "frame": 12,
        "frames_done": 0,
        "frames_total": 4,
        "sample": 1,
        "samples": 4,
    }


def test_samples_of_the_last_frame_do_not_stick_to_the_next() -> None:
    progress = Progress([Command("blender-render")])

    render(progress, [CYCLES_3, "Fra:13 Mem:1M | Initializing"])

    assert "sample" not in progress.shown()


def test_steps_count_over_all_commands() -> None:
    progress = Progress(
        [
            Command("make-directory"),
            Command("blender-render", total_step_count=5),
            Command("exec"),
        ]
    )

    render(progress, [" Time: 00:01.00", " Time: 00:01.00"])
    while_rendering = progress.steps_completed
    progress.feed("going to run:")

    assert while_rendering == 1 + 2
    assert progress.steps_completed == 1 + 5


def test_steps_never_exceed_those_of_the_command() -> None:
    progress = Progress([Command("blender-render", total_step_count=1)])

    render(progress, [" Time: 00:01.00", " Time: 00:01.00"])

    assert progress.steps_completed == 1


def test_other_programs_may_print_what_they_like() -> None:
    progress = Progress([Command("exec")])

    assert render(progress, ["Saved: '/etc/passwd'", " Time: 00:01.00"]) == []
    assert progress.shown() == {"steps_completed": 0}


@pytest.mark.parametrize(
    ("frames", "count"),
    [("1..10", 10), ("7", 1), ("1..3,8,10..11", 6), ("+1", 0), ("", 0)],
)
def test_frames_asked_for_are_counted(frames: str, count: int) -> None:
    assert rendered_frames({"args": ["-o", "x", "--render-frame", frames]}) == count


def render(progress: Progress, lines: list[str]) -> list[str]:
    """Feed a render's output as the log has it; returns the paths saved."""
    progress.feed("going to run:")
    events = [event for line in lines for event in progress.feed(f"pid=7 > {line}")]
    return [event.path for event in events if isinstance(event, FrameSaved)]
