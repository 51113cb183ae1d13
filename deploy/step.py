"""Runs a step of the Makefile, with a title and its duration, only if its sources have changed.

python deploy/step.py --title TITLE --sources PATH... --made PATTERN --stamp FILE -- COMMAND...

The stamp keeps a checksum of the sources' content, so a checkout that only changes their times does
not repeat the step. The command's output is shown only if it fails. Standard library only.
"""

import argparse
import hashlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

#: Folders that do not count as sources: the steps make them, or they hold tests.
_MADE = frozenset({"node_modules", "__pycache__", "wheels", "tests"})
#: Without a terminal, a line is printed so often, in seconds, to show that a step goes on.
_REMIND_EVERY_S = 10.0


class Step:
    """Commands that make something from sources.

    Args:
        sources: Files and folders.
        made: A pattern of files that the commands make; if there are none, the commands run.
        stamp: The file that keeps the checksum of the sources.
    """

    def __init__(self, title: str, *, sources: Iterable[Path], made: str, stamp: Path) -> None:
        self._title = title
        self._sources = list(sources)
        self._made = made
        self._stamp = stamp

    @property
    def is_done(self) -> bool:
        return (
            any(Path().glob(self._made))
            and self._stamp.is_file()
            and self._stamp.read_text() == checksum(self._sources)
        )

    def run(
        self, *commands: Sequence[str], environment: Callable[[], dict[str, str]] | None = None
    ) -> None:
        """Run the commands, unless the step is done.

        Args:
            environment: Called only if the commands run; None: this process's environment.

        Raises:
            SystemExit: A command failed; its output has been printed.
        """
        if self.is_done:
            return
        # Sources that change during the step are noticed the next time.
        before = checksum(self._sources)
        # A step that is interrupted is not done, even if the sources return to an old state.
        self._stamp.unlink(missing_ok=True)
        variables = environment() if environment else None
        with _Progress(self._title):
            for command in commands:
                _run_quietly(command, variables)
        self._stamp.write_text(before)


def checksum(sources: Iterable[Path]) -> str:
    """Return a checksum of the names and the content of all sources."""
    digest = hashlib.sha256()
    for file in sorted(file for source in sources for file in _files(source)):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{content} {file.as_posix()}\n".encode())
    return digest.hexdigest()


def _files(source: Path) -> Iterator[Path]:
    if source.is_file():
        yield source
        return
    for entry in source.iterdir():
        if entry.name not in _MADE:
            yield from _files(entry)


def _run_quietly(command: Sequence[str], environment: dict[str, str] | None) -> None:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        env=environment,
    )
    if done.returncode:
        sys.stderr.write(f"\n{done.stdout}\nFailed: {' '.join(map(str, command))}\n")
        sys.exit(done.returncode)


class _Progress:
    """Prints the title, the seconds so far, and in the end the duration."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._show, daemon=True)

    def __enter__(self) -> None:
        self._began = time.monotonic()
        _write(f"{self._title} …" + ("" if sys.stderr.isatty() else "\n"))
        self._thread.start()

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        how = "failed after" if failure else "done in"
        start = "\r" if sys.stderr.isatty() else ""
        _write(f"{start}{self._title}: {how} {self._seconds} s\n")

    def _show(self) -> None:
        is_terminal = sys.stderr.isatty()
        while not self._is_over.wait(1.0 if is_terminal else _REMIND_EVERY_S):
            if is_terminal:
                _write(f"\r{self._title} … {self._seconds} s")
            else:
                _write(f"  … still running after {self._seconds} s\n")

    @property
    def _seconds(self) -> int:
        return round(time.monotonic() - self._began)


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--title", required=True)
    parser.add_argument("--sources", type=Path, nargs="+", required=True)
    parser.add_argument("--made", required=True)
    parser.add_argument("--stamp", type=Path, required=True)
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    step = Step(given.title, sources=given.sources, made=given.made, stamp=given.stamp)
    step.run(given.command)


if __name__ == "__main__":
    main()
