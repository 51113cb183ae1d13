"""The scripts of job types: listed, read, and changed in their folder. Nothing outside it."""

import hashlib
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from manager_api.contract.errors import BadRequest, Conflict, FarmError, NotFound
from manager_api.contract.job_type_scripts import (
    ChangedScript,
    JobTypeSource,
    Language,
    ListedJobType,
    Origin,
)
from manager_api.job_types.compiling import read_source
from manager_api.job_types.drafts import draft_job_type, embedded_source
from manager_api.job_types.folder import Described, FolderJobTypes, name_of
from manager_api.job_types.registry import BuiltInJobTypes
from workflows.domain.job_types.definitions import CompileError, JobType

SUFFIXES: Mapping[Language, str] = {Language.JAVASCRIPT: ".js", Language.PYTHON: ".py"}
#: As small as a script that counts may be.
_SHORTEST = 8
_NEW_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_NAME = 64
#: No system has a file of these names, whatever comes after the point.
_RESERVED = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9])")


class CannotStore(FarmError):
    """The folder does not take it; nothing has changed."""


class JobTypeScripts:
    """Blocks, and may wait for scripts: to be called in one of the registry's threads."""

    def __init__(self, scripts: FolderJobTypes) -> None:
        self._scripts = scripts
        self._built_in = {each.name: each for each in BuiltInJobTypes().job_types()}

    def all(self) -> list[ListedJobType]:
        """One for each name."""
        found: dict[str, list[tuple[Path, Described]]] = {}
        for path, described in self._scripts.described():
            found.setdefault(name_of(path.name), []).append((path, described))
        listed = [self._listed(name, scripts) for name, scripts in found.items()]
        listed += [_as_built_in(each) for each in self._built_in.values() if each.name not in found]
        return sorted(listed, key=lambda each: each.name)

    def language(self, name: str) -> Language:
        """
        Raises:
            NotFound: there is no script of that name.
        """
        return _language(self._path(name))

    def source(self, name: str) -> JobTypeSource:
        """A built-in one as a script that makes the same tasks.

        Raises:
            NotFound: there is no job type of that name.
            CannotStore: its file cannot be read.
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
        """
        Raises:
            BadRequest: it does not work, or cannot have that name.
            Conflict: somebody else was faster, or has it in another language.
            CannotStore: the folder does not take it.
        """
        path = self._place(name, script)
        if len(script.source.encode()) < _SHORTEST:
            raise BadRequest("A script has at least 8 bytes.")
        try:
            self._scripts.folder.mkdir(parents=True, exist_ok=True)
            if not is_forced:
                draft_job_type(path, script.source, self._scripts.sandbox)
            _write(path, script.source)
        except CompileError as problem:
            raise BadRequest(str(problem)) from problem
        except OSError as problem:
            raise CannotStore(f"{path} cannot be written: {problem.strerror}") from problem
        return self.source(name)

    def remove(self, name: str) -> None:
        """
        Raises:
            NotFound: there is no script of that name.
            CannotStore: the folder does not let it go.
        """
        path = self._path(name)
        try:
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
        # Found among those that are there: no path is ever made of what a caller says.
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
            raise Conflict(f'somebody else has changed "{name}" since; look at it again')
        if current.file is None:
            return self._new_place(name, script)
        if script.language != current.language:
            raise Conflict(f'"{name}" is there already, as {current.file}')
        return self._scripts.folder / current.file

    def _new_place(self, name: str, script: ChangedScript) -> Path:
        if not _NEW_NAME.fullmatch(name) or len(name) > _LONGEST_NAME or _RESERVED.fullmatch(name):
            raise BadRequest(
                f'"{name[:70]}" cannot be the name of a job type: small letters, digits and single '
                f"hyphens are wanted, beginning with a letter, {_LONGEST_NAME} at most"
            )
        path = self._scripts.folder / f"{name.replace('-', '_')}{SUFFIXES[script.language]}"
        if os.path.lexists(path):
            raise Conflict(f"{path.name} is there already, and is no script that counts")
        return path


def _that_counts(scripts: Sequence[tuple[Path, Described]]) -> tuple[Path, Described]:
    """The first that works; if none does, the first."""
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
    """All of it or nothing. A name that is none of a script's, until it is whole."""
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
