"""Runs one JavaScript job type, as Flamenco has them, in a fresh engine of the child process."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import quickjs  # type: ignore[import-untyped] # it publishes no types

from manager_api.job_types.exchange import Answer, Operation, Request, ScriptLimits

_PARTS = ("frames.js", "paths.js", "authoring.js", "driver.js")
#: The engine calls every source `<input>`, so each file gets its own range of line numbers. The job
#: type's lines begin here, and those of the n-th file that it requires at n + 1 times this number.
_LINES = 100_000
_MB = 2**20

#: Lets the process compute for so many seconds from now on.
AllowStep = Callable[[float], None]

_POSITION = re.compile(r"<input>:(\d+):\d+")
_THROW = re.compile(r"(?<![.\w$])throw\b(?![ \t]*[:=,;)}\n])")


def run_javascript(request: Request, allow_step: AllowStep) -> Answer:
    script = _Script(request, request.scripts, allow_step)
    answer = Answer()
    try:
        script.load()
        text = script.run(request.operation)
    except _ComputedTooLong:
        answer.error = f"{request.file}: {_too_long(request.limits)}"
    except quickjs.JSException as problem:
        answer.error = script.explained(problem)
    else:
        _fill(answer, request.operation, text)
    gathered = script.gathered()
    answer.logs, answer.required = gathered["logs"], gathered["required"]
    return answer


def _fill(answer: Answer, operation: Operation, text: str) -> None:
    if operation is Operation.DESCRIBE:
        described = json.loads(text)
        answer.job_type, answer.compiles = described["job_type"], described["compiles"]
        return
    header, *answer.tasks = text.split("\n")
    compiled = json.loads(header)
    answer.settings, answer.metadata = compiled["settings"], compiled["metadata"]
    answer.uuids = compiled["uuids"]


class _ComputedTooLong(Exception):
    """The script's promises took too long. The engine ends only the one that it finds running."""


class _Script:
    """A script in an engine of its own."""

    def __init__(self, request: Request, sources: dict[str, str], allow_step: AllowStep) -> None:
        self._request = request
        self._sources = sources
        self._allow_step = allow_step
        self._engine = quickjs.Context()
        _limit(self._engine, request.limits)
        self._allow_step(request.limits.cpu_s)
        self._run = self._engine.eval(_interface())(json.dumps(self._given()))

    def load(self) -> None:
        source = self._sources[self._request.file]
        self._engine.eval("\n" * _LINES + '"use strict";' + source)

    def run(self, operation: str) -> str:
        cpu_s = self._request.limits.cpu_s
        ends = time.process_time() + cpu_s
        self._allow_step(cpu_s)
        result: str = self._run(operation)
        if operation == Operation.COMPILE:
            while self._engine.execute_pending_job():
                if time.process_time() > ends:
                    raise _ComputedTooLong
            self._allow_step(cpu_s)
            result = self._run("compiled")
        return result

    def gathered(self) -> dict[str, Any]:
        """Return what the script has logged and required so far."""
        self._engine.set_memory_limit(-1)
        self._allow_step(self._request.limits.cpu_s)
        gathered: dict[str, Any] = json.loads(self._run("gathered"))
        return gathered

    def explained(self, problem: Exception) -> str:
        text, _, trace = str(problem).partition("\n    at ")
        text = text.removesuffix("\nundefined").strip()
        limit = _exceeded(text, self._request.limits)
        if limit:
            return f"{self._request.file}: {limit}"
        place = self._place(trace) if trace else self._place_of_throw()
        return f"{text.removeprefix('Error: ')} ({place})"

    def _place(self, trace: str) -> str:
        """Return the innermost position of the trace that lies in a script."""
        for line in map(int, _POSITION.findall(trace)):
            if line > _LINES:
                return self._file_and_line(line)
        return self._request.file

    def _place_of_throw(self) -> str:
        """Return the position of a thrown value that is not an `Error`.

        Such a value has no trace, so the script runs again, and each `throw` notes its line.
        """
        noting = {name: self._noting(name, n) for n, name in enumerate(self._files(), 1)}
        again = _Script(self._request, self._sources | noting, self._allow_step)
        try:
            again.load()
            again.run(self._request.operation)
        except (quickjs.JSException, _ComputedTooLong):
            line = again.gathered()["throwingLine"]
            return self._file_and_line(line) if line else self._request.file
        return self._request.file

    def _noting(self, name: str, file: int) -> str:
        lines = self._sources[name].split("\n")
        return "\n".join(
            _THROW.sub(f"throw $throwing({file * _LINES + number}),", line)
            for number, line in enumerate(lines, 1)
        )

    def _file_and_line(self, line: int) -> str:
        number, line_in_file = divmod(line, _LINES)
        files = self._files()
        return f"{files[min(number, len(files)) - 1]}, line {line_in_file}"

    def _files(self) -> list[str]:
        """Return the names of the files that have run, in the order of their line numbers."""
        return [self._request.file, *self.gathered()["required"]]

    def _given(self) -> dict[str, Any]:
        request = self._request
        others = {name: text for name, text in self._sources.items() if name != request.file}
        return {
            "job": {**request.job, "maxTasks": request.max_tasks},
            "others": others,
            "linesOfFile": _LINES,
            "cwd": request.cwd,
            "platform": request.platform,
        }


def _interface() -> str:
    folder = Path(__file__).with_name("javascript")
    parts = "\n".join((folder / name).read_text(encoding="utf-8") for name in _PARTS)
    return f'(function (given) {{ "use strict";\n{parts}\n}})'


def _limit(engine: Any, limits: ScriptLimits) -> None:
    engine.set_memory_limit(limits.memory_mb * _MB)
    engine.set_time_limit(limits.cpu_s)


def _exceeded(text: str, limits: ScriptLimits) -> str:
    match text:
        case "InternalError: interrupted":
            return _too_long(limits)
        # An engine without memory may have none left for a message.
        case "InternalError: out of memory" | "null" | "" | "[uninitialized]":
            return f"it needs more than {limits.memory_mb} MB of memory."
    return ""


def _too_long(limits: ScriptLimits) -> str:
    return f"it computed for longer than {limits.cpu_s:g} s."
