"""The file of a backup: a zip archive with a manifest, written once, and read with suspicion."""

import errno
import hashlib
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

from manager_api.backup.manifest import (
    MOST_FILES,
    NAME_IN_ARCHIVE,
    BackedUpFile,
    BackupRefused,
    Manifest,
    read_manifest,
)


class Progress(Protocol):
    """Is told how far a backup or a restore is, in bytes."""

    def expect(self, size: int) -> None:
        """There is so much more to do than was said before."""

    def done(self, size: int) -> None:
        """So much was done since the last call."""


_BLOCK = 2**20
#: Databases shrink to a fifth; a higher level takes several times as long for a tenth less.
_LEVEL = 1
#: Of a manifest without its files, and of a file in it without its name.
_MOST_MANIFEST_BYTES, _MOST_ROW_BYTES = 2**20, 256
#: A character of a name may be written as an escape.
_MOST_ESCAPE_BYTES = 6
#: The list of files at an archive's end, which is read as a whole.
_MOST_LIST_BYTES = 2**30
_END = struct.Struct("<4s4H2IH")
_END_64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR_BYTES = 20
#: What stands in the short record for a number that only the long one can hold.
_IN_END_64 = 2**32 - 1
_FILE_MODE = 0o600
_ENCRYPTED = 0x1
#: What reading a damaged archive raises.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error, ValueError)


class ArchiveWriter:
    """Writes the files of a backup, each as it is when it is read."""

    def __init__(self, archive: zipfile.ZipFile, progress: Progress) -> None:
        self._archive = archive
        self._progress = progress
        self.files: list[BackedUpFile] = []

    def add(self, name: str, file: Path) -> None:
        """Add a file, with so many bytes as it has now; it may grow meanwhile.

        A file that does not exist any more, or is no regular file, is passed over.

        Raises:
            OSError: it cannot be read, or the archive cannot be written.
        """
        try:
            descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
        except FileNotFoundError:
            return
        except OSError as error:
            # A socket.
            if error.errno == errno.ENXIO:
                return
            raise
        with open(descriptor, "rb") as source:
            found = os.fstat(source.fileno())
            if stat.S_ISREG(found.st_mode):
                self._add(name, source, found.st_size)

    def add_bytes(self, name: str, content: bytes) -> None:
        with self._entry(name) as entry:
            entry.write(content)
        digest = hashlib.sha256(content).hexdigest()
        self.files.append(BackedUpFile(name=name, size=len(content), sha256=digest))

    def add_manifest(self, manifest: Manifest) -> None:
        with self._entry(NAME_IN_ARCHIVE) as entry:
            entry.write(manifest.model_dump_json(indent=1).encode())

    def _add(self, name: str, source: IO[bytes], size: int) -> None:
        digest, done = hashlib.sha256(), 0
        with self._entry(name) as entry:
            while block := source.read(min(_BLOCK, size - done)):
                entry.write(block)
                digest.update(block)
                done += len(block)
                self._progress.done(len(block))
        self.files.append(BackedUpFile(name=name, size=done, sha256=digest.hexdigest()))

    def _entry(self, name: str) -> IO[bytes]:
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = (stat.S_IFREG | _FILE_MODE) << 16
        return self._archive.open(info, "w", force_zip64=True)


