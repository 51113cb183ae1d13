"""What Blender says about its frames, held against the disk."""

from pathlib import Path

import pytest
from PIL import Image

from worker_host.commands.blender_frames import FrameAccount
from worker_host.commands.frames_found import INCOMPLETE, FramesFound
from worker_host.commands.parameters import CommandFailed
from workflows.domain.frame_files import files_of_arguments
from workflows.domain.written_frames import ExistingFrames


def account_of(*lines: str, output: str = "") -> FrameAccount:
    account = FrameAccount(files=files_of_arguments(["-o", output, "-F", "PNG"]))
    for line in lines:
        account.line(line.encode())
    return account


def found() -> FramesFound:
    return FramesFound(ExistingFrames(), print)


def frames(*numbers: int) -> list[str]:
    """Return Blender's arguments for these frames."""
    return ["-f", ",".join(map(str, numbers))]


def frame(folder: Path, name: str) -> Path:
    path = folder / name
    Image.new("RGB", (8, 8), "crimson").save(path, "PNG")
    return path


def test_frames_that_are_there_and_whole_are_accepted(tmp_path: Path) -> None:
    first, second = frame(tmp_path, "000001.png"), frame(tmp_path, "000002.png")

    account = account_of(f"Saved: '{first}'", f'skipping existing frame "{second}"')

    account.check(frames(1, 2))
    assert account.set_aside_skipped(found()) == []


@pytest.mark.parametrize(
    "line",
    [
        "Saved: '{}'",
        "00:01.234  render           | Saved: '{}'",
        'skipping existing frame "{}"',
        'skipping existing frame "{}" for view "left"',
        '00:01.234  render           | Skipping existing frame "{}"',
    ],
)
def test_all_generations_of_blender_are_understood(tmp_path: Path, line: str) -> None:
    path = frame(tmp_path, "000007.png")

    account_of(line.format(path)).check(frames(7))


def test_a_frame_that_blender_does_not_speak_of_is_missing(tmp_path: Path) -> None:
    first = frame(tmp_path, "000001.png")

    with pytest.raises(CommandFailed, match=r"without having written frames 2, 3$"):
        account_of(f"Saved: '{first}'").check(frames(1, 2, 3))


def test_many_missing_frames_are_counted() -> None:
    with pytest.raises(CommandFailed, match=r"frames 1, 2, .*, 10 and 90 more$"):
        account_of("Blender 3.4.1", "Blender quit").check(["-f", "1..100"])


def test_a_program_in_blenders_place_need_not_speak_of_frames() -> None:
    account_of("rendered by a program of the studio's own").check(frames(1, 2))


def test_a_saved_file_that_is_cut_off_is_named(tmp_path: Path) -> None:
    path = frame(tmp_path, "000001.png")
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(CommandFailed, match=r'has saved ".*000001.png", but it ends in the middle'):
        account_of(f"Saved: '{path}'").check(frames(1))


def test_a_script_may_move_a_frame_if_it_says_so(tmp_path: Path) -> None:
    gone, there = tmp_path / "0001.png", frame(tmp_path, "published v1.png")
    lines = ["Fra:1 Mem:1", f"Moved: '{gone}' -> '{there}'", f"Saved: '{gone}'"]
    account = account_of(*lines, output=f"{tmp_path}/####")

    account.check(frames(1))
    assert account.are_saved_whole()

    there.write_bytes(there.read_bytes()[:-1])
    with pytest.raises(CommandFailed, match=r"0001.png\", but it ends in the middle$"):
        account.check(frames(1))


