"""Lists, reads and changes the scripts of job types in their folder, and no file outside it."""

import hashlib
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from manager_api.contract.errors import BadRequest, Conflict, FarmError, NotFound
from manager_api.contract.job_type_scripts import (
    ChangedScript,
    JobTypeSource,
    Language,
    ListedJobType,
    Origin,
)
from manager_api.database import trail
from manager_api.job_types.compiling import read_source
from manager_api.job_types.drafts import draft_job_type, embedded_source
from manager_api.job_types.folder import Described, FolderJobTypes, name_of
from manager_api.job_types.registry import BuiltInJobTypes
from workflows.domain.job_types.definitions import CompileError, JobType

SUFFIXES: Mapping[Language, str] = {Language.JAVASCRIPT: ".js", Language.PYTHON: ".py"}
#: The least number of bytes of a script; the folder ignores smaller files.
_SHORTEST = 8
_NEW_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_NAME = 64
#: Windows has no files with these names, whatever suffix follows.
_RESERVED = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9])")


class CannotStore(FarmError):
    """A script cannot be read, written or deleted. Nothing has changed."""


class JobTypeScripts:
    """Lists, reads and changes scripts.

    Every method blocks and may wait for scripts, so call it in one of the registry's threads.
    """

    def __init__(self, scripts: FolderJobTypes) -> None:
        self._scripts = scripts
        self._built_in = {each.name: each for each in BuiltInJobTypes().job_types()}

    def all(self) -> list[ListedJobType]:
        """Return one entry for each name, sorted by name."""
        found: dict[str, list[tuple[Path, Described]]] = {}
        for path, described in self._scripts.described():
            found.setdefault(name_of(path.name), []).append((path, described))
        listed = [self._listed(name, scripts) for name, scripts in found.items()]
        listed += [_as_built_in(each) for each in self._built_in.values() if each.name not in found]
        return sorted(listed, key=lambda each: each.name)

    def language(self, name: str) -> Language:
        """Return the language of a script.

        Raises:
            NotFound: there is no script of that name.
        """
        return _language(self._path(name))

    def source(self, name: str) -> JobTypeSource:
        """Return the source of a job type.

        For a built-in job type it is a script that makes the same tasks.

        Raises:
            NotFound: there is no job type of that name.
            CannotStore: the script's file cannot be read.
        """
        try:
            path = self._path(name)
        except NotFound:
            source = embedded_source(name)
            if source is None:
                raise
            return _told(name, Origin.BUILT_IN, Language.JAVASCRIPT, None, source)
        try:
            source = read_source(path)
        except OSError as problem:
            raise CannotStore(f"{path.name} cannot be read: {problem.strerror}") from problem
        return _told(name, self._origin(name), _language(path), path.name, source)

    def change(self, name: str, script: ChangedScript, *, is_forced: bool) -> JobTypeSource:
        """Create or replace a script.

        Args:
            name: The job type's name.
            script: The new source.
            is_forced: Store the script even if it does not work.

        Raises:
            BadRequest: the script does not work, or cannot have that name.
            Conflict: the script has changed since the client read it, or exists in another
                language.
            CannotStore: the file cannot be written.
        """
        path = self._place(name, script)
        if len(script.source.encode()) < _SHORTEST:
            raise BadRequest("A script has at least 8 bytes.")
        try:
            self._scripts.folder.mkdir(parents=True, exist_ok=True)
            if not is_forced:
                draft_job_type(path, script.source, self._scripts.sandbox)
            before = _size_and_digest(path)
            _write(path, script.source)
            trail.note(before, _size_and_digest(path))
        except CompileError as problem:
            raise BadRequest(str(problem)) from problem
        except OSError as problem:
            raise CannotStore(f"{path} cannot be written: {problem.strerror}") from problem
        return self.source(name)

    def remove(self, name: str) -> None:
        """Delete a script.

        Raises:
            NotFound: there is no script of that name.
            CannotStore: the file cannot be deleted.
        """
        path = self._path(name)
        try:
            trail.note(_size_and_digest(path), None)
            path.unlink()
        except OSError as problem:
            raise CannotStore(f"{path} cannot be deleted: {problem.strerror}") from problem

    def _listed(self, name: str, scripts: Sequence[tuple[Path, Described]]) -> ListedJobType:
        path, described = _that_counts(scripts)
        told = described.job_type or self._built_in.get(name)
        return ListedJobType(
            name=name,
            label=told.label if told else name,
            description=told.description if told else None,
            origin=self._origin(name),
            language=_language(path),
            file=path.name,
            shadowed=[other.name for other, _ in scripts if other != path],
            problem=described.problem,
        )

    def _origin(self, name: str) -> Origin:
        return Origin.CUSTOMISED if name in self._built_in else Origin.OWN

    def _path(self, name: str) -> Path:
        # Look the path up among the existing files: never build a path from a caller's text.
        scripts = self._scripts.described(name) if name else []
        if not scripts:
            raise NotFound(f'there is no script of a job type "{name}"')
        return _that_counts(scripts)[0]

    def _place(self, name: str, script: ChangedScript) -> Path:
        try:
            current = self.source(name)
        except NotFound:
            return self._new_place(name, script)
        if script.replaces is not None and script.replaces != current.digest:
            raise Conflict(f'"{name}" has been changed since you opened it; look at it again')
        if current.file is None:
            return self._new_place(name, script)
        if script.language != current.language:
            raise Conflict(f'"{name}" exists already, as {current.file}')
        return self._scripts.folder / current.file

    def _new_place(self, name: str, script: ChangedScript) -> Path:
        if not _NEW_NAME.fullmatch(name) or len(name) > _LONGEST_NAME or _RESERVED.fullmatch(name):
            raise BadRequest(
                f'"{name[:70]}" cannot be the name of a job type: use at most {_LONGEST_NAME} '
                "small letters, digits and single hyphens, and begin with a letter"
            )
        path = self._scripts.folder / f"{name.replace('-', '_')}{SUFFIXES[script.language]}"
        if os.path.lexists(path):
            raise Conflict(f"{path.name} exists already, but is not a usable script")
        return path


def _size_and_digest(path: Path) -> dict[str, Any] | None:
    """Return what the audit shows of a script; None if there is none."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    digest = hashlib.sha256(content).hexdigest()
    return {"file": path.name, "bytes": len(content), "sha256": digest}


def _that_counts(scripts: Sequence[tuple[Path, Described]]) -> tuple[Path, Described]:
    """Return the first script that works; if none works, the first."""
    return next((each for each in scripts if each[1].job_type is not None), scripts[0])


def _as_built_in(job_type: JobType) -> ListedJobType:
    return ListedJobType(
        name=job_type.name,
        label=job_type.label,
        description=job_type.description,
        origin=Origin.BUILT_IN,
        language=Language.JAVASCRIPT,
        shadowed=[],
        problem="",
    )


def _language(path: Path) -> Language:
    return Language.PYTHON if path.suffix == ".py" else Language.JAVASCRIPT


def _told(
    name: str, origin: Origin, language: Language, file: str | None, source: str
) -> JobTypeSource:
    digest = hashlib.sha256(source.encode()).hexdigest()
    return JobTypeSource(
        name=name, origin=origin, language=language, file=file, source=source, digest=digest
    )


def _write(path: Path, source: str) -> None:
    """Write the whole file or nothing. Until it is whole, its name is not that of a script."""
    handle, name = tempfile.mkstemp(prefix=f"{path.stem}~", suffix=".new", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(source)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
