"""Finds Blender on the manager's machine and asks it for its version.

This runs a program that a client names. So the program must be named like Blender. It gets one
fixed argument, a fixed environment and ten seconds. The router accepts paths only from clients on
this machine, which could run the program themselves.
"""

import asyncio
import os
import re
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from dataclasses import dataclass
from pathlib import Path

from activities.process.programs import running
from manager_api.contract.configuration import BlenderPathCheckResult, BlenderPathSource
from manager_api.contract.errors import FarmError

_NAMES = re.compile(r"blender[\w.-]*", re.ASCII | re.IGNORECASE)
_FIRST_LINE = re.compile(r"^Blender \d.*", re.ASCII | re.MULTILINE)
_MOST_BYTES = 64 * 1024
WITHIN_S = 10.0
_MACOS = Path("/Applications/Blender.app/Contents/MacOS/Blender")


class NotBlender(Exception):
    """The program cannot be used as Blender; the message says why."""


class FoundIsBroken(FarmError):
    """A Blender was found that does not run."""


@dataclass(frozen=True, slots=True)
class BlenderCheck:
    """Looks for Blender in `search_path`, and runs it."""

    search_path: str
    within_s: float = WITHIN_S

    @classmethod
    def here(cls) -> "BlenderCheck":
        # PATH is not a setting of the manager: it says where this machine has its programs. The
        # manager's virtual environment does not count as part of the machine.
        own = Path(sys.prefix) / "bin"
        folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
        kept = [folder for folder in folders if folder and Path(folder) != own]
        return cls(os.pathsep.join(kept))

    async def find(self) -> list[BlenderPathCheckResult]:
        """Return the Blenders in the usual places.

        Raises:
            FoundIsBroken: one of them does not run.
        """
        results = [await self.checked(each) for each in await asyncio.to_thread(self._installed)]
        for result in results:
            if not result.is_usable:
                raise FoundIsBroken(result.cause)
        return results

    async def check(self, path: str) -> BlenderPathCheckResult:
        """Check a path that a user typed: a program, its folder, or a bare name."""
        try:
            return await self.checked(await asyncio.to_thread(self._located, path))
        except (OSError, RuntimeError) as error:
            refused = _result(path, path, BlenderPathSource.INPUT_PATH)
            return refused.model_copy(update={"cause": f"It cannot be looked for: {error}."})

    def _installed(self) -> list[BlenderPathCheckResult]:
        found = []
        if on_path := shutil.which("blender", path=self.search_path):
            found.append(_result("blender", on_path, BlenderPathSource.PATH_ENVVAR))
        if _MACOS.is_file():
            found.append(_result(str(_MACOS), str(_MACOS), BlenderPathSource.SYSTEM_LOCATION))
        return found

    def _located(self, path: str) -> BlenderPathCheckResult:
        typed = path.strip()
        if "/" in typed or "\\" in typed or typed.startswith("~"):
            place = Path(typed).expanduser()
            program = place / "blender" if place.is_dir() else place
            return _result(path, str(program), BlenderPathSource.INPUT_PATH)
        on_path = shutil.which(typed, path=self.search_path) or typed
        return _result(path, on_path, BlenderPathSource.PATH_ENVVAR)

    async def checked(self, result: BlenderPathCheckResult) -> BlenderPathCheckResult:
        """Return the result with the version as its cause, or the reason why it is not usable."""
        try:
            version = await self._version(Path(result.path))
        except NotBlender as refusal:
            return result.model_copy(update={"cause": str(refusal)})
        return result.model_copy(update={"is_usable": True, "cause": version})

    async def _version(self, program: Path) -> str:
        """Return the first line of the program's version.

        Raises:
            NotBlender: the program has another name, does not run, or does not print a version of
                Blender.
        """
        if reason := await asyncio.to_thread(_why_not_run, program):
            raise NotBlender(reason)
        said = await self._said_by(program)
        line = _FIRST_LINE.search(said)
        if line is None:
            raise NotBlender(f"{program} does not say that it is Blender.")
        return line[0].strip()

    async def _said_by(self, program: Path) -> str:
        starting = running(
            program,
            "--version",
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            env={"PATH": self.search_path, "LANG": "C.UTF-8"},
            cwd="/",
        )
        try:
            async with starting as process, asyncio.timeout(self.within_s):
                said = await _beginning(process)
                code = await process.wait()
        except TimeoutError as error:
            raise NotBlender(f"{program} did not answer within {self.within_s:g} s.") from error
        except OSError as error:
            raise NotBlender(f"{program} does not run: {error.strerror}.") from error
        if code != 0:
            raise NotBlender(f"{program} ended with exit code {code}.")
        return said


def _why_not_run(program: Path) -> str:
    if not _NAMES.fullmatch(program.name):
        return f'Blender\'s program is not called "{program.name}".'
    if not program.is_absolute() or not program.is_file():
        return f"There is no program {program}."
    if not os.access(program, os.X_OK):
        return f"{program} may not be run."
    return ""


async def _beginning(process: Process) -> str:
    assert process.stdout is not None
    said = b""
    while len(said) < _MOST_BYTES and (more := await process.stdout.read(_MOST_BYTES)):
        said += more
    return said[:_MOST_BYTES].decode("utf-8", "replace")


def _result(given: str, path: str, source: BlenderPathSource) -> BlenderPathCheckResult:
    return BlenderPathCheckResult(input=given, path=path, source=source, is_usable=False, cause="")
