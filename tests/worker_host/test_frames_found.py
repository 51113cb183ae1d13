"""Which of the files that a try finds count, and what becomes of the other ones."""

import os
from pathlib import Path

import pytest
from PIL import Image

from worker_host.commands.frames_found import (
    INCOMPLETE,
    PREVIOUS,
    FramesFound,
    put_back,
    written_frame,
)
from workflows.domain.written_frames import ExistingFrames, WrittenFrame, read_log_lines

NONE_KEPT = ExistingFrames(are_all_kept=False)


def frame(path: Path, color: str = "crimson") -> Path:
    Image.new("RGB", (8, 8), color).save(path)
    return path


def written(*paths: Path) -> ExistingFrames:
    frames = [written_frame(str(path)) for path in paths]
    return ExistingFrames(are_all_kept=False, written=tuple(filter(None, frames)))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def look(folder: Path, existing: ExistingFrames, name: str = "######") -> FramesFound:
    found = FramesFound(existing, print)
    found.look(str(folder / name), "PNG", [1, 2, 3])
    return found


def test_frames_of_this_task_stay(tmp_path: Path) -> None:
    look(tmp_path, written(frame(tmp_path / "000001.png")))

    assert names(tmp_path) == ["000001.png"]


def test_frames_of_another_job_are_set_aside(tmp_path: Path) -> None:
    mine = written(frame(tmp_path / "000001.png"))
    frame(tmp_path / "000002.png")

    look(tmp_path, mine)

    assert names(tmp_path) == ["000001.png", f"000002.png{PREVIOUS}"]


@pytest.mark.parametrize("change", ["size", "time"])
def test_a_frame_that_another_program_wrote_again_is_not_ours(tmp_path: Path, change: str) -> None:
    path = frame(tmp_path / "000001.png")
    mine = written(path)
    if change == "size":
        frame(path, "navy")
        Image.new("RGB", (9, 9)).save(path)
    os.utime(path, ns=(1, 1))

    look(tmp_path, mine)

    assert names(tmp_path) == [f"000001.png{PREVIOUS}"]


def test_a_cut_off_frame_of_this_task_does_not_count(tmp_path: Path) -> None:
    path = frame(tmp_path / "000001.png")
    path.write_bytes(path.read_bytes()[:-20])

    look(tmp_path, written(path))

    assert names(tmp_path) == [f"000001.png{INCOMPLETE}"]