def test_a_saved_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="there is no such file"):
        account_of(f"Saved: '{tmp_path}/000001.png'").check(frames(1))


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"no picture at all"])
def test_a_skipped_file_that_is_not_whole_is_set_aside(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "000002.png"
    path.write_bytes(content)

    [sentence] = account_of(f'skipping existing frame "{path}"').set_aside_skipped(found())

    assert f'"{path}" was there, but' in sentence
    assert not path.exists()
    assert Path(f"{path}{INCOMPLETE}").read_bytes() == content


def test_names_with_quotes_and_other_characters(tmp_path: Path) -> None:
    path = frame(tmp_path, 'd\'été "ö" 0003.png')

    account_of(f"Saved: '{path}'").check(frames(3))


def test_a_scene_that_is_not_there_is_an_error() -> None:
    account = account_of("Can't find scene: 'Shot_010' in file: '/s/a.blend'")

    assert account.is_without_scene
    assert account.error == 'the blend file has no scene "Shot_010"'


def test_the_first_error_counts() -> None:
    account = account_of("Fra:1 Mem:1", "Error: Cannot render, no camera", "Error: another")

    assert account.error == "Error: Cannot render, no camera"
    assert not account.is_without_scene


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        (["Traceback (most recent call last):"], "No module named 'rig'"),
        (
            ["Traceback (most recent call last):", '  File "<string>", line 1'],
            "No module named 'rig'",
        ),
        (['  File "/s/r.py", line 1', "    def x(:", "          ^"], "SyntaxError: invalid syntax"),
        ([], 'OSError: Python file "/no.py" could not be opened: No such file or directory'),
    ],
)
def test_a_python_error_is_told_by_its_last_line(lines: list[str], error: str) -> None:
    said = [*lines, error]
    account = account_of(f"Error: Python: {said[0]}", *said[1:], "Error: script failed, exiting.")

    assert account.error == f"Error: Python: {error}"


def test_a_missing_frame_is_told_with_blenders_own_error() -> None:
    account = account_of("Read blend: /a.blend", "Error: Image too small", "Blender quit")

    with pytest.raises(CommandFailed, match=r"^Error: Image too small \(Blender ended without"):
        account.check(frames(1))


def test_a_scene_that_is_not_there_counts_more_than_an_earlier_error() -> None:
    account = account_of(
        "Error: Python: Traceback (most recent call last):",
        "Can't find scene: 'Nope' in file: '/s/a.blend'",
    )

    assert account.is_without_scene
    assert account.error == 'the blend file has no scene "Nope"'


@pytest.mark.parametrize("name", ["v20001.png", "take30001.png", "00012x.png"])
def test_a_digit_may_stand_beside_the_frames_number(tmp_path: Path, name: str) -> None:
    path = frame(tmp_path, name)

    account_of("Fra:1 Mem:1.00M", f"Saved: '{path}'").check(frames(1))


@pytest.mark.parametrize("output", ["{}/shot_002_####", "{}/shot_002_####.png", "//shot_002_#"])
def test_a_number_in_the_names_of_all_frames_is_no_frame(tmp_path: Path, output: str) -> None:
    first = frame(tmp_path, "shot_002_0001.png" if "####" in output else "shot_002_1.png")
    account = account_of(
        "Fra:1 Mem:1", f"Saved: '{first}'", "Blender quit", output=output.format(tmp_path)
    )

    account.check(frames(1))
    with pytest.raises(CommandFailed, match=r"without having written frame 2$"):
        account.check(frames(1, 2))


def test_files_of_the_compositor_are_no_frames(tmp_path: Path) -> None:
    """Blender 4.5 says of them what it says of frames."""
    (tmp_path / "passes").mkdir()
    lines = []
    for number in (1, 2):
        lines += [
            f"Fra:{number} Mem:1.00M",
            f"Saved: '{frame(tmp_path, f'passes/000{number}.png')}'",
            *([f"Saved: '{frame(tmp_path, '0001.png')}'"] if number == 1 else []),
        ]
    account = account_of(*lines, output=f"{tmp_path}/####")

    account.check(frames(1))
    assert not account.has_all([1, 2])
    with pytest.raises(CommandFailed, match=r"without having written frame 2$"):
        account.check(frames(1, 2))


def test_a_frame_is_not_done_when_a_file_of_the_compositor_is(tmp_path: Path) -> None:
    (tmp_path / "passes").mkdir()
    done = ["Fra:1 Mem:1", f"Saved: '{frame(tmp_path, 'passes/0001.png')}'"]

    assert not account_of(*done, output=f"{tmp_path}/####").has_all([1])
    done += [f"Saved: '{frame(tmp_path, '0001.png')}'"]
    assert account_of(*done, output=f"{tmp_path}/####").has_all([1])


