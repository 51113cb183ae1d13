"""A copy on the shared storage has all files that a file refers to, or there is no copy."""

import gzip
import re
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from addon.core.files import Canceled, FilesError, Route
from addon.core.files.copying import copy_pack
from addon.core.files.pack import Pack, PackedFile
from tests.addon.files.delivering import Watcher, delivered, files_in


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    path = tmp_path / "storage"
    path.mkdir()
    return path


@pytest.fixture
def project(small_project: Path, tmp_path: Path) -> Path:
    """One that may be changed."""
    return shutil.copytree(small_project, tmp_path / "project")


def test_a_copy_has_the_jobs_name_and_all_that_the_file_refers_to(
    small_project: Path, small_contents: list[str], storage: Path
) -> None:
    copy = Path(
        delivered(Route.COPY, small_project / "shot.blend", storage, job_name="a/b").blendfile
    )

    assert re.fullmatch(r"\d{4}-\d\d-\d\d_\d{6}-a-b", copy.parent.name)
    assert copy.parent.parent == storage
    assert files_in(copy.parent) == small_contents


def test_jobs_of_the_same_name_and_second_get_folders_of_their_own(
    small_project: Path, storage: Path
) -> None:
    copies = {delivered(Route.COPY, small_project / "shot.blend", storage).blendfile for _ in "123"}

    assert len(copies) == 3


def test_artists_who_submit_the_same_at_once_take_no_folder_from_each_other(
    storage: Path, tmp_path: Path
) -> None:
    begin = threading.Barrier(6)

    def submit(number: int) -> list[tuple[Path, str]]:
        file = tmp_path / f"{number}.txt"
        file.write_text(str(number))
        pack = Pack("shot.blend", (PackedFile(file, "shot.blend"),))
        begin.wait(30)
        return [
            (copy_pack(pack, storage, "same", lambda *_: None, lambda: False), str(number))
            for _ in range(20)
        ]

    with ThreadPoolExecutor(6) as artists:
        made = [each for copies in artists.map(submit, range(6)) for each in copies]

    assert len({copy for copy, _ in made}) == 120
    assert [copy.read_text() for copy, _ in made] == [content for _, content in made]


def test_progress_is_told_in_bytes_up_to_all_of_them(small_project: Path, storage: Path) -> None:
    watcher = Watcher()

    copy = delivered(Route.COPY, small_project / "shot.blend", storage, watcher=watcher).blendfile

    size = sum(path.stat().st_size for path in Path(copy).parent.iterdir())
    assert watcher.steps[0] == ("Looking through shot.blend", 0, 0)
    done = [done for step, done, _ in watcher.steps if step.startswith("Copying")]
    assert done == sorted(done)
    assert watcher.steps[-1][1:] == (size, size)


@pytest.mark.parametrize("at", ["Looking through", "Copying"])
def test_a_cancel_leaves_nothing_behind(small_project: Path, storage: Path, at: str) -> None:
    with pytest.raises(Canceled):
        delivered(Route.COPY, small_project / "shot.blend", storage, watcher=Watcher(cancel_at=at))

    assert list(storage.iterdir()) == []


def test_a_project_root_that_the_file_is_not_in_does_not_matter(
    small_project: Path, small_contents: list[str], storage: Path, tmp_path: Path
) -> None:
    copy = delivered(
        Route.COPY, small_project / "shot.blend", storage, project_root=tmp_path
    ).blendfile

    assert files_in(Path(copy).parent) == small_contents


def test_a_project_reached_through_a_link_is_one_project(
    small_project: Path, small_contents: list[str], storage: Path, tmp_path: Path
) -> None:
    linked = tmp_path / "linked"
    linked.symlink_to(small_project, target_is_directory=True)

    copy = delivered(
        Route.COPY, linked / "shot.blend", storage, project_root=small_project
    ).blendfile

    assert files_in(Path(copy).parent) == small_contents