@contextmanager
def new_archive(path: Path, progress: Progress) -> Iterator[ArchiveWriter]:
    """Write a new archive, which only this user can read; it is on the disk at the end.

    Raises:
        OSError: it exists, or cannot be written.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    with open(descriptor, "w+b") as file:
        with zipfile.ZipFile(
            file, "w", zipfile.ZIP_DEFLATED, allowZip64=True, compresslevel=_LEVEL
        ) as archive:
            yield ArchiveWriter(archive, progress)
        file.flush()
        os.fsync(file.fileno())


class Archive:
    """A backup that is open for reading. Its list of files has been checked, their content not."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        entries = archive.infolist()
        self.manifest = read_manifest(self._manifest(entries))
        named = {NAME_IN_ARCHIVE: None} | {file.name: file for file in self.manifest.files}
        if sorted(named) != sorted(entry.filename for entry in entries):
            raise BackupRefused(f"Its files are not those that its {NAME_IN_ARCHIVE} names.")
        for entry in entries:
            file = named[entry.filename]
            if not _is_plain(entry) or (file is not None and file.size != entry.file_size):
                raise BackupRefused(f"Its file {entry.filename} is not what a backup has.")

    def _manifest(self, entries: list[zipfile.ZipInfo]) -> bytes:
        found = [entry for entry in entries if entry.filename == NAME_IN_ARCHIVE]
        if len(found) != 1:
            raise BackupRefused(f"It has no {NAME_IN_ARCHIVE}, so it is no backup of a farm.")
        if len(entries) > MOST_FILES + 1:
            raise BackupRefused(f"It has more than {MOST_FILES:,} files.")
        # Of a list of nothing, which shrinks to a thousandth, each item would take memory.
        names = sum(len(entry.filename) for entry in entries)
        most = _MOST_MANIFEST_BYTES + _MOST_ROW_BYTES * len(entries) + _MOST_ESCAPE_BYTES * names
        if found[0].file_size > most:
            raise BackupRefused(f"Its {NAME_IN_ARCHIVE} is too long for the files that it has.")
        with self._archive.open(found[0]) as source:
            return source.read(most)

    def extract(self, folder: Path | None, progress: Progress) -> None:
        """Write all files below a folder, and compare each with its digest. None: only compare.

        They are not flushed to the disk.

        Raises:
            BackupRefused: a file is not what the manifest says. Files that were written stay.
            OSError: a file cannot be written.
        """
        for file in self.manifest.files:
            if folder is None:
                self._read(file, lambda _block: None, progress)
                continue
            path = folder / file.name
            _make_folder(path.parent)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
            with open(descriptor, "wb") as target:
                self._read(file, target.write, progress)

    def _read(
        self, file: BackedUpFile, write: Callable[[bytes], object], progress: Progress
    ) -> None:
        digest, left = hashlib.sha256(), file.size
        try:
            with self._archive.open(file.name) as source:
                # One byte more than there may be.
                while block := source.read(min(_BLOCK, left + 1)):
                    left -= len(block)
                    if left < 0:
                        break
                    digest.update(block)
                    write(block)
                    progress.done(len(block))
        except _DAMAGE as error:
            raise _damaged(file.name) from error
        if left or digest.hexdigest() != file.sha256:
            raise _damaged(file.name)


@contextmanager
def opened_archive(path: Path) -> Iterator[Archive]:
    """Open a backup for reading.

    Raises:
        BackupRefused: it is no backup, or not a whole one, or cannot be restored by this version.
        OSError: it cannot be read.
    """
    # Not blocking, or a pipe would be waited for.
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise BackupRefused("It is no ordinary file.")
        _check_end(file)
        try:
            archive = zipfile.ZipFile(file)
        except _DAMAGE as error:
            raise BackupRefused("It is damaged: its list of files cannot be read.") from error
        with archive:
            try:
                opened = Archive(archive)
            except _DAMAGE as error:
                raise _damaged(NAME_IN_ARCHIVE) from error
            yield opened


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, for this user only."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(0o700)


def _check_end(file: IO[bytes]) -> None:
    """Check that the archive is whole, and its list of files of a bearable length.

    Backups have no comment, so the end of the list is at a known place.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if file.read(4) != b"PK\x03\x04":
        raise BackupRefused("It is no backup of a farm.")
    end = _last(file, size, _END)
    if end is None or end[0] != b"PK\x05\x06":
        raise BackupRefused("It was cut short: its end is missing. Copy it again, or use another.")
    list_bytes = int(end[5])
    end_64 = _last(file, size - _END.size - _LOCATOR_BYTES, _END_64)
    if end_64 is not None and end_64[0] == b"PK\x06\x06" and list_bytes == _IN_END_64:
        list_bytes = int(end_64[8])
    if list_bytes > _MOST_LIST_BYTES:
        raise BackupRefused(f"It has more than {MOST_FILES:,} files.")
    file.seek(0)


def _last(file: IO[bytes], end: int, record: struct.Struct) -> tuple[Any, ...] | None:
    """Return the record that ends at a place of the file; None if there is no room for it."""
    if end < record.size:
        return None
    file.seek(end - record.size)
    return record.unpack(file.read(record.size))


def _is_plain(entry: zipfile.ZipInfo) -> bool:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    has_known_method = entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    return kind in (0, stat.S_IFREG) and has_known_method and not entry.flag_bits & _ENCRYPTED


def _damaged(name: str) -> BackupRefused:
    return BackupRefused(f"It is damaged: its file {name} is not what was backed up.")
