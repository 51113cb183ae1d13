"""The farm's own job types: scripts in a folder, as they are at the moment of asking."""

import logging
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from manager_api.contract.errors import FarmError
from manager_api.job_types.compiling import ScriptCompiler
from manager_api.job_types.declared import BadJobType, declared_job_type
from manager_api.job_types.exchange import Operation
from manager_api.job_types.sandbox import Sandbox, ScriptFailed
from workflows.domain.job_types.definitions import CompileError, JobType

logger = logging.getLogger(__name__)

_SUFFIXES = (".js", ".py")
_AT_ONCE = 4
#: As in Flamenco: what is smaller is no script.
_MIN_BYTES = 8
#: A time-out or a crash may have been the machine's fault, so it is tried again after a while.
_ACCIDENT_KEPT_S = 30.0

#: Tells one content of a file from another: inode, size, time of the last change.
Signature = tuple[int, int, int]


class JobTypeBroken(FarmError):
    """A script of that name is there, and does not work. The message is a sentence."""


@dataclass(frozen=True, slots=True)
class Described:
    """What a script was found to be."""

    read_from: Mapping[str, Signature | None]
    """The files that this depends on; None: not there."""
    job_type: JobType | None = None
    problem: str = ""
    expires: float = float("inf")


@dataclass(slots=True)
class _Script:
    one_at_a_time: threading.Lock = field(default_factory=threading.Lock)
    described: Described | None = None


class FolderJobTypes:
    """Thread-safe. A script is run again only when a file that it was made of has changed."""

    def __init__(self, folder: Callable[[], Path], sandbox: Sandbox) -> None:
        """
        Args:
            folder: Asked every time, so that a changed setting takes effect; may not exist.
            sandbox: Runs the scripts.
        """
        self._folder = folder
        self.sandbox = sandbox
        self._compiler = ScriptCompiler(sandbox)
        self._scripts: dict[Path, _Script] = {}

    @property
    def folder(self) -> Path:
        """As the settings have it now; may not exist."""
        return self._folder()

    def job_types(self) -> Iterator[JobType]:
        """Those that work; of namesakes the first by file name."""
        for _, described in self.described():
            if described.job_type is not None:
                yield described.job_type

    def job_type(self, name: str) -> JobType | None:
        """
        Raises:
            JobTypeBroken: there are scripts of that name, and none of them works.
        """
        problem = ""
        for _, described in self.described(name):
            if described.job_type is not None:
                return described.job_type
            problem = problem or described.problem
        if problem:
            raise JobTypeBroken(problem)
        return None

    def described(self, name: str | None = None) -> list[tuple[Path, Described]]:
        """All scripts, or those that a job type may have its name from; broken ones too."""
        folder = self._folder()
        files = signatures(folder)
        paths = [
            folder / file
            for file in sorted(files)
            if is_job_type(file) and name in (None, name_of(file))
        ]
        if not paths:
            return []
        # A new farm has all of its scripts run at the first request, which must not take long.
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            return list(
                zip(paths, threads.map(lambda path: self._current(path, files), paths), strict=True)
            )

    def _current(self, path: Path, files: Mapping[str, Signature]) -> Described:
        script = self._scripts.setdefault(path, _Script())
        with script.one_at_a_time:
            known = script.described
            if known is None or not _still_holds(known, files):
                known = script.described = self._describe(path, files)
                if known.problem:
                    logger.warning(
                        "a job type does not work: %s",
                        known.problem,
                        extra={"job_type": name_of(path.name)},
                    )
        return known

    def _describe(self, path: Path, files: Mapping[str, Signature]) -> Described:
        required: list[str] = []
        try:
            job_type = described_as(path, self._compiler, required)
        except ScriptFailed as problem:
            expires = time.monotonic() + _ACCIDENT_KEPT_S
            return Described(files, problem=str(problem), expires=expires)
        except NotRun as problem:
            # What it may have wanted to require is not known, so any change counts.
            return Described(files, problem=str(problem))
        except CompileError as problem:
            return Described(_only(files, path.name, *required), problem=str(problem))
        return Described(_only(files, path.name, *required), job_type)


class NotRun(CompileError):
    """The script could not be read, or failed on its way."""


def described_as(
    path: Path, compiler: ScriptCompiler, required: list[str] | None = None
) -> JobType:
    """What a script is.

    Args:
        path: Of the script.
        compiler: Reads and runs it.
        required: Is filled with the names of other files that the script was made of.

    Raises:
        CompileError: no job type that works; the sentence says why.
        ScriptFailed: it gave no answer.
    """
    try:
        answer = compiler.ask(Operation.DESCRIBE, path)
    except OSError as problem:
        raise NotRun(f"{path.name}: {problem.strerror}.") from problem
    if answer.error:
        raise NotRun(answer.error)
    if required is not None:
        required += answer.required
    try:
        job_type = declared_job_type(
            name_of(path.name), answer.job_type, compiler.of(path), path.name
        )
        if not answer.compiles:
            raise BadJobType("it defines no function that compiles jobs")
    except BadJobType as problem:
        raise CompileError(f"{path.name}: {problem}.") from problem
    return job_type


def _only(files: Mapping[str, Signature], *names: str) -> dict[str, Signature | None]:
    return {name: files.get(name) for name in names}


def signatures(folder: Path) -> dict[str, Signature]:
    """Of all scripts right in the folder, what they may require included; no symbolic links."""
    try:
        entries = [*os.scandir(folder)]
    except OSError:
        return {}
    found = {}
    for entry in entries:
        if not name_of(entry.name) or not entry.name.endswith(_SUFFIXES):
            continue
        try:
            entry.name.encode()
            status = entry.stat(follow_symlinks=False)
        except (UnicodeEncodeError, OSError):
            continue  # no client could be told its name; or it went away while we looked
        if stat.S_ISREG(status.st_mode) and status.st_size >= _MIN_BYTES:
            found[entry.name] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return found


def is_job_type(file: str) -> bool:
    """What begins with `_` is for other Python scripts to import."""
    return not (file.endswith(".py") and file.startswith("_"))


def name_of(file: str) -> str:
    """`my_job_type.js` defines `my-job-type`."""
    return file.rpartition(".")[0].replace("_", "-")


def _still_holds(known: Described, files: Mapping[str, Signature]) -> bool:
    if time.monotonic() > known.expires:
        return False
    return all(files.get(name) == signature for name, signature in known.read_from.items())


def describe_file(path: Path, sandbox: Sandbox) -> JobType:
    """One script, wherever it is.

    Raises:
        CompileError: it does not work; the sentence says why.
    """
    source = FolderJobTypes(lambda: path.parent, sandbox)
    for found, described in source.described(name_of(path.name)):
        if found.name == path.name:
            if described.job_type is None:
                raise CompileError(described.problem)
            return described.job_type
    raise CompileError(f"{path.name} is no script: it must be a file *.js or *.py.")