def test_a_texture_that_is_a_link_goes_along_as_a_file(
    project: Path, storage: Path, tmp_path: Path
) -> None:
    kept = (project / "of shot.png").rename(tmp_path / "kept elsewhere.png")
    (project / "of shot.png").symlink_to(kept)

    copy = Path(delivered(Route.COPY, project / "shot.blend", storage).blendfile)

    texture = copy.with_name("of shot.png")
    assert not texture.is_symlink()
    assert texture.read_bytes() == kept.read_bytes()


@pytest.mark.parametrize("how", ["zstd", "gzip"])
def test_compressed_files_are_looked_through(
    project: Path, small_contents: list[str], storage: Path, how: str
) -> None:
    shot = project / "shot.blend"
    content = shot.read_bytes()
    assert content.startswith(b"BLENDER")
    # Blender compresses with zstd, and did with gzip before 3.0.
    compressed = (project / "compressed.blend").read_bytes()
    shot.write_bytes(compressed if how == "zstd" else gzip.compress(content))
    assert not shot.read_bytes().startswith(b"BLENDER")

    copy = delivered(Route.COPY, shot, storage).blendfile

    assert files_in(Path(copy).parent) == small_contents
    assert Path(copy).read_bytes() == shot.read_bytes()


def test_what_is_no_blend_file_is_a_sentence(storage: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.blend"
    file.write_bytes(b"nothing of Blender's")

    with pytest.raises(FilesError, match=r"a\.blend is no \.blend file that can be read"):
        delivered(Route.COPY, file, storage)

    assert list(storage.iterdir()) == []


def test_a_file_that_was_never_saved_is_a_sentence(storage: Path, tmp_path: Path) -> None:
    with pytest.raises(FilesError, match=r"a\.blend is not there: save it"):
        delivered(Route.COPY, tmp_path / "a.blend", storage)


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    file = tmp_path / "cache.abc"
    file.write_bytes(b"x" * 3_000_000)
    return Pack("cache.abc", (PackedFile(file, "cache.abc"),))


@pytest.mark.usefixtures("pack", "storage", "nobody_special")
def test_a_file_that_may_not_be_read_is_a_sentence(pack: Pack, storage: Path) -> None:
    pack.files[0].source.chmod(0)

    with pytest.raises(FilesError, match=r"You may not read .*cache\.abc"):
        copy_pack(pack, storage, "job", lambda *_: None, lambda: False)

    assert list(storage.iterdir()) == []


@pytest.mark.usefixtures("pack", "storage", "nobody_special")
def test_a_storage_that_may_not_be_written_is_a_sentence(pack: Pack, storage: Path) -> None:
    storage.chmod(0o555)

    with pytest.raises(FilesError, match=r"You may not write to the farm's shared storage"):
        copy_pack(pack, storage, "job", lambda *_: None, lambda: False)


def test_a_storage_without_room_is_a_sentence(storage: Path, tmp_path: Path) -> None:
    file = tmp_path / "cache.abc"
    with file.open("wb") as sparse:
        sparse.truncate(shutil.disk_usage(tmp_path).free + 10**9)
    pack = Pack("cache.abc", (PackedFile(file, "cache.abc"),))

    with pytest.raises(FilesError, match=r"has [\d.]+ GB free, .* [\d.]+ GB: make room there"):
        copy_pack(pack, storage, "job", lambda *_: None, lambda: False)


def test_a_file_that_changes_meanwhile_is_a_sentence(storage: Path, pack: Pack) -> None:
    def progress(_step: str, done: int, _total: int) -> None:
        if done == 1024 * 1024:
            with pack.files[0].source.open("ab") as still_written:
                still_written.write(b"more")

    with pytest.raises(FilesError, match=r"cache\.abc was changed while it was being sent"):
        copy_pack(pack, storage, "job", progress, lambda: False)

    assert list(storage.iterdir()) == []
