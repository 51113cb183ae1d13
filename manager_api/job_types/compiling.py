"""Lets a script compile a job, and checks the script's result."""

import json
import logging
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from manager_api.job_types.exchange import Answer, Operation, Request, job_as_json
from manager_api.job_types.sandbox import Sandbox, ScriptFailed
from manager_api.settings.platforms import managers_platform
from workflows.domain.job_types.authored import tasks_of_script
from workflows.domain.job_types.definitions import (
    MAX_TASKS,
    AuthoredTask,
    CompileError,
    SubmittedJob,
)
from workflows.domain.task_ids import task_id

logger = logging.getLogger(__name__)

#: Longer than any script that a person writes.
MAX_SCRIPT_BYTES = 4 * 2**20
_LONGEST_ERROR = 2_000
#: Of the lines that a script prints, the submitter is shown so many, and so much of each.
MOST_PRINTED = 20
LONGEST_PRINTED = 500
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: The escape of a NUL character, but not the same letters after an escaped backslash.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class ScriptCompiler:
    def __init__(
        self, sandbox: Sandbox, read: Callable[[Path], Mapping[str, str]] | None = None
    ) -> None:
        """
        Args:
            sandbox: Runs the scripts.
            read: Returns the script at a path, and the scripts that it may require, by file name.
                By default they are read from the disk.
        """
        self._sandbox = sandbox
        self._read = read or read_script

    def of(self, path: Path) -> Callable[[SubmittedJob], list[AuthoredTask]]:
        return lambda job: self._compile(path, job)

    def ask(self, operation: Operation, path: Path, job: SubmittedJob | None = None) -> Answer:
        """Run the script at `path`, and return its answer.

        Raises:
            ScriptFailed: the script gave no answer.
            TooManyScripts: other scripts did not end in time.
            OSError: the script cannot be read.
        """
        answer = self._sandbox.run(
            Request(
                operation=operation,
                file=path.name,
                folder=str(path.parent),
                scripts=dict(self._read(path)),
                limits=self._sandbox.limits,
                job=job_as_json(job) if job else {},
                cwd=os.getcwd(),
                platform=managers_platform(),
                max_tasks=MAX_TASKS,
            )
        )
        answer.error = _printable(answer.error[:_LONGEST_ERROR])
        return answer

    def _compile(self, path: Path, job: SubmittedJob) -> list[AuthoredTask]:
        try:
            answer = self.ask(Operation.COMPILE, path, job)
        except ScriptFailed as problem:
            raise CompileError(str(problem)) from problem
        except OSError as problem:
            raise CompileError(f"{path.name}: {problem.strerror}.") from problem
        _log(answer, job)
        job.printed = _for_submitter(answer)
        if answer.error:
            raise CompileError(answer.error)
        return _taken_over(answer, job)


def read_script(path: Path) -> dict[str, str]:
    """Return the sources of the script and of the scripts that it may require, by file name.

    Raises:
        OSError: the script itself cannot be read, or is too large.
    """
    source = read_source(path)
    return {**read_scripts(path.parent, path.suffix), path.name: source}


def read_scripts(folder: Path, suffix: str) -> dict[str, str]:
    """Return the sources that a script of this language may require, by file name."""
    if suffix != ".js":
        return {}  # Python finds its modules itself.
    scripts = {}
    for other in sorted(folder.glob(f"*{suffix}")):
        if not other.is_symlink():
            try:
                scripts[other.name] = read_source(other)
            except OSError:
                continue  # perhaps no script requires it
    return scripts


def read_source(path: Path) -> str:
    """Return a script's source.

    Raises:
        OSError: the file cannot be read, or is too large.
    """
    if path.stat().st_size > MAX_SCRIPT_BYTES:
        raise OSError(0, f"it is larger than {MAX_SCRIPT_BYTES // 2**20} MB")
    return path.read_text(encoding="utf-8-sig", errors="replace")


def _for_submitter(answer: Answer) -> list[str]:
    """Return the first lines that a script has printed, without control characters."""
    lines = (_CONTROL.sub(" ", _printable(text)).strip() for _, text in answer.logs)
    return [line[:LONGEST_PRINTED] for line in lines if line][:MOST_PRINTED]


def _log(answer: Answer, job: SubmittedJob) -> None:
    for level, text in answer.logs:
        logger.log(
            logging.WARNING if level == "warning" else logging.INFO,
            "%s",
            _printable(text),
            extra={"job_type": job.job_type, "job": job.job_id},
        )


def _taken_over(answer: Answer, job: SubmittedJob) -> list[AuthoredTask]:
    """Return the answer's tasks; set the job's settings and metadata to the script's values."""
    try:
        ids = _final_ids(answer, job)
        tasks = tasks_of_script(_decoded(answer.tasks, ids))
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as problem:
        # A script can replace everything that it is given, even the code that writes its answer.
        raise CompileError("The result of the job type is not understood.") from problem
    settings, metadata = _decoded([json.dumps(answer.settings), json.dumps(answer.metadata)], ids)
    if not isinstance(settings, dict) or not isinstance(metadata, dict):
        raise CompileError("The job's settings and metadata must stay objects.")
    job.settings = settings
    job.metadata = {key: _as_text(value) for key, value in metadata.items()}
    return tasks


def _final_ids(answer: Answer, job: SubmittedJob) -> dict[str, str]:
    """Return the final task ids, by the UUIDs that the script has read."""
    if not answer.uuids:
        return {}
    positions = {str(_plain(task)["serial"]): n for n, task in enumerate(answer.tasks, 1)}
    return {
        uuid: task_id(job.job_id, positions[serial])
        for serial, uuid in answer.uuids.items()
        if serial in positions
    }


def _decoded(lines: list[str], ids: Mapping[str, str]) -> Iterator[Any]:
    for line in lines:
        text = _UUID.sub(lambda found: ids.get(found[0], found[0]), line) if ids else line
        try:
            value = _plain(text)
        except (ValueError, RecursionError) as problem:
            raise CompileError(
                f"The result of the job type is not plain data: {problem}."
            ) from problem
        # Check only texts with escapes: few have any, and the check costs more than parsing.
        if "\\u" in text:
            _check_characters(text, value)
        yield value


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:40]} is not a finite number")
    return number


#: Strict JSON. Python's decoder accepts NaN and Infinity, but answers and databases do not.
_plain = json.JSONDecoder(parse_float=_finite, parse_constant=_finite).decode


def _check_characters(text: str, value: Any) -> None:
    """Refuse NUL characters and halves of surrogate pairs, which databases cannot store."""
    if _NUL.search(text):
        raise CompileError("The result of the job type must not contain NUL characters.")
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as problem:
        raise CompileError("The result of the job type must be valid Unicode.") from problem


def _printable(text: str) -> str:
    """Replace halves of surrogate pairs, which no HTTP answer can carry."""
    return text.encode(errors="replace").decode()


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
