"""Runs one job type in Python, in the child process."""

import contextlib
import json
import sys
import traceback
from io import TextIOBase
from pathlib import Path
from types import CodeType, ModuleType

from manager_api.job_types import authoring
from manager_api.job_types.exchange import Answer, Operation, Request
from workflows.domain.frames import BadFrameRange
from workflows.domain.job_types.definitions import CompileError

_LOG_LINES = 200
_LOG_LINE_LENGTH = 1000


def run_python(request: Request) -> Answer:
    answer = Answer()
    folder = Path(request.folder)
    # The folder comes last on the path, so a script's folder cannot replace our own modules.
    sys.path.append(str(folder))
    sys.dont_write_bytecode = True
    with _Printed(answer.logs) as printed, contextlib.redirect_stdout(printed):
        try:
            _run(request, _loaded(request), answer)
        except (Exception, SystemExit) as problem:  # everything that a script raises is its error
            answer.error = f"{_told(problem)} ({_place(problem, request)})"
    answer.required = _imported_from(folder, request.file)
    return answer


def _loaded(request: Request) -> ModuleType:
    module = ModuleType(Path(request.file).stem)
    module.__file__ = str(Path(request.folder, request.file))
    code: CodeType = compile(
        request.scripts[request.file], module.__file__, "exec", dont_inherit=True
    )
    exec(code, module.__dict__)
    return module


def _run(request: Request, module: ModuleType, answer: Answer) -> None:
    compile_job = getattr(module, "compile_job", None)
    if request.operation is Operation.DESCRIBE:
        # If JSON cannot express JOB_TYPE, this raises an error of the script.
        answer.job_type = json.loads(json.dumps(getattr(module, "JOB_TYPE", None)))
        answer.compiles = callable(compile_job)
        return
    if not callable(compile_job):
        raise CompileError("There is no function compile_job.")
    job = authoring.Job(request.job)
    compile_job(job)
    answer.settings = json.loads(json.dumps(job.settings, allow_nan=False))
    answer.metadata = job.metadata
    answer.tasks = [task.as_json() for task in job.tasks]
    answer.uuids = {str(serial): uuid for serial, uuid in authoring.seen_uuids.items()}


def _told(problem: BaseException) -> str:
    if isinstance(problem, CompileError | BadFrameRange):
        return str(problem)
    if isinstance(problem, MemoryError):
        return "MemoryError: it needs more memory than it may have"
    if isinstance(problem, SyntaxError):
        return f"SyntaxError: {problem.msg}"
    return f"{type(problem).__name__}: {problem}"


def _place(problem: BaseException, request: Request) -> str:
    """Return the innermost position that lies in a script of the folder."""
    if isinstance(problem, SyntaxError) and problem.filename:
        return f"{Path(problem.filename).name}, line {problem.lineno}"
    for frame in reversed(traceback.extract_tb(problem.__traceback__)):
        if Path(frame.filename).parent == Path(request.folder):
            return f"{Path(frame.filename).name}, line {frame.lineno}"
    return request.file


def _imported_from(folder: Path, own: str) -> list[str]:
    files = (getattr(module, "__file__", None) for module in [*sys.modules.values()])
    found = {Path(file).name for file in files if file and Path(file).parent == folder}
    return sorted(found - {own})


class _Printed(TextIOBase):
    """The script's standard output, as lines for the manager's log."""

    def __init__(self, logs: list[tuple[str, str]]) -> None:
        self._logs = logs
        self._line = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, rest = (self._line + text).split("\n")
        self._line = rest[:_LOG_LINE_LENGTH]
        for line in lines:
            self._add(line)
        return len(text)

    def close(self) -> None:
        if not self.closed and self._line:
            self._add(self._line)
        super().close()

    def _add(self, line: str) -> None:
        if len(self._logs) < _LOG_LINES:
            self._logs.append(("info", line[:_LOG_LINE_LENGTH]))
