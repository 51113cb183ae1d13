"""An upload by Shaman sends only files that the manager lacks, and copes with other clients."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from addon.core.files import Canceled, FilesError, Route
from addon.core.files.checksums import Checksums, checksums
from addon.core.files.pack import Pack, PackedFile
from addon.core.files.shaman import ShamanUpload
from addon.core.manager import Manager, ManagerError
from tests.addon.files.delivering import Watcher, delivered, files_in
from tests.addon.files.farm import FilesFarm
from tests.addon.files.stand_in_shaman import StandInShaman

LARGE = 40 * 1024 * 1024


@pytest.fixture
def shaman() -> Iterator[StandInShaman]:
    with StandInShaman() as shaman:
        yield shaman


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    """Twelve files of different sizes."""
    files = []
    for number in range(12):
        file = tmp_path / f"datei ä {number}.png"
        file.write_bytes(bytes([number]) * (1000 + number))
        files.append(PackedFile(file, f"bilder/datei ä {number}.png"))
    return Pack(files[0].target, tuple(files))


def upload(
    shaman: StandInShaman,
    pack: Pack,
    watcher: Watcher | None = None,
    known: Checksums | None = None,
) -> str:
    watcher = watcher or Watcher()
    known = known or Checksums(None)
    sending = ShamanUpload(Manager(shaman.url), known, watcher.progress, watcher.is_canceled)
    return sending.upload(pack, "Größe: 1")


def blob_of(file: PackedFile) -> tuple[str, int]:
    content = file.source.read_bytes()
    return hashlib.sha256(content).hexdigest(), len(content)


def test_a_real_manager_gets_all_files_and_then_only_what_changed(
    farm: FilesFarm, small_project: Path, small_contents: list[str], tmp_path: Path
) -> None:
    shot, first, second = small_project / "shot.blend", Watcher(), Watcher()

    sent = delivered(
        Route.SHAMAN, shot, tmp_path, manager=farm.url, watcher=first, job_name="Größe: 1"
    )
    again = delivered(
        Route.SHAMAN, shot, tmp_path, manager=farm.url, watcher=second, job_name="Größe: 1"
    )

    assert sent.blendfile == f"{{jobs}}/{sent.shaman_checkout_id}/shot.blend"
    assert sent.shaman_checkout_id == "Größe- 1"
    assert again.shaman_checkout_id.startswith("Größe- 1-")
    assert files_in(farm.location / again.shaman_checkout_id) == small_contents
    assert [step for step, *_ in first.steps if step.startswith("Sending")]
    assert [step for step, *_ in second.steps if step.startswith("Sending")] == []


def test_equal_files_are_sent_once(shaman: StandInShaman, pack: Pack) -> None:
    twin = pack.files[0].source.with_name("twin.png")
    twin.write_bytes(pack.files[0].source.read_bytes())
    files = (*pack.files, PackedFile(twin, "twin.png"))

    checkout = upload(shaman, Pack(pack.blendfile, files))

    assert set(shaman.sends.values()) == {1}
    assert len(shaman.checkouts[checkout]) == 13


def test_what_others_send_is_left_to_them_once_but_for_the_last(
    shaman: StandInShaman, pack: Pack
) -> None:
    shaman.being_sent_by_another = {blob_of(file) for file in pack.files}

    checkout = upload(shaman, pack)

    first_round = shaman.deferrals[:12]
    assert first_round == [True] * 8 + [False] * 4
    assert len(shaman.checkouts[checkout]) == 12
    assert max(shaman.sends.values()) == 2


@pytest.mark.parametrize("status", [200, 208])
def test_an_answer_before_the_file_was_read_counts(
    shaman: StandInShaman, tmp_path: Path, status: int
) -> None:
    file = tmp_path / "large.abc"
    file.write_bytes(os.urandom(1024) * (LARGE // 1024))
    packed = PackedFile(file, "large.abc")
    shaman.answers_early = status

    checkout = upload(shaman, Pack("large.abc", (packed,)))

    assert len(shaman.checkouts[checkout]) == 1


def test_a_file_is_sent_once_more_if_its_connection_broke(
    shaman: StandInShaman, pack: Pack
) -> None:
    shaman.breaks_off = 3

    checkout = upload(shaman, pack)

    assert len(shaman.checkouts[checkout]) == 12
    assert sum(shaman.sends.values()) == 15


def test_a_file_whose_connection_always_breaks_ends_the_upload(
    shaman: StandInShaman, pack: Pack
) -> None:
    shaman.breaks_off = 1000

    with pytest.raises(ManagerError, match="No manager answers"):
        upload(shaman, pack)


def test_files_that_vanish_before_the_checkout_are_sent_again(
    shaman: StandInShaman, pack: Pack
) -> None:
    shaman.forgets_before_checkout = 1

    checkout = upload(shaman, pack)

    assert set(shaman.sends.values()) == {2}
    assert len(shaman.checkouts[checkout]) == 12


def test_a_manager_that_never_has_all_files_is_given_up(shaman: StandInShaman, pack: Pack) -> None:
    shaman.forgets_before_checkout = 1000

    with pytest.raises(FilesError, match=r"After 50 attempts the manager still lacks files"):
        upload(shaman, pack)


@pytest.mark.parametrize(
    "nonsense",
    [["files"], {"files": None}, {"files": [{"sha": "0" * 64, "size": 1}]}, {"files": ["a"]}],
)
def test_what_no_shaman_answers_is_a_sentence(
    shaman: StandInShaman, pack: Pack, nonsense: object
) -> None:
    shaman.talks_nonsense = nonsense

    with pytest.raises(ManagerError, match="not as a Flamenco or Tablao manager"):
        upload(shaman, pack)


def test_a_cancel_stops_in_the_middle_of_a_file(shaman: StandInShaman, tmp_path: Path) -> None:
    file = tmp_path / "large.abc"
    file.write_bytes(b"\0" * LARGE)
    watcher = Watcher(cancel_at="Sending")

    with pytest.raises(Canceled):
        upload(shaman, Pack("large.abc", (PackedFile(file, "large.abc"),)), watcher)

    sent = [done for step, done, _ in watcher.steps if step.startswith("Sending")]
    assert 0 < max(sent) < LARGE
    assert shaman.checkouts == {}


def test_progress_is_told_in_bytes_up_to_all_of_them(shaman: StandInShaman, pack: Pack) -> None:
    watcher = Watcher()

    upload(shaman, pack, watcher)

    size = sum(file.source.stat().st_size for file in pack.files)
    checking = [step[1:] for step in watcher.steps if step[0].startswith("Checking")]
    sending = [step[1:] for step in watcher.steps if step[0].startswith("Sending")]
    assert checking[-1] == (size, size)
    assert sending[-1] == (size, size)
    assert sending == sorted(sending)


def test_a_file_that_changes_between_checking_and_sending_is_a_sentence(
    shaman: StandInShaman, pack: Pack
) -> None:
    last = pack.files[-1].source

    def progress(step: str, _done: int, _total: int) -> None:
        if step.startswith("Sending"):
            last.write_bytes(b"written anew")

    # It is sent last, so it is changed before its turn comes.
    small = Pack(pack.blendfile, (pack.files[0], pack.files[-1]))
    shaman.being_sent_by_another = {blob_of(small.files[1])}
    sending = ShamanUpload(Manager(shaman.url), Checksums(None), progress, lambda: False)

    with pytest.raises(FilesError, match=r"datei ä 11\.png was changed while it was being sent"):
        sending.upload(small, "job")


def test_a_checksum_is_remembered_until_the_file_changes(tmp_path: Path) -> None:
    file, cache = tmp_path / "a.png", tmp_path / "cache"
    file.write_bytes(b"one")
    os.utime(file, (1000, 1000))
    with checksums(cache) as known:
        first = known.of(file, lambda: False, lambda _: None)
    file.write_bytes(b"two")
    os.utime(file, (1000, 1000))  # as nobody does: only to see that it is not read again
    with checksums(cache) as known:
        remembered = known.of(file, lambda: False, lambda _: None)
    os.utime(file, (2000, 2000))
    with checksums(cache) as known:
        changed = known.of(file, lambda: False, lambda _: None)

    assert remembered.sha == first.sha == hashlib.sha256(b"one").hexdigest()
    assert changed.sha == hashlib.sha256(b"two").hexdigest()


def test_a_file_written_just_now_is_not_remembered(tmp_path: Path) -> None:
    file, cache = tmp_path / "a.png", tmp_path / "cache"
    file.write_bytes(b"one")
    stamp = file.stat()
    with checksums(cache) as known:
        known.of(file, lambda: False, lambda _: None)
    file.write_bytes(b"two")
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # as in the same tick of a clock

    with checksums(cache) as known:
        again = known.of(file, lambda: False, lambda _: None)

    assert again.sha == hashlib.sha256(b"two").hexdigest()


@pytest.mark.parametrize("spoiled", ["no database", "no folder"])
def test_a_spoiled_cache_only_costs_time(tmp_path: Path, spoiled: str) -> None:
    file, cache = tmp_path / "a.png", tmp_path / "cache"
    file.write_bytes(b"one")
    if spoiled == "no folder":
        cache.write_text("a file")
    else:
        cache.mkdir()
        (cache / "checksums.sqlite").write_text("not a database, but rather long" * 100)

    with checksums(cache) as known:
        hashed = known.of(file, lambda: False, lambda _: None)

    assert hashed.sha == hashlib.sha256(b"one").hexdigest()
