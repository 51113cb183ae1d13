"""Logs of child processes: begun anew when they are large, under the writer's hands."""

import subprocess
import sys
from pathlib import Path

from manager_api.cli.log_rotation import rotate_if_large

#: Writes a line whenever it is sent one.
WRITER = "import sys\nfor line in sys.stdin: sys.stdout.write(line); sys.stdout.flush()"


def test_a_small_log_or_none_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("olé\n")

    rotate_if_large(tmp_path / "a.log", max_bytes=10)
    rotate_if_large(tmp_path / "b.log", max_bytes=10)

    assert [path.name for path in tmp_path.iterdir()] == ["a.log"]


def test_large_ones_move_on_and_the_oldest_goes(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    for number in range(6):
        log.write_text(f"{number}" * 20)
        rotate_if_large(log, max_bytes=10, kept=3)

    assert log.read_text() == ""
    kept = {path.name: path.read_text()[:1] for path in tmp_path.iterdir() if path != log}
    assert kept == {"a.log.1": "5", "a.log.2": "4", "a.log.3": "3"}


def test_a_writer_goes_on_behind_its_back(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    with log.open("ab") as file:
        writer = subprocess.Popen(
            [sys.executable, "-uc", WRITER], stdin=subprocess.PIPE, stdout=file, text=True
        )
    with writer:
        assert writer.stdin is not None
        for word in ("first", "second"):
            writer.stdin.write(f"{word}\n")
            writer.stdin.flush()
            while word not in log.read_text():
                assert writer.poll() is None
            rotate_if_large(log, max_bytes=3)

    assert log.read_text() == ""
    assert (tmp_path / "a.log.1").read_text() == "second\n"
    assert (tmp_path / "a.log.2").read_text() == "first\n"