@pytest.mark.parametrize("letter", ["n", "ö"])
def test_a_name_can_be_as_long_as_the_file_system_allows(tmp_path: Path, letter: str) -> None:
    stem = letter * (247 // len(letter.encode()))
    cut, whole = tmp_path / f"{stem}0001.png", tmp_path / f"{stem}0002.png"
    cut.touch()
    frame(whole)
    found = look(tmp_path, NONE_KEPT, f"{stem}####")

    asides = names(tmp_path)
    assert [name.rpartition("000")[2] for name in asides] == ["1.png.incomplete", "2.png.previous"]

    frame(cut, "navy")
    found.finish([str(cut)])
    assert names(tmp_path) == [cut.name, whole.name]


@pytest.mark.parametrize("name", ["shot_####.png", "shot_####", "####_v2", "#"])
def test_names_as_blender_makes_them(tmp_path: Path, name: str) -> None:
    blenders = {"shot_####.png": "shot_0002.png", "shot_####": "shot_0002.png"}
    blenders |= {"####_v2": "0002_v2.png", "#": "2.png"}
    path = frame(tmp_path / blenders[name])
    found = FramesFound(NONE_KEPT, print)

    found.look(f"{tmp_path}/{name}", "PNG", [1, 2])

    assert names(tmp_path) == [path.name + PREVIOUS]


def test_both_eyes_of_a_stereo_frame_are_set_aside(tmp_path: Path) -> None:
    frame(tmp_path / "000002_L.png")
    frame(tmp_path / "000002_R.png")

    look(tmp_path, NONE_KEPT)

    assert names(tmp_path) == [f"000002_L.png{PREVIOUS}", f"000002_R.png{PREVIOUS}"]


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    frame(tmp_path / "000004.png")
    (tmp_path / "000001.txt").write_text("notes")
    (tmp_path / "000001_draft.png").write_text("another picture")

    look(tmp_path, NONE_KEPT)

    assert names(tmp_path) == ["000001.txt", "000001_draft.png", "000004.png"]


def test_a_job_can_keep_all_whole_frames(tmp_path: Path) -> None:
    frame(tmp_path / "000001.png")
    (tmp_path / "000002.png").touch()

    look(tmp_path, ExistingFrames(are_all_kept=True))

    assert names(tmp_path) == ["000001.png", f"000002.png{INCOMPLETE}"]


def test_an_older_frame_goes_when_the_new_one_is_whole(tmp_path: Path) -> None:
    path = frame(tmp_path / "000001.png")
    found = look(tmp_path, NONE_KEPT)
    frame(path, "navy")

    found.finish([str(path)])

    assert names(tmp_path) == ["000001.png"]
    with Image.open(path) as image:
        assert image.getpixel((0, 0)) == (0, 0, 128)


def test_an_older_frame_stays_beside_a_new_one_that_is_cut_off(tmp_path: Path) -> None:
    path = frame(tmp_path / "000001.png")
    found = look(tmp_path, NONE_KEPT)
    path.write_bytes(b"\x89PNG\r\n\x1a\n")

    found.finish([str(path)])

    assert names(tmp_path) == ["000001.png", f"000001.png{PREVIOUS}"]


def test_an_older_frame_comes_back_if_nothing_was_rendered(tmp_path: Path) -> None:
    path = frame(tmp_path / "000001.png")
    before = path.read_bytes()
    found = look(tmp_path, NONE_KEPT)

    found.finish([])

    assert path.read_bytes() == before


def test_what_a_killed_try_has_set_aside_goes_with_the_next_whole_frame(tmp_path: Path) -> None:
    path = frame(tmp_path / "000001.png")
    look(tmp_path, NONE_KEPT)  # killed here
    found = look(tmp_path, NONE_KEPT)
    frame(path)

    found.finish([str(path)])

    assert names(tmp_path) == ["000001.png"]


def test_what_a_killed_try_has_set_aside_comes_back_unless_it_was_replaced(tmp_path: Path) -> None:
    paths = [frame(tmp_path / f"00000{number}.png") for number in (1, 2)]
    (tmp_path / "000003.png").touch()
    notes = tmp_path / "notes"
    FramesFound(NONE_KEPT, print, str(notes)).look(f"{tmp_path}/######", "PNG", [1, 2, 3])
    frame(paths[1], "navy")
    notes.write_text(notes.read_text() + '["cut o')

    put_back(str(notes))

    assert names(tmp_path) == [
        "000001.png",
        "000002.png",
        f"000002.png{PREVIOUS}",
        f"000003.png{INCOMPLETE}",
        "notes",
    ]
    with Image.open(paths[1]) as image:
        assert image.getpixel((0, 0)) == (0, 0, 128)


def test_without_notes_nothing_is_put_back(tmp_path: Path) -> None:
    put_back(str(tmp_path / "notes"))

    assert names(tmp_path) == []


def test_a_frame_that_this_try_has_written_counts(tmp_path: Path) -> None:
    said: list[str] = []
    found = FramesFound(NONE_KEPT, said.append)
    path = str(frame(tmp_path / "000001.png"))
    assert found.why_not_counted(path)

    found.note_written(path)

    assert not found.why_not_counted(path)
    assert read_log_lines([said[-1].encode()]) == [written_frame(path)]


def test_a_frame_with_a_relative_path_never_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    frame(tmp_path / "a.png")

    assert FramesFound(NONE_KEPT, print).why_not_counted("a.png")


def test_a_relative_path_is_no_record(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    frame(tmp_path / "a.png")

    assert written_frame("a.png") is None
    assert written_frame(str(tmp_path / "b.png")) is None
    assert written_frame("/a\0b") is None


def test_the_record_is_exact(tmp_path: Path) -> None:
    path = frame(tmp_path / "a.png")
    os.utime(path, ns=(5, 1_700_000_000_123_456_789))

    assert written_frame(str(path)) == WrittenFrame(
        str(path), path.stat().st_size, 1_700_000_000_123_456_789
    )
