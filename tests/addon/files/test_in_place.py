"""A file on the shared storage gets a copy beside it for each job that needs one."""

import os
from pathlib import Path

import pytest

from addon.core.files import Canceled, FilesError, Route
from tests.addon.files.delivering import Watcher, delivered, files_in


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    path = tmp_path / "storage" / "shots" / "größe 影.blend"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"first version")
    return path


def _deliver(shot: Path) -> Path:
    storage = shot.parents[1]
    return Path(delivered(Route.IN_PLACE, shot, storage).blendfile)


def test_the_job_gets_a_copy_beside_the_file(shot: Path) -> None:
    copy = _deliver(shot)

    assert copy == shot.with_name("größe 影.flamenco.blend")
    assert copy.read_bytes() == b"first version"


def test_the_same_content_is_not_copied_again(shot: Path) -> None:
    first = _deliver(shot)
    second = _deliver(shot)

    assert second == first
    assert files_in(shot.parent) == ["größe 影.blend", "größe 影.flamenco.blend"]


def test_a_copy_of_another_job_is_never_changed(shot: Path) -> None:
    first = _deliver(shot)
    shot.write_bytes(b"second version")
    second = _deliver(shot)

    assert first.read_bytes() == b"first version"
    assert second.name == "größe 影-2.flamenco.blend"
    assert second.read_bytes() == b"second version"


def test_an_older_version_finds_its_copy_again(shot: Path) -> None:
    first = _deliver(shot)
    shot.write_bytes(b"second version")
    _deliver(shot)
    shot.write_bytes(b"first version")

    again = _deliver(shot)

    assert again == first


def test_a_copy_is_not_copied(shot: Path) -> None:
    copy = _deliver(shot)

    assert _deliver(copy) == copy


def test_point_caches_go_along_because_blender_finds_them_by_the_files_name(shot: Path) -> None:
    cache = shot.with_name("blendcache_größe 影")
    cache.mkdir()
    (cache / "a_000001_00.bphys").write_bytes(b"baked")

    copy = _deliver(shot)

    copied = copy.with_name("blendcache_größe 影.flamenco") / "a_000001_00.bphys"
    assert copied.read_bytes() == b"baked"
    assert _deliver(shot) == copy


def test_newly_baked_caches_are_another_version(shot: Path) -> None:
    cache = shot.with_name("blendcache_größe 影")
    cache.mkdir()
    (cache / "a_000001_00.bphys").write_bytes(b"baked")
    first = _deliver(shot)
    (cache / "a_000001_00.bphys").write_bytes(b"baked anew")

    second = _deliver(shot)

    assert second != first
    baked = second.with_name(f"blendcache_{second.stem}") / "a_000001_00.bphys"
    assert baked.read_bytes() == b"baked anew"


def test_a_cancel_leaves_nothing_behind(shot: Path) -> None:
    watcher = Watcher(cancel_at="Copying")

    with pytest.raises(Canceled):
        delivered(Route.IN_PLACE, shot, shot.parents[1], watcher=watcher)

    assert files_in(shot.parent) == ["größe 影.blend"]


def test_a_storage_reached_through_a_link_has_the_farms_name_for_it(
    shot: Path, tmp_path: Path
) -> None:
    mounted = tmp_path / "mounted"
    mounted.symlink_to(shot.parents[1], target_is_directory=True)

    copy = delivered(Route.IN_PLACE, shot, mounted).blendfile

    assert copy == f"{mounted}/shots/größe 影.flamenco.blend"


@pytest.mark.usefixtures("shot", "nobody_special")
def test_a_folder_that_may_not_be_written_is_a_sentence(shot: Path) -> None:
    os.chmod(shot.parent, 0o555)

    with pytest.raises(FilesError, match=r"You may not write to .*shots.*ask for permission"):
        _deliver(shot)
