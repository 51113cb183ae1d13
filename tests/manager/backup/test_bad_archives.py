"""An archive that is damaged, of a newer version, or made to do harm is refused."""

import hashlib
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from manager_api.backup import archive as archive_module
from manager_api.backup.manifest import BackupRefused
from manager_api.backup.restoring import check_backup, restore_backup
from manager_api.database.schema_version import newest_migration
from manager_api.version import VERSION
from tests.manager.backup.small_farm import NOW, Silent

DATABASE = "tablao.sqlite"


def refused(archive: Path, sentence: str) -> None:
    """Neither a check nor a restore takes it, and nothing is left."""
    target = archive.parent / "new"
    there = sorted(archive.parent.iterdir())

    with pytest.raises(BackupRefused, match=sentence):
        check_backup(archive, Silent())
    with pytest.raises(BackupRefused, match=sentence):
        restore_backup(archive, target, NOW, Silent())

    assert sorted(archive.parent.iterdir()) == there


class Forged:
    """A backup with what a test changes in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.contents: dict[str, bytes] = {DATABASE: b"database"}
        self.modes: dict[str, int] = {}
        self.manifest: dict[str, Any] = {
            "format": 1,
            "tablao": VERSION,
            "migration": newest_migration(),
            "made": "2026-11-30T12:00:00Z",
            "database": "sqlite",
            "temporal": "own",
            "left_out": [],
        }

    def write(self, change: Callable[[dict[str, Any]], object] = lambda _: None) -> Path:
        files = [
            {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in self.contents.items()
        ]
        manifest = {**self.manifest, "files": files}
        change(manifest)
        with zipfile.ZipFile(self.path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in self.contents.items():
                info = zipfile.ZipInfo(name)
                info.external_attr = self.modes.get(name, stat.S_IFREG | 0o600) << 16
                archive.writestr(info, content)
            archive.writestr("manifest.json", json.dumps(manifest))
        return self.path


@pytest.fixture
def forged(tmp_path: Path) -> Forged:
    return Forged(tmp_path / "forged")


def test_what_is_forged_here_is_taken_unless_a_test_changes_it(forged: Forged) -> None:
    assert check_backup(forged.write(), Silent()).size == 8


# --- damage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_one_that_was_cut_short_is_refused(archive: Path, share: float) -> None:
    content = archive.read_bytes()
    archive.write_bytes(content[: int(len(content) * share)])

    refused(archive, "was cut short")


@pytest.mark.parametrize("content", [b"", b"PK", b"hello\n" * 100, b"\x00" * 4096])
def test_a_file_that_is_no_backup_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)

    refused(tmp_path / "file", "is no backup")


def test_another_zip_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "file", "w") as other:
        other.writestr("readme.txt", "hello")

    refused(tmp_path / "file", "is no backup of a farm")


def test_a_changed_byte_of_a_file_is_noticed(archive: Path) -> None:
    content = bytearray(archive.read_bytes())
    content[len(content) // 3] ^= 0xFF
    archive.write_bytes(content)

    refused(archive, "is damaged")


def test_a_changed_list_of_files_is_noticed(archive: Path) -> None:
    content = archive.read_bytes()
    archive.write_bytes(content.replace(b"PK\x01\x02", b"PK\x01\x03"))

    refused(archive, "list of files cannot be read")


def test_content_that_is_not_the_manifests_is_noticed(forged: Forged) -> None:
    forged.write(lambda manifest: manifest["files"][0].update(sha256="0" * 64))

    refused(forged.path, f"its file {DATABASE} is not what was backed up")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BackupRefused, match="No such file or directory"):
        check_backup(tmp_path / "none", Silent())


# --- newer versions -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"tablao": "99.0.0"},
        {"migration": "9999"},
        {"format": 2, "tablao": "99.0.0"},
        {"format": 2, "tablao": "99.0.0", "unknown": True},
    ],
    ids=["version", "migration", "format", "unknown field"],
)
def test_a_backup_of_a_newer_version_is_refused(forged: Forged, change: dict[str, Any]) -> None:
    forged.write(lambda manifest: manifest.update(change))

    refused(forged.path, r"newer than this Tablao .* Install that version")


# --- harm -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "../outside",
        "scripts/../../outside",
        "/etc/passwd",
        "scripts//x",
        "scripts/./x",
        "scripts/a\\b",
        "scripts/a\nb",
        "workers/1/credentials",
        "tablao.sqlite/x",
        "scripts/" + "x" * 2_000,
    ],
)
def test_a_name_that_no_backup_has_is_refused(forged: Forged, name: str) -> None:
    forged.contents[name] = b"harm"

    refused(forged.write(), "which no backup has|is not one of a backup")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR])
def test_only_plain_files_are_taken(forged: Forged, kind: int) -> None:
    forged.contents["scripts/own.js"] = b"/etc/passwd"
    forged.modes["scripts/own.js"] = kind | 0o777

    refused(forged.write(), "is not what a backup has")


def test_a_file_that_the_manifest_does_not_name_is_refused(forged: Forged) -> None:
    forged.contents["scripts/own.js"] = b"more"

    refused(forged.write(lambda manifest: manifest["files"].pop()), "are not those")


def test_a_file_that_is_named_twice_is_refused(forged: Forged) -> None:
    forged.write(lambda manifest: manifest["files"].append(manifest["files"][0]))

    refused(forged.path, "twice")


def test_a_backup_without_its_database_is_refused(forged: Forged) -> None:
    forged.contents = {"scripts/own.js": b""}

    refused(forged.write(), f"lacks the file {DATABASE}")


def test_more_than_the_disk_has_is_refused_before_it_is_written(
    forged: Forged, monkeypatch: pytest.MonkeyPatch
) -> None:
    forged.contents["job-files/bomb"] = b"\x00" * 2**20
    monkeypatch.setattr("manager_api.backup.restoring._ROOM_BYTES", 2**60)

    with pytest.raises(BackupRefused, match="has room for"):
        restore_backup(forged.write(), forged.path.parent / "new", NOW, Silent())


def test_a_file_that_is_longer_than_it_says_is_refused(forged: Forged) -> None:
    forged.contents["job-files/bomb"] = b"\x00" * 2**20
    forged.write(lambda manifest: manifest["files"][1].update(size=10))

    refused(forged.path, "is not what a backup has")


def test_a_list_of_files_that_is_too_long_is_refused_unread(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_module, "_MOST_LIST_BYTES", 10)

    refused(archive, "more than .* files")


def test_too_many_files_are_refused(forged: Forged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "MOST_FILES", 1)
    forged.contents["scripts/own.js"] = b""

    refused(forged.write(), "more than 1 files")


@pytest.mark.parametrize("manifest", [b"", b"[]", b"{}", b'{"format": "x"}', b"\xff\xfe"])
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, manifest: bytes) -> None:
    with zipfile.ZipFile(tmp_path / "file", "w") as archive:
        archive.writestr("manifest.json", manifest)

    refused(tmp_path / "file", "is not one of a backup")


def test_a_manifest_that_lists_much_of_nothing_is_refused_unread(forged: Forged) -> None:
    # It shrinks to a thousandth, and each item would take memory.
    forged.write(lambda manifest: manifest.update(files=[{}] * 1_000_000))

    refused(forged.path, "too long for the files")