def test_a_script_may_name_the_frames_in_another_way(tmp_path: Path) -> None:
    path = frame(tmp_path, "by the script_0001.png")
    lines = ["Fra:1 Mem:1", f"Saved: '{path}'", " Time: 00:00.61 (Saving: 00:00.44)"]
    account = account_of(*lines, output=f"{tmp_path}/####")

    account.check(frames(1))
    assert account.has_all([1])


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        ("-s 1 -e 2 -a", ""),
        ("-s 1 -e 3 -a", " 3"),
        ("-s 1 -e 3 -j 1 -a", " 3"),
        ("-s 1 -e 3 -j 2 -a", " 3"),
        ("-s 1 -e 6 -a -- --frame-end 2", "s 3, 4, 5, 6"),
        ("-s 1 -e 2 -a -s 7 -e 7 -a", " 7"),
        ("-s 0 -a", " 0"),
        ("-s 9 -e 20 -S Other -a", ""),
        ("-e 20 -a", ""),
        ("-s +1 -e 20 -a", ""),
        ("-a", ""),
    ],
)
def test_the_frames_of_an_animation(tmp_path: Path, arguments: str, missing: str) -> None:
    paths = [frame(tmp_path, f"000{number}.png") for number in (1, 2)]
    saved = [
        line
        for number, path in enumerate(paths, 1)
        for line in (f"Fra:{number} Mem:1", f"Saved: '{path}'")
    ]

    why = ""
    try:
        account_of(*saved, output=f"{tmp_path}/####").check(arguments.split())
    except CommandFailed as failure:
        why = str(failure)

    assert why == (missing and f"Blender ended without having written frame{missing}")


def test_the_scenes_own_step_is_seen(tmp_path: Path) -> None:
    saved = [f"Saved: '{frame(tmp_path, f'000{number}.png')}'" for number in (1, 4, 7)]
    account = account_of(*saved, output=f"{tmp_path}/####")

    account.check(["-s", "1", "-e", "9", "-a"])
    with pytest.raises(CommandFailed, match=r"frame 10$"):
        account.check(["-s", "1", "-e", "10", "-a"])


@pytest.mark.parametrize("arguments", [["-a"], ["-f", "-1"], ["-s", "5", "-e", "1", "-a"]])
def test_a_blender_that_renders_writes_a_frame(arguments: list[str]) -> None:
    with pytest.raises(CommandFailed, match=r"without having written (a frame|frame 5)$"):
        account_of("Read blend: /a.blend", "Blender quit").check(arguments)

    account_of("Read blend: /a.blend", "Blender quit").check(["--python", "check.py"])


def test_frames_of_a_movie_count() -> None:
    account_of("Read blend: /a.blend", "Append frame 1", "Append frame 2").check(frames(1, 2))


def test_words_of_other_programs_do_not_count(tmp_path: Path) -> None:
    path = frame(tmp_path, "0001.png")

    account_of("[addon] Saved: 'preset A'", f"Saved: '{path}'").check(frames(1))


def test_a_name_with_a_zero_byte_is_no_file() -> None:
    with pytest.raises(CommandFailed, match="there is no such file"):
        account_of("Saved: 'a\0b'").check(frames(1))


def test_a_skipped_frame_is_seen_behind_words_without_a_newline(tmp_path: Path) -> None:
    path = frame(tmp_path, "0002.png")

    account_of(f'.skipping existing frame "{path}"').check(frames(2))


def views_of(folder: Path, *names: str) -> FrameAccount:
    return account_of(
        *(f'skipping existing frame "{folder / name}" for view "{name[5]}"' for name in names)
    )


def test_all_views_of_a_frame_are_set_aside_together(tmp_path: Path) -> None:
    for name in ("0001_L.png", "0001_R.png", "0002_L.png", "0002_R.png", "0003_L.png"):
        frame(tmp_path, name)
    (tmp_path / "0001_R.png").write_bytes(b"")

    views_of(
        tmp_path, "0001_L.png", "0001_R.png", "0002_L.png", "0002_R.png", "0003_L.png"
    ).set_aside_skipped(found())

    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["0002_L.png", "0002_R.png"]
