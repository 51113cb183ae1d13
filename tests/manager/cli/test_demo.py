"""`tablao demo`, without the farm: finding a Blender, and judging what was rendered.

The demo as a whole is an end-to-end test.
"""

import shutil
import sys
from pathlib import Path

import pytest

from manager_api.cli.blender import find, install, python_with_wheel, requirement
from manager_api.cli.client import Manager
from manager_api.cli.console import CommandError
from manager_api.cli.demo import FRAMES, build_scene, check_outcome, progress_in_words
from tests.manager.cli.fake_manager import FakeManager

JOB = "11111111-1111-4111-8111-111111111111"


def program(path: Path, script: str = 'echo "Blender 9.9"') -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_blender_is_where_the_user_said(tmp_path: Path) -> None:
    named, on_path = program(tmp_path / "a" / "blender-9"), program(tmp_path / "b" / "blender")

    found = find({"TABLAO_BLENDER": str(named), "PATH": str(on_path.parent)})

    assert found == named


def test_blender_is_found_on_path_but_not_in_our_own_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = program(tmp_path / "venv" / "bin" / "blender"), program(tmp_path / "blender")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))

    assert find({"PATH": f"{ours.parent}:{theirs.parent}"}) == theirs
    assert find({"PATH": str(ours.parent)}) is None


def test_a_blender_that_is_not_where_the_user_said_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="there is no such program"):
        find({"TABLAO_BLENDER": str(tmp_path / "none"), "PATH": ""})


def test_a_blender_that_does_not_run_is_refused_with_its_last_word(tmp_path: Path) -> None:
    script = "echo 'libGL.so.1: cannot open shared object file' >&2; exit 127"
    broken = program(tmp_path / "blender", script)

    with pytest.raises(CommandError, match=r"libGL\.so\.1.*apt-get install libgl1"):
        find({"PATH": str(broken.parent)})


def test_the_wheel_is_taken_for_the_python_that_it_fits() -> None:
    assert python_with_wheel((3, 11)) == (sys.executable, (3, 11))


def test_another_python_serves_where_ours_has_no_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = program(tmp_path / "python3.13")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert python_with_wheel((3, 12)) == (str(other), (3, 13))


def test_without_a_python_that_fits_the_sentence_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(CommandError, match=r"not made for Python 3\.12"):
        python_with_wheel((3, 12))


def test_the_pinned_list_is_installed_where_there_is_one(tmp_path: Path) -> None:
    pinned = tmp_path / "deploy" / "requirements-bpy-py313.txt"
    pinned.parent.mkdir()
    pinned.touch()

    assert requirement((3, 13), tmp_path)[-1] == str(pinned)
    assert requirement((3, 11), tmp_path) == ["bpy==4.5.*"]


def test_an_installation_is_made_once_and_again_if_it_was_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("manager_api.cli.blender.python_with_wheel", lambda: ("python", (3, 11)))
    folder, commands = tmp_path / ".venv-bpy", []

    def interrupted(command: list[str]) -> None:
        raise KeyboardInterrupt

    def step(command: list[str]) -> None:
        commands.append(command)
        program(folder / "bin" / "python")

    with pytest.raises(KeyboardInterrupt):
        install(folder, interrupted)
    launcher = install(folder, step)
    install(folder, step)

    assert [command[1:3] for command in commands] == [["-m", "venv"], ["-m", "pip"]]
    assert "blender_launcher.py" in launcher.read_text()


def test_a_scene_that_cannot_be_built_ends_with_blenders_last_words(tmp_path: Path) -> None:
    broken = program(tmp_path / "blender", "echo no memory left; exit 3")

    with pytest.raises(CommandError, match="no memory left"):
        build_scene(broken, tmp_path / "demo" / "fan.blend")


def test_the_scene_is_built_by_a_real_blender(tmp_path: Path) -> None:
    executable = shutil.which("blender")
    assert executable is not None, "Install Blender: .ci/system-packages does it on Debian."

    scene = build_scene(Path(executable), tmp_path / "demo" / "fan.blend")

    assert scene.stat().st_size > 100_000


def a_job_in(folder: Path, status: str = "completed") -> dict[str, object]:
    settings = {"render_output_path": f"{folder}/######"}
    return {"id": JOB, "status": status, "activity": "why it ended", "settings": settings}


def test_a_complete_demo_says_where_frames_and_video_are(
    fake: FakeManager, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(24):
        (tmp_path / f"{number:06}.png").touch()
    (tmp_path / "fan-1-24.mp4").touch()

    with Manager(fake.url) as manager:
        check_outcome(manager, a_job_in(tmp_path))

    said = capsys.readouterr().out
    assert f"{tmp_path} (24 of them)" in said
    assert str(tmp_path / "fan-1-24.mp4") in said


def test_a_demo_without_its_frames_fails(fake: FakeManager, tmp_path: Path) -> None:
    with Manager(fake.url) as manager, pytest.raises(CommandError, match="0 frames and 0 videos"):
        check_outcome(manager, a_job_in(tmp_path))


def test_a_failed_demo_shows_the_log_of_what_failed(
    fake: FakeManager, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.logs["44444444-4444-4444-8444-444444444444"] = "out of memory\n"

    with Manager(fake.url) as manager, pytest.raises(CommandError, match="why it ended"):
        check_outcome(manager, a_job_in(tmp_path, "failed"))

    assert "out of memory" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("status", "done", "words"),
    [
        ("queued", 0, "Waiting for a worker"),
        ("active", 12, f"Rendering: 12 of {FRAMES} frames"),
        ("active", FRAMES, f"All {FRAMES} frames are rendered; making the preview video"),
        ("completed", FRAMES + 1, "The job is completed"),
    ],
)
def test_the_demo_says_what_its_job_does_now(status: str, done: int, words: str) -> None:
    job = {"status": status, "steps_completed": done, "steps_total": FRAMES + 1}

    assert progress_in_words(job) == words
