"""Finds the cause of a failure by rules over the lines of programs and the host's own errors.

A cause has a class: the scene, the machine, or chance. Pure, and standard library only: the process
that runs a task's commands uses it, too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workflows.domain.fault_rules import BUILT_IN, Fault, Rule

#: The most rules that a farm can add.
MOST_RULES = 100
LONGEST_PATTERN = 200
LONGEST_SENTENCE = 250
#: The longest name of a rule.
LONGEST_NAME = 50
#: The characters of a line that are searched. The line is at most 40 KiB long.
_SEARCHED = 2_000


#: The folder cannot be written although no line says why; see `of_os_error`.
_BY_WORDS = {"ENOSPC": "disk-full", "EDQUOT": "disk-full", "EROFS": "read-only"}
_RULES_BY_NAME = {rule.name: rule for rule in BUILT_IN}


@dataclass(frozen=True, slots=True)
class Cause:
    """The cause of a failure."""

    rule: Rule
    words: str = ""
    """The line in which the rule was found, or what the system says of a folder."""

    def reason(self, failure: str = "") -> str:
        """Return the rule's sentence with the words of the program, or else of the failure.

        An artist looks for Blender's own words, and a wrangler for what is to be done.
        """
        words = self.words or failure
        if not (words and self.rule.sentence):
            return words or self.rule.sentence
        if self.rule.fault is Fault.SCENE:
            return f"{words.rstrip('. ')}. {self.rule.sentence}"
        return f"{self.rule.sentence} ({words})"


class CauseFinder:
    """Looks for causes in the output of programs. The rule that comes first in the list wins.

    The farm's own rules come before the built-in ones, and of those the machine's before the
    scene's: a disk that fails makes files look broken.
    """

    def __init__(self, own: Sequence[Rule] = ()) -> None:
        rules = (*own, *BUILT_IN)
        self._patterns = [
            (rank, rule, _parts(pattern))
            for rank, rule in enumerate(rules)
            for pattern in rule.patterns
        ]
        # Of bytes, only ASCII can be compared without regard to case; other parts are looked for
        # in each line's text.
        self._in_bytes = [
            (next((part.encode() for part in parts if part.isascii()), b""), rank)
            for rank, _, parts in self._patterns
        ]
        self._best = len(rules)
        self.cause: Cause | None = None

    def lines(self, lines: Sequence[bytes]) -> None:
        """Take in lines of output. Few have a part of a pattern, so all are searched at once."""
        lowered = b"\n".join(lines).lower()
        if any(part in lowered for part, rank in self._in_bytes if rank < self._best):
            for line in lines:
                self.text(line.decode("utf-8", "replace"))

    def text(self, text: str) -> None:
        """Take in a line, or a failure's own sentence."""
        lowered = text[:_SEARCHED].lower()
        for rank, rule, parts in self._patterns:
            if rank < self._best and _is_in(parts, lowered):
                self._best, self.cause = rank, Cause(rule, _one_line(text))
                return


def of_os_error(name: str, words: str) -> Cause:
    """Return the cause of an error of the system at a folder that a task writes.

    Args:
        name: the error's symbol, such as `ENOSPC`.
        words: what the system says about it, and the folder.
    """
    return Cause(_RULES_BY_NAME[_BY_WORDS.get(name, "storage")], words)


def _parts(pattern: str) -> list[str]:
    return [part for part in pattern.lower().split("*") if part]


def _is_in(parts: Sequence[str], text: str) -> bool:
    at = 0
    for part in parts:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]


def own_rule(name: str, pattern: str, fault: str, sentence: str) -> Rule:
    """Return a rule that a farm has added.

    Raises:
        ValueError: it is too long, or says nothing; the message is a sentence.
    """
    if not name or len(name) > LONGEST_NAME:
        raise ValueError(f"a rule's name has 1 to {LONGEST_NAME} characters")
    if not _parts(pattern) or len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"a pattern has 1 to {LONGEST_PATTERN} characters that are not *")
    if not sentence.strip() or len(sentence) > LONGEST_SENTENCE:
        raise ValueError(f"a sentence has 1 to {LONGEST_SENTENCE} characters")
    return Rule(name, (pattern,), Fault(fault), sentence)


def rules_from(stored: Iterable[Mapping[str, Any]]) -> list[Rule]:
    """Return the rules that a manager has sent; rules that this build cannot read are left out."""
    rules = []
    for each in list(stored)[:MOST_RULES]:
        try:
            rules.append(own_rule(*(str(each[name]) for name in _FIELDS)))
        except (ValueError, KeyError, TypeError):
            continue
    return rules


_FIELDS = ("name", "pattern", "fault", "sentence")
