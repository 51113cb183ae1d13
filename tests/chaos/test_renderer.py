"""The renderer writes, prints and notes what the auditor expects of it."""

import os
import subprocess
import sys
from pathlib import Path

from tests.chaos.renderer import frame_bytes, frame_path, log_lines
from tests.chaos.watch import Render, renders_of
from worker_host.commands.frames_found import why_not_there

RENDERER = Path(__file__).with_name("renderer.py")
RUN = "5e1f0d2c.1.1.1"


def _render(folder: Path, *arguments: str) -> tuple[str, Render]:
    """What the renderer has printed, and its ledger."""
    ledger = folder / "ledger"
    ledger.touch()
    environment = os.environ | {"LEDGER": str(ledger), "TABLAO_RUN": RUN, "HOST_NAME": "host1"}
    command = [sys.executable, "-I", "-S", str(RENDERER), *arguments, "--lines", "9"]
    done = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)
    [render] = renders_of(ledger, {})
    return done.stdout, render


def test_frames_and_lines_are_those_that_the_auditor_knows(tmp_path: Path) -> None:
    output = str(tmp_path / "out" / "######")

    printed, render = _render(
        tmp_path, "--pace", "0", "--render-output", output, "--render-frame", "3..4"
    )

    lines = [line for line in printed.splitlines() if line.startswith("chaos ")]
    assert lines == [*log_lines(RUN, render.pid, 3, 9), *log_lines(RUN, render.pid, 4, 9)]
    for frame in (3, 4):
        file = Path(frame_path(output, frame))
        assert file.read_bytes() == frame_bytes(output, frame)
        assert why_not_there(str(file)) == ""
    assert (render.frames, render.saved, render.ended) == ([3, 4], [3, 4], [3, 4])
    assert (render.host, render.task, render.attempt) == ("host1", "5e1f0d2c.1", 1)


def test_a_frame_that_is_there_is_skipped(tmp_path: Path) -> None:
    output = str(tmp_path / "######")
    Path(frame_path(output, 3)).write_bytes(b"of an earlier try")

    printed, render = _render(
        tmp_path, "--pace", "0", "--render-output", output, "--render-frame", "3..4"
    )

    assert f'skipping existing frame "{frame_path(output, 3)}"' in printed
    assert render.frames == [4]


def test_collecting_renders_nothing(tmp_path: Path) -> None:
    printed, render = _render(tmp_path, "--collect")

    assert printed.splitlines() == list(log_lines(RUN, render.pid, 0, 9))
    assert render.ended == [0]
