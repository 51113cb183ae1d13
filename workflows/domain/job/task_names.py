"""The names of a job's tasks, for what Temporal's UI shows; no rule depends on them.

A workflow's state must stay small (docs/protocol.md, rule 13), so a job whose names take too much
room goes without.
"""

from collections.abc import Sequence

from workflows.domain.job.encoding import compress, decompress

#: Most characters of a job's names in the state: those of 15,000 tasks whose names are ranges.
MOST_CHARACTERS = 100_000


def encode_names(names: Sequence[str]) -> str:
    """Return the names, in the order of the tasks, as ASCII text; empty if they take much room."""
    text = compress(list(names))
    return text if len(text) <= MOST_CHARACTERS else ""


class TaskNames:
    def __init__(self, text: str) -> None:
        self.text = text
        self._names: list[str] | None = None

    def of(self, index: int) -> str:
        """Return the name of the task with this index, from 1; empty if it is not known."""
        if self._names is None:
            self._names = decompress(self.text) if self.text else []
        return self._names[index - 1] if 0 < index <= len(self._names) else ""
