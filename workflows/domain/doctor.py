"""What a doctor finds: one finding for each check, and how findings are told to people and scripts.

`tablao doctor` and `tablao-worker doctor` have the same shape (docs/doctor.md). Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

#: The longest sentence of a finding, in characters. Sentences quote errors and names of others.
LONGEST_SENTENCE = 1_000
#: Of a longer text only the beginning is looked at, in characters.
_MOST_READ = 100 * LONGEST_SENTENCE
_ELLIPSIS = "…"
#: The most checks of a report that is read; ours have far fewer.
MOST_CHECKS = 100
_LONGEST_ID = 100


class State(StrEnum):
    """What a check has found; a later one is worse."""

    FINE = "fine"
    LOOK = "to-look-at"
    """The farm works, but a person should know of it."""
    BROKEN = "broken"
    """Something does not work until a person has done something about it."""


_SEVERITY = list(State)
#: As people see the states, of one width, and their colours at a terminal (ECMA-48).
_WORDS: Mapping[State, tuple[str, str]] = {
    State.FINE: ("fine", "32"),
    State.LOOK: ("look", "33"),
    State.BROKEN: ("broken", "31;1"),
}
_WIDTH = max(len(word) for word, _ in _WORDS.values())


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check has found."""

    check: str
    """The check's id, such as `database.writes`."""
    state: State
    sentence: str
    """What is so, or what is the matter."""
    advice: str = ""
    """What to do about it; empty if, and only if, it is fine."""

    def __post_init__(self) -> None:
        if bool(self.advice) == (self.state is State.FINE):
            raise ValueError(f"{self.check}: a finding has an advice if it is not fine")


def fine(check: str, sentence: str) -> Finding:
    return Finding(check, State.FINE, bounded(sentence))


def to_look_at(check: str, sentence: str, advice: str) -> Finding:
    return Finding(check, State.LOOK, bounded(sentence), bounded(advice))


def broken(check: str, sentence: str, advice: str) -> Finding:
    return Finding(check, State.BROKEN, bounded(sentence), bounded(advice))


def bounded(text: str) -> str:
    """Return a text as one line of bounded length, in which nothing commands a terminal."""
    words = "".join(char if char.isprintable() else " " for char in text[:_MOST_READ])
    line = " ".join(words.split())
    return line if len(line) <= LONGEST_SENTENCE else line[: LONGEST_SENTENCE - 1] + _ELLIPSIS


def worst(findings: Iterable[Finding]) -> State:
    """Return the worst state of findings; `FINE` if there are none."""
    return max((each.state for each in findings), key=_SEVERITY.index, default=State.FINE)


def told(findings: Sequence[Finding], version: str) -> dict[str, Any]:
    """Return findings as JSON has them: `{state, version, checks: [{id, state, …}]}`.

    Args:
        version: of the software that has looked.
    """
    checks = [{"id": each.pop("check"), **each} for each in map(asdict, findings)]
    return {"state": str(worst(findings)), "version": version, "checks": checks}


def read(report: Mapping[str, Any]) -> list[Finding]:
    """Return the findings of a report, as `told` returns it, that another process has sent.

    Raises:
        ValueError: it is no report.
    """
    checks = report.get("checks")
    if not isinstance(checks, list) or len(checks) > MOST_CHECKS:
        raise ValueError("a doctor's report has a list of some checks")
    return [_read(check) for check in checks]


def _read(check: Any) -> Finding:
    names = ("id", "state", "sentence", "advice")
    if not isinstance(check, dict) or not all(isinstance(check.get(n), str) for n in names):
        raise ValueError("a check of a doctor's report has an id, a state and sentences")
    id_, state, sentence, advice = (check[name] for name in names)
    if not 0 < len(id_) <= _LONGEST_ID:
        raise ValueError("a check of a doctor's report has an id of a bounded length")
    return Finding(bounded(id_), State(state), bounded(sentence), bounded(advice))


def lines(findings: Sequence[Finding], *, in_colours: bool) -> list[str]:
    """Return findings as people read them: a line each, and one more with what is to be done."""
    width = max((len(each.check) for each in findings), default=0)
    shown = []
    for each in findings:
        shown.append(f"{_word(each.state, in_colours)}  {each.check:<{width}}  {each.sentence}")
        if each.advice:
            shown.append(f"{'':{_WIDTH + width + 4}}→ {each.advice}")
    return [*shown, "", _summary(findings)]


def _word(state: State, in_colours: bool) -> str:
    word, colour = _WORDS[state]
    padded = f"{word:<{_WIDTH}}"
    return f"\x1b[{colour}m{padded}\x1b[0m" if in_colours else padded


def _summary(findings: Sequence[Finding]) -> str:
    counts = {state: sum(each.state is state for each in findings) for state in State}
    if counts[State.BROKEN] + counts[State.LOOK] == 0:
        return f"All {len(findings)} checks are fine."
    return (
        f"{counts[State.BROKEN]} broken, {counts[State.LOOK]} to look at, "
        f"{counts[State.FINE]} fine."
    )
