"""The manager marks the shared storage once, and not an empty mount point."""

import logging
import os
import threading
from pathlib import Path

import pytest

from manager_api.settings.model import ManagerSettings
from manager_api.settings.storage_folders import make_storage_folders
from manager_api.settings.storage_marker import mark, marked_storage
from workflows.domain.storage_marker import NAME, id_in


@pytest.fixture
def settings(tmp_path: Path) -> ManagerSettings:
    return ManagerSettings(data_dir=tmp_path / "data", shared_storage_path=tmp_path / "storage")


def marker(settings: ManagerSettings) -> Path:
    return settings.shared_storage_path / NAME


def test_the_storage_is_marked_once(settings: ManagerSettings) -> None:
    make_storage_folders(settings)
    first = marker(settings).read_bytes()

    make_storage_folders(settings)

    assert marker(settings).read_bytes() == first
    assert marked_storage(settings) == (str(settings.shared_storage_path), id_in(first))
    assert id_in(first)


def test_two_managers_of_one_farm_have_one_marker(
    settings: ManagerSettings, tmp_path: Path
) -> None:
    make_storage_folders(settings)
    second = settings.model_copy(update={"data_dir": tmp_path / "data2"})

    make_storage_folders(second)

    assert marked_storage(second) == marked_storage(settings)


def test_an_empty_mount_point_is_not_marked(
    settings: ManagerSettings, caplog: pytest.LogCaptureFixture
) -> None:
    make_storage_folders(settings)
    known = marked_storage(settings)
    marker(settings).unlink()

    with caplog.at_level(logging.WARNING):
        make_storage_folders(settings)

    assert not marker(settings).exists()
    assert marked_storage(settings) == known
    assert "is it mounted?" in caplog.text


def test_a_marker_that_was_deleted_beside_other_files_comes_back(
    settings: ManagerSettings,
) -> None:
    make_storage_folders(settings)
    known = marked_storage(settings)
    marker(settings).unlink()
    (settings.shared_storage_path / "a.blend").touch()

    make_storage_folders(settings)

    assert (str(settings.shared_storage_path), id_in(marker(settings).read_bytes())) == known


@pytest.mark.parametrize("note", ["", "[]", "{", '{"a": 1}'])
def test_a_broken_note_is_written_again(settings: ManagerSettings, note: str) -> None:
    make_storage_folders(settings)
    known = marked_storage(settings)
    (settings.data_dir / "shared-storage.json").write_text(note)

    mark(settings)

    assert marked_storage(settings) == known


def test_a_pipe_in_the_markers_place_holds_up_nothing(settings: ManagerSettings) -> None:
    make_storage_folders(settings)
    marker(settings).unlink()
    os.mkfifo(marker(settings))
    marking = threading.Thread(target=mark, args=(settings,), daemon=True)

    marking.start()
    marking.join(60)

    assert not marking.is_alive()
    assert id_in(marker(settings).read_bytes())
