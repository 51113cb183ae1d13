"""`tablao submit`: the job that is sent, and how waiting for it ends."""

import json
import os
from pathlib import Path

import pytest

from manager_api.cli.client import Manager, system_user
from manager_api.cli.console import CommandError
from manager_api.cli.job_settings import BadSetting, as_folder, parse_settings
from manager_api.cli.progress import follow_job
from tests.manager.cli.fake_manager import TAG, FakeManager, Run

JOB = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def blend(tmp_path: Path) -> Path:
    file = tmp_path / "shot 010.blend"
    file.write_bytes(b"BLENDER")
    return file


def test_a_render_is_filled_in_as_the_add_on_would(
    run: Run, fake: FakeManager, blend: Path
) -> None:
    outcome = run("submit", str(blend), "--frames", "1-20")

    path, job = fake.last
    root = str(blend.parent / "renders")
    assert outcome.exit_code == 0
    assert outcome.out == f"Submitted shot 010 as job {JOB}.\n"
    assert path == "/api/v3/jobs"
    assert (job["name"], job["type"], job["priority"]) == ("shot 010", "simple-blender-render", 50)
    assert (job["type_etag"], job["initial_status"]) == ("etag-simple-blender-render", "queued")
    assert job["settings"] == {
        "frames": "1-20",
        "chunk_size": 1,
        "render_output_root": root,
        "add_path_components": 0,
        "render_output_path": f"{root}/shot 010/{{timestamp}}/######",
        "blendfile": str(blend),
        "fps": 24,
        "format": "PNG",
        "image_file_extension": ".png",
        "has_previews": False,
        "scene": "Scene",
    }


def test_options_and_settings_go_before_what_is_filled_in(
    run: Run, fake: FakeManager, blend: Path
) -> None:
    options = ("--output", "/frames", "--name", "a/b", "--scene", "Two", "--priority", "80")
    sets = ("--set", "chunk_size=5", "--set", "fps=12.5", "--set", "has_previews=yes", "--paused")

    run("submit", str(blend), "--frames", "1", *options, *sets)

    job = fake.last[1]
    assert (job["name"], job["priority"], job["initial_status"]) == ("a/b", 80, "paused")
    assert job["settings"]["render_output_path"] == "/frames/a_b/{timestamp}/######"
    assert (job["settings"]["chunk_size"], job["settings"]["fps"]) == (5, 12.5)
    assert job["settings"]["has_previews"] is True
    assert job["settings"]["scene"] == "Two"


def test_metadata_is_sent(run: Run, fake: FakeManager, blend: Path) -> None:
    run(
        "submit", str(blend), "--frames", "1", "--metadata", "longest_run=2h", "--metadata", "a=b=c"
    )

    sent = fake.last[1]["metadata"]
    assert sent == {"user.name": system_user(), "longest_run": "2h", "a": "b=c"}


def test_project_comment_tag_and_user_are_sent(run: Run, fake: FakeManager, blend: Path) -> None:
    told = ("--project", "Pilot", "--comment", "again", "--tag", "gpu")

    run("submit", str(blend), "--frames", "1", *told)

    sent = fake.last[1]
    assert sent["metadata"] == {"user.name": system_user(), "project": "Pilot", "comment": "again"}
    assert sent["worker_tag"] == TAG


def test_a_tag_that_does_not_exist_is_refused(run: Run, fake: FakeManager, blend: Path) -> None:
    outcome = run("submit", str(blend), "--frames", "1", "--tag", "nope")

    assert outcome.exit_code == 1
    assert "nope" in outcome.err


def test_metadata_without_a_key_is_refused(run: Run, blend: Path) -> None:
    outcome = run("submit", str(blend), "--frames", "1", "--metadata", "soon")

    assert outcome.exit_code == 2
    assert "must look like key=value" in outcome.err


