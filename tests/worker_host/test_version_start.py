"""Which version of the host a start begins, with all that can be found in the data directory."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from worker_host.data_directory import data_dir_of, default_data_dir
from worker_host.version_start import MOST_TRIES, chosen_folder
from worker_host.versions_folder import Chosen, VersionsFolder, folder_name, version_of

DIGEST = "0a" * 32
OWN = "0.9.0"


def installed(versions: VersionsFolder, version: str, digest: str = DIGEST) -> str:
    """A version's folder, with a program in the place of its Python."""
    folder = folder_name(version, digest)
    python = versions.python(folder)
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    return folder


class Tries:
    """Stands in for trials: notes which were made."""

    def __init__(self, reason: str = "") -> None:
        self.reason = reason
        self.made: list[Chosen] = []

    def __call__(self, chosen: Chosen) -> str:
        self.made.append(chosen)
        return self.reason


@pytest.fixture
def versions(tmp_path: Path) -> VersionsFolder:
    return VersionsFolder(tmp_path)


def test_without_an_upgrade_the_installed_version_runs(versions: VersionsFolder) -> None:
    assert chosen_folder(versions, OWN, Tries()) == ""


@pytest.mark.parametrize(
    ("version", "runs"),
    [("0.10.0", True), ("0.9.1", True), ("0.9.0", False), ("0.8.9", False), ("0.9.0rc1", False)],
)
def test_a_newer_version_runs_in_the_place_of_the_installed_one(
    versions: VersionsFolder, version: str, runs: bool
) -> None:
    folder = installed(versions, version)
    versions.choose(Chosen(running=folder))

    assert chosen_folder(versions, OWN, Tries()) == (folder if runs else "")


def test_a_version_that_was_welcomed_runs_and_the_one_before_is_remembered(
    versions: VersionsFolder,
) -> None:
    old, new = installed(versions, "1.0"), installed(versions, "2.0")
    versions.choose(Chosen(running=old, trial=new, manager="http://farm"))
    tries = Tries()

    assert chosen_folder(versions, OWN, tries) == new
    assert [(each.trial, each.manager) for each in tries.made] == [(new, "http://farm")]
    assert versions.chosen() == Chosen(running=new, previous=old)
    assert chosen_folder(versions, OWN, tries) == new
    assert len(tries.made) == 1


def test_a_doctor_runs_the_version_that_is_running_and_tries_none(
    versions: VersionsFolder,
) -> None:
    old, new = installed(versions, "1.0"), installed(versions, "2.0")
    versions.choose(before := Chosen(running=old, trial=new, manager="http://farm"))

    assert chosen_folder(versions, OWN, None) == old
    assert versions.chosen() == before


@pytest.mark.parametrize("before", ["", "1.0"])
def test_after_a_failed_trial_the_version_before_runs_and_the_reason_is_kept(
    versions: VersionsFolder, before: str
) -> None:
    old, new = before and installed(versions, before), installed(versions, "2.0")
    versions.choose(Chosen(running=old, trial=new))

    assert chosen_folder(versions, OWN, Tries("It fell over.")) == old
    assert versions.chosen() == Chosen(running=old, failed="2.0", reason="It fell over.")


def test_a_trial_that_was_interrupted_is_made_again_but_not_for_ever(
    versions: VersionsFolder,
) -> None:
    def interrupted(_chosen: Chosen) -> str:
        raise SystemExit

    new = installed(versions, "2.0")
    versions.choose(Chosen(trial=new))
    for _ in range(MOST_TRIES):
        with pytest.raises(SystemExit):
            chosen_folder(versions, OWN, interrupted)

    assert chosen_folder(versions, OWN, interrupted) == ""
    assert versions.chosen().failed == "2.0"


def test_a_version_that_is_not_newer_is_not_tried(versions: VersionsFolder) -> None:
    versions.choose(Chosen(trial=installed(versions, OWN)))
    tries = Tries()

    assert chosen_folder(versions, OWN, tries) == ""
    assert tries.made == []


def test_a_version_whose_folder_is_gone_does_not_run(versions: VersionsFolder) -> None:
    versions.choose(Chosen(running=folder_name("2.0", DIGEST), trial=folder_name("3.0", DIGEST)))

    assert chosen_folder(versions, OWN, Tries()) == ""


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{}",
        json.dumps({**asdict(Chosen()), "running": "../../elsewhere"}).encode(),
        json.dumps({**asdict(Chosen()), "running": 3}).encode(),
        json.dumps({**asdict(Chosen()), "tries": "3"}).encode(),
    ],
)
def test_a_damaged_file_chooses_nothing(versions: VersionsFolder, content: bytes) -> None:
    versions.choose(Chosen())
    (versions.path / "chosen.json").write_bytes(content)

    assert versions.chosen() == Chosen()
    assert chosen_folder(versions, OWN, Tries()) == ""


@pytest.mark.parametrize(
    ("version", "digest"),
    [("../1.0", DIGEST), ("1.0/..", DIGEST), ("", DIGEST), ("1.0", "x" * 64), ("1.0", "")],
)
def test_a_folder_is_never_named_for_anything_else(version: str, digest: str) -> None:
    with pytest.raises(ValueError, match="no version"):
        folder_name(version, digest)


def test_a_folder_says_its_version() -> None:
    assert version_of(folder_name("1.0rc1+studio.4", DIGEST)) == "1.0rc1+studio.4"


def test_old_versions_are_removed_but_the_one_before_and_those_in_use(
    versions: VersionsFolder,
) -> None:
    oldest, older, old, new = (installed(versions, f"{number}.0") for number in range(1, 5))
    versions.aside.mkdir()
    (versions.path / "of-a-person").mkdir()
    versions.choose(Chosen(running=new, previous=old))

    versions.tidy(lambda folder: folder.name == older)

    left = {each.name for each in versions.path.iterdir()}
    assert left == {older, old, new, "of-a-person", "chosen.json"}
    assert oldest not in left


Given = Callable[[Path], tuple[list[str], dict[str, str]]]


@pytest.mark.parametrize(
    "given",
    [
        lambda data: (["--slots", "2", "--data-dir", str(data)], {"TABLAO_DATA_DIR": "/other"}),
        lambda data: ([f"--data-dir={data}", "--an-option-to-come"], {}),
        lambda data: (["--data", str(data)], {}),
        lambda data: (["--name", "carmen"], {"TABLAO_DATA_DIR": str(data)}),
    ],
)
def test_the_data_directory_is_the_one_of_the_settings(tmp_path: Path, given: Given) -> None:
    arguments, environment = given(tmp_path / "data")

    assert data_dir_of(arguments, environment) == tmp_path / "data"


@pytest.mark.parametrize("content", ["data_dir: {0}", "slots: 2", "[", "3"])
def test_the_file_of_the_settings_may_name_the_data_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    (tmp_path / "tablao-worker.yaml").write_text(content.format(tmp_path / "data"))

    named = tmp_path / "data" if "data_dir" in content else default_data_dir()
    assert data_dir_of([], {}) == named


def test_what_is_chosen_is_stored_as_a_whole(versions: VersionsFolder) -> None:
    chosen = Chosen(trial=installed(versions, "2.0"), tries=1, manager="http://farm")
    versions.choose(chosen)
    versions.choose(replace(chosen, tries=2))

    assert versions.chosen() == replace(chosen, tries=2)
    assert not (versions.path / "chosen.new").exists()
