"""The farm's own job types: scripts in a folder, which is read at each request."""

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
#: A smaller file is ignored, as in Flamenco.
_MIN_BYTES = 8
#: A time-out or a crash may have been the machine's fault, so the script is tried again after this.
_ACCIDENT_KEPT_S = 30.0

#: Changes when a file's content changes: inode, size, time of the last change in nanoseconds.
Signature = tuple[int, int, int]


class JobTypeBroken(FarmError):
    """A job type of that name has a script, but it does not work. The message is a sentence."""


@dataclass(frozen=True, slots=True)
class Described:
    """The result of running a script: a job type, or a problem."""

    read_from: Mapping[str, Signature | None]
    """The files that the result depends on, by name; None: the file did not exist."""
    job_type: JobType | None = None
    problem: str = ""
    expires: float = float("inf")


@dataclass(slots=True)
class _Script:
    one_at_a_time: threading.Lock = field(default_factory=threading.Lock)
    described: Described | None = None


class FolderJobTypes:
    """The job types of a folder. A script runs again only if a file that it used has changed.

    The class is thread-safe.
    """

    def __init__(self, folder: Callable[[], Path], sandbox: Sandbox) -> None:
        """
        Args:
            folder: Returns the folder, which need not exist. It is called at each use, so a
                changed setting takes effect.
            sandbox: Runs the scripts.
        """
        self._folder = folder
        self.sandbox = sandbox
        self._compiler = ScriptCompiler(sandbox)
        self._scripts: dict[Path, _Script] = {}

    @property
    def folder(self) -> Path:
        """The folder of the present settings, which need not exist."""
        return self._folder()

    def job_types(self) -> Iterator[JobType]:
        """Yield the job types that work, sorted by file name; two may have the same name."""
        for _, described in self.described():
            if described.job_type is not None:
                yield described.job_type

    def job_type(self, name: str) -> JobType | None:
        """Return the job type of that name; None if no script has the name.

        If several scripts have the name, the first that works counts, by file name.

        Raises:
            JobTypeBroken: there are scripts of that name, but none of them works.
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
        """Return all scripts, broken ones included, or those that define the job type `name`."""
        folder = self._folder()
        files = signatures(folder)
        paths = [
            folder / file
            for file in sorted(files)
            if is_job_type(file) and name in (None, name_of(file))
        ]
        if not paths:
            return []
        # The first request runs all scripts, and must not take long.
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
            # The files that it would have required are not known, so any changed file counts.
            return Described(files, problem=str(problem))
        except CompileError as problem:
            return Described(_only(files, path.name, *required), problem=str(problem))
        return Described(_only(files, path.name, *required), job_type)


class NotRun(CompileError):
    """The script could not be read, or failed while it ran."""


def described_as(
    path: Path, compiler: ScriptCompiler, required: list[str] | None = None
) -> JobType:
    """Return the job type that a script defines.

    Args:
        path: The script's file.
        compiler: Reads and runs the script.
        required: Gets the names of the other files that the script used.

    Raises:
        CompileError: the script defines no job type that works; the sentence says why.
        ScriptFailed: the script gave no answer.
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
    """Return the signatures of all scripts directly in the folder, without symbolic links.

    The scripts that others may require are included.
    """
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
            continue  # its name cannot be sent to a client, or the file was just deleted
        if stat.S_ISREG(status.st_mode) and status.st_size >= _MIN_BYTES:
            found[entry.name] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return found


def is_job_type(file: str) -> bool:
    """Return False for Python files that begin with `_`, which other scripts may import."""
    return not (file.endswith(".py") and file.startswith("_"))


def name_of(file: str) -> str:
    """Return the job type's name for a file name: `my_job_type.js` defines `my-job-type`."""
    return file.rpartition(".")[0].replace("_", "-")


def _still_holds(known: Described, files: Mapping[str, Signature]) -> bool:
    if time.monotonic() > known.expires:
        return False
    return all(files.get(name) == signature for name, signature in known.read_from.items())


def describe_file(path: Path, sandbox: Sandbox) -> JobType:
    """Return the job type of one script in any folder.

    Raises:
        CompileError: the script does not work; the sentence says why.
    """
    source = FolderJobTypes(lambda: path.parent, sandbox)
    for found, described in source.described(name_of(path.name)):
        if found.name == path.name:
            if described.job_type is None:
                raise CompileError(described.problem)
            return described.job_type
    raise CompileError(f"{path.name} is not a script: it must be a file *.js or *.py.")