def test_existing_frames_are_kept_if_it_is_asked_for(
    run: Run, fake: FakeManager, blend: Path
) -> None:
    run("submit", str(blend), "--frames", "1", "--keep-frames")

    assert fake.last[1]["settings"]["keep_existing_frames"] is True


def test_an_output_that_workers_do_not_see_is_a_warning(
    run: Run, fake: FakeManager, blend: Path
) -> None:
    fake.unseen = ["The output path /private/ana is outside."]

    outcome = run("submit", str(blend), "--frames", "1")

    assert outcome.exit_code == 0
    assert outcome.err == "Warning: The output path /private/ana is outside.\n"


def test_a_file_whose_name_is_no_text_is_refused_with_a_sentence(run: Run, tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.blend")
    Path(path).write_bytes(b"BLENDER")

    outcome = run("submit", path, "--frames", "1")

    assert outcome.exit_code == 1
    assert "bad�.blend is not UTF-8, so rename the file." in outcome.err


@pytest.mark.parametrize("option", ["--name", "--output", "--scene"])
def test_other_arguments_that_are_no_text_are_refused_with_a_sentence(
    run: Run, blend: Path, option: str
) -> None:
    outcome = run("submit", str(blend), "--frames", "1", option, os.fsdecode(b"/a\xff"))

    assert outcome.exit_code == 1
    assert "is not UTF-8." in outcome.err


def test_jobs_that_write_to_the_same_files_are_named(
    run: Run, fake: FakeManager, blend: Path
) -> None:
    fake.with_same_output = [{"id": "2222", "name": "shot 010, v1", "status": "active"}]

    outcome = run("submit", str(blend), "--frames", "1")

    assert "The job shot 010, v1 (2222) is active and writes to the same files." in outcome.out


def test_a_job_that_keeps_frames_says_that_it_skips_those_of_other_jobs(
    run: Run, fake: FakeManager, blend: Path
) -> None:
    fake.with_same_output = [{"id": "2222", "name": "shot 010, v1", "status": "active"}]

    outcome = run("submit", str(blend), "--frames", "1", "--keep-frames")

    assert "This job skips the frames that are there" in outcome.out
    assert "renders all" not in outcome.out


@pytest.mark.parametrize(
    ("path", "is_warned"), [("/out/{timestamp}/####", True), ("/out/#", False)]
)
def test_frames_are_not_kept_in_a_folder_of_the_jobs_own(
    run: Run, blend: Path, path: str, is_warned: bool
) -> None:
    setting = f"render_output_path={path}"

    outcome = run("submit", str(blend), "--frames", "1", "--keep-frames", "--set", setting)

    assert outcome.exit_code == 0
    assert ("there are no frames to keep" in outcome.err) is is_warned


def test_a_file_is_sent_by_its_whole_path(
    run: Run, fake: FakeManager, blend: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(blend.parent)

    run("submit", blend.name, "--frames", "1")

    assert fake.last[1]["settings"]["blendfile"] == str(blend)


def test_a_job_type_without_a_file_needs_none_and_gets_its_defaults(
    run: Run, fake: FakeManager
) -> None:
    outcome = run("submit", "--type", "echo-sleep-test", "--set", "message=hi=ho")

    assert outcome.exit_code == 0
    assert fake.last[1]["settings"] == {
        "message": "hi=ho",
        "sleep_duration_seconds": 1,
        "sleep_repeats": 1,
    }


def test_a_file_that_is_not_there_is_refused_before_the_manager_is_asked(
    run: Run, fake: FakeManager
) -> None:
    outcome = run("submit", "/nowhere/x.blend", "--frames", "1", manager="127.0.0.1:1")

    assert outcome.exit_code == 1
    assert outcome.err == "Error: There is no file /nowhere/x.blend.\n"


@pytest.mark.parametrize("arguments", [(), ("--frames", "1-2")])
def test_a_render_without_a_file_is_a_usage_error(
    run: Run, fake: FakeManager, arguments: tuple[str, ...]
) -> None:
    assert run("submit", *arguments).exit_code == 2
    assert fake.asked == []


def test_a_render_without_frames_is_a_usage_error(run: Run, fake: FakeManager, blend: Path) -> None:
    outcome = run("submit", str(blend))

    assert outcome.exit_code == 2
    assert "give the frames" in outcome.err


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("sleep_repeats=many", "must be a whole number, not 'many'"),
        ("nonsense=1", "no setting 'nonsense'. It has: message, "),
        ("message", "must look like key=value"),
    ],
)
def test_a_setting_that_does_not_fit_is_a_usage_error(
    run: Run, fake: FakeManager, setting: str, sentence: str
) -> None:
    outcome = run("submit", "--type", "echo-sleep-test", "--set", setting)

    assert outcome.exit_code == 2
    assert sentence in outcome.err
    assert fake.asked == []


