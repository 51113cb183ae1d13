"""Which files of a farm belong to its backup, besides its databases."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from manager_api.backup.manifest import (
    JOB_FILES,
    LOGS,
    SCRIPTS,
    STORAGE_NOTE,
    TLS,
    BackupRefused,
    check_name,
)
from manager_api.settings.about import Secret, settings_of
from manager_api.settings.file import masked, with_values
from manager_api.settings.model import ManagerSettings

#: Pictures that are made again when they are looked at.
_MADE_AGAIN = "frame-images"
#: Settings that say where the manager's own data is. A restored farm has it in its data directory.
_PLACES = ("data_dir", "local_manager_storage_path", "job_types_path")


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user wants in a backup."""

    logs: bool = True
    """Logs of tasks and of the manager, and last-rendered images."""
    secrets: bool = True
    """Passwords in the settings, private keys, tokens, webhooks."""


@dataclass(slots=True)
class Contents:
    data_dir: Path
    files: list[tuple[str, Path]] = field(default_factory=list)
    """Names in the backup, and where the files are."""
    settings: bytes | None = None
    """The content of the settings file; None if there is none."""
    left_out: list[str] = field(default_factory=list)
    """Sentences about what belongs to the farm and is not in the backup."""

    @property
    def size(self) -> int:
        """The bytes of all files now."""
        return sum(_size(path) for _, path in self.files)


def contents_of(settings: ManagerSettings, choice: Choice) -> Contents:
    """Find the files.

    Raises:
        BackupRefused: a file has a name that no backup can have.
        OSError: a folder cannot be read.
        SettingsError: the settings file is not readable.
    """
    found = Contents(settings.data_dir)
    data_dir = settings.data_dir
    _take_settings(found, settings, choice)
    _take(found, SCRIPTS, settings.job_types_path)
    if choice.secrets:
        _take(found, TLS, data_dir / TLS)
    if choice.logs:
        _take(found, JOB_FILES, settings.local_manager_storage_path, without=_MADE_AGAIN)
        _take(found, LOGS, data_dir / LOGS)
    if place_in(data_dir, settings.shared_storage_path) is None:
        # Of a storage in the data directory a note would say that files are missing.
        found.files.append((STORAGE_NOTE, data_dir / STORAGE_NOTE))
    found.left_out += _left_out(settings, choice)
    return found


def place_in(data_dir: Path, path: Path) -> Path | None:
    """Return a path relative to the data directory, which may be reached through links.

    None: it is elsewhere.
    """
    for each in (path, path.parent.resolve() / path.name):
        for folder in (data_dir, data_dir.resolve()):
            if each.is_relative_to(folder):
                return each.relative_to(folder)
    return None


def _take(found: Contents, name: str, folder: Path, without: str = "") -> None:
    if folder.resolve() == found.data_dir.resolve():
        raise BackupRefused(
            f"The settings name the data directory {folder} itself as the place of {name}, so its "
            "files cannot be told from secrets and databases. Name a folder of its own."
        )
    for file in _files_below(folder, without):
        own_name = f"{name}/{file.relative_to(folder).as_posix()}"
        try:
            own_name.encode()
            check_name(own_name)
        except (BackupRefused, UnicodeEncodeError):
            raise BackupRefused(
                f"The file {str(file)!r} has a name that a backup cannot have. Rename or remove it."
            ) from None
        found.files.append((own_name, file))


def _files_below(folder: Path, without: str) -> Iterator[Path]:
    """Yield the files; links to files count as files, links to folders are not followed."""
    for place, folders, files in os.walk(folder, onerror=_raise_unless_gone):
        here = Path(place)
        if here == folder and without in folders:
            folders.remove(without)
        yield from (here / name for name in files)


def _raise_unless_gone(error: OSError) -> None:
    # A job's folder may be deleted meanwhile; but one that cannot be read must not be left out.
    if not isinstance(error, FileNotFoundError):
        raise error


def _take_settings(found: Contents, settings: ManagerSettings, choice: Choice) -> None:
    file = ManagerSettings.file({"data_dir": settings.data_dir})
    if file is None:
        return
    content = ManagerSettings.file_content(file)
    changes = _places(content, settings)
    if not choice.secrets:
        secrets = _secrets_in(content)
        changes |= dict.fromkeys(secrets)
        found.left_out += [f"The setting {name}, a secret." for name in secrets]
    if not changes:
        found.settings = file.read_bytes()
        return
    changed = with_values(content, changes)
    found.settings = yaml.safe_dump(changed, sort_keys=False, allow_unicode=True).encode()


def _places(content: Mapping[str, Any], settings: ManagerSettings) -> dict[str, Any]:
    """Return the changes that make paths of the manager's own data those of any data directory."""
    changes: dict[str, Any] = {name: None for name in _PLACES if name in content}
    if "database" in content and settings.database_url.startswith("sqlite"):
        changes["database"] = None
    if settings.tls_files is not None and isinstance(content.get("tls"), dict):
        for key, file in zip(("cert", "key"), settings.tls_files, strict=True):
            if file.is_relative_to(settings.data_dir):
                changes[f"tls.{key}"] = str(file.relative_to(settings.data_dir))
    return changes


def _secrets_in(content: Mapping[str, Any]) -> list[str]:
    """Return the names of settings whose values in the file hold a secret."""
    hidden = masked(content)
    return [
        each.name
        for each in settings_of(ManagerSettings)
        if each.about.secret is not Secret.NOTHING
        and _value(content, each.name) != _value(hidden, each.name)
    ]


def _value(content: Mapping[str, Any], name: str) -> Any:
    value: Any = content
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _left_out(settings: ManagerSettings, choice: Choice) -> Iterator[str]:
    yield f"The shared storage {settings.shared_storage_path}: frames, and files of jobs."
    if settings.temporal_address:
        yield f"Temporal at {settings.temporal_address}: back it up by its own means."
    if not choice.logs:
        yield "Logs of tasks and of the manager, and last-rendered images."
    if not choice.secrets:
        yield "Private keys and certificates of the folder tls."
        yield "Sessions, tokens of people and services, join tokens, and notifications."
    files = [*(settings.tls_files or ()), *_temporals_files(settings)]
    for file in files:
        if not file.is_relative_to(settings.data_dir / TLS):
            yield f"The file {file}, which the settings name."


def _temporals_files(settings: ManagerSettings) -> Iterator[Path]:
    """Yield the certificates and the key for a Temporal of the studio's own."""
    for name in (
        settings.temporal_tls_ca,
        settings.temporal_tls_cert,
        settings.temporal_tls_key,
    ):
        if name:
            yield settings.data_dir / Path(name).expanduser()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
