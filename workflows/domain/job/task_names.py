"""The names of a job's tasks, for what Temporal's UI shows; no rule depends on them.

A workflow's state must stay small (docs/protocol.md, rule 13). So names whose numbers go on evenly
(`render-1-5`, `render-6-10`) are kept as one run, and a job whose names still take much room goes
without.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from workflows.domain.job.encoding import compress, decompress

#: Most characters of a job's names in the state.
MOST_CHARACTERS = 4_000
#: A number that is written again as it was: ASCII digits without leading zeros.
_NUMBER = re.compile(r"(?<![0-9])(0|[1-9][0-9]{0,14})(?![0-9])", re.ASCII)


class _Run(NamedTuple):
    """Names with the same words between their numbers; each number grows by its own step."""

    words: list[str]
    first: list[int]
    steps: list[int]
    length: int

    def goes_on(self, words: list[str], numbers: list[int]) -> bool:
        if words != self.words or not numbers:
            return False
        return self.length == 1 or numbers == self._numbers(self.length)

    def with_next(self, numbers: list[int]) -> "_Run":
        steps = self.steps
        if self.length == 1:
            steps = [after - before for before, after in zip(self.first, numbers, strict=True)]
        return self._replace(steps=steps, length=self.length + 1)

    def names(self) -> Iterator[str]:
        for place in range(self.length):
            numbers = map(str, self._numbers(place))
            yield self.words[0] + "".join(map("".join, zip(numbers, self.words[1:], strict=True)))

    def _numbers(self, place: int) -> list[int]:
        return [first + place * step for first, step in zip(self.first, self.steps, strict=True)]


def encode_names(names: Sequence[str]) -> str:
    """Return the names, in the order of the tasks, as ASCII text; empty if they take much room."""
    text = compress(list(_runs(names)))
    return text if len(text) <= MOST_CHARACTERS else ""


def _runs(names: Sequence[str]) -> Iterator[_Run]:
    run: _Run | None = None
    for name in names:
        parts = _NUMBER.split(name)
        words, numbers = parts[::2], [int(number) for number in parts[1::2]]
        if run is not None and run.goes_on(words, numbers):
            run = run.with_next(numbers)
            continue
        if run is not None:
            yield run
        run = _Run(words, numbers, [0] * len(numbers), 1)
    if run is not None:
        yield run


class TaskNames:
    def __init__(self, text: str) -> None:
        self.text = text
        self._names: list[str] | None = None

    def of(self, index: int) -> str:
        """Return the name of the task with this index, from 1; empty if it is not known."""
        if self._names is None:
            runs = decompress(self.text) if self.text else []
            self._names = [name for run in runs for name in _Run(*run).names()]
        return self._names[index - 1] if 0 < index <= len(self._names) else ""