def test_a_job_type_that_the_manager_does_not_know(run: Run) -> None:
    outcome = run("submit", "--type", "nope")

    assert outcome.exit_code == 1
    assert outcome.err == "Error: no job type 'nope'\n"


def test_a_refused_job_is_told_in_the_managers_words(
    run: Run, fake: FakeManager, blend: Path
) -> None:
    fake.refuse = (400, {"code": 400, "message": "frames: '1-' is no range"})

    outcome = run("submit", str(blend), "--frames", "1-")

    assert outcome.exit_code == 1
    assert outcome.err == "Error: frames: '1-' is no range\n"


ECHO = ("submit", "--type", "echo-sleep-test", "--set", "message=hi", "--wait", "--every", "0.01")


def test_waiting_tells_the_progress_and_ends_well_when_the_job_did(run: Run) -> None:
    outcome = run(*ECHO)

    assert outcome.exit_code == 0
    assert "active: 1/3 echo" in outcome.err
    assert "completed" in outcome.err


@pytest.mark.parametrize("ending", ["failed", "canceled"])
def test_waiting_ends_with_1_when_the_job_came_to_nothing(
    run: Run, fake: FakeManager, ending: str
) -> None:
    fake.ending = ending

    outcome = run(*ECHO)

    assert outcome.exit_code == 1
    assert ending in outcome.err


def test_waiting_goes_on_through_a_busy_manager(run: Run, fake: FakeManager) -> None:
    fake.hiccups = 2

    assert run(*ECHO).exit_code == 0


def test_waiting_ends_when_the_job_is_gone(fake: FakeManager) -> None:
    with Manager(fake.url) as manager, pytest.raises(CommandError, match="no such job"):
        follow_job(manager, "gone", every_s=0.01)


def test_waiting_gives_up_on_a_manager_that_stays_away() -> None:
    with Manager("127.0.0.1:1") as manager, pytest.raises(CommandError, match="may go on"):
        follow_job(manager, JOB, every_s=0.01, patience_s=0.05)


def test_json_is_all_that_is_on_standard_output(run: Run) -> None:
    outcome = run(*ECHO, "--json")

    assert json.loads(outcome.out)["status"] == "completed"


@pytest.mark.parametrize(("text", "value"), [("true", True), ("Off", False), ("1", True)])
def test_truth_has_several_spellings(text: str, value: bool) -> None:
    assert parse_settings([f"x={text}"], [{"key": "x", "type": "bool"}]) == {"x": value}


def test_what_is_neither_true_nor_false_is_refused() -> None:
    with pytest.raises(BadSetting, match="must be true or false, not 'maybe'"):
        parse_settings(["x=maybe"], [{"key": "x", "type": "bool"}])


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("shot", "shot"),
        ("a/b\\c", "a_b_c"),
        ("..", "job"),
        ("ñandú 🎬", "ñandú 🎬"),
        ("##{x}", "_x_"),
    ],
)
def test_a_jobs_name_makes_a_folders(name: str, folder: str) -> None:
    assert as_folder(name) == folder
