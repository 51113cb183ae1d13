"""Finds the cause of a failure by rules over the lines of programs and the host's own errors.

A cause has a class: the scene, the machine, or chance. Pure, and standard library only: the process
that runs a task's commands uses it, too.

A pattern is plain text, with `*` for any characters, found anywhere in a line, upper or lower case.
It is no regular expression, because some of those take hours for one line.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

#: The most rules that a farm can add.
MOST_RULES = 100
LONGEST_PATTERN = 200
LONGEST_SENTENCE = 250
#: The longest name of a rule.
LONGEST_NAME = 50
#: The characters of a line that are searched. The line is at most 40 KiB long.
_SEARCHED = 2_000


class Fault(StrEnum):
    """The class of a failure's cause."""

    SCENE = "scene"
    """It fails alike on every machine: the task fails for good at its first failure."""
    MACHINE = "machine"
    """It is no failure of the task: its worker is set aside, and the task is tried elsewhere."""
    CHANCE = "chance"
    """It is no failure of the task, as long as it happens at most three times."""


class Probe(StrEnum):
    """How a host finds out whether a machine's fault is mended."""

    FOLDERS = "folders"
    """The folders of runs and of the task's files can be written, and have free space."""
    STORAGE = "storage"
    """The shared storage has its marker."""
    PROGRAMS = "programs"
    """The programs for its task types are there."""
    MEMORY = "memory"
    """A part of the memory is free."""
    TIME = "time"
    """It cannot be found out: a pause ends it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One cause, and how its failures are told."""

    name: str
    patterns: tuple[str, ...]
    fault: Fault
    sentence: str
    """What it is, and what to do."""
    probe: Probe = Probe.TIME
    may_be_tasks: bool = False
    """Whether the task itself may be the cause, for example because it needs too much memory."""


#: The lines are of programs that cannot start; a program that is not there prints nothing.
PROGRAM_MISSING = Rule(
    "program-missing",
    ("error while loading shared libraries",),
    Fault.MACHINE,
    "A program is missing: install it, or set its path for this worker.",
    Probe.PROGRAMS,
    may_be_tasks=True,
)
#: No line of a program tells of it: the host looks for the storage's marker.
STORAGE_MISSING = Rule(
    "storage-missing",
    (),
    Fault.MACHINE,
    "The shared storage is not there: mount it.",
    Probe.STORAGE,
)
BUILT_IN: tuple[Rule, ...] = (
    STORAGE_MISSING,
    Rule(
        "disk-full",
        (
            "No space left on device",
            "Disk quota exceeded",
            "out of disk space?",
            "not enough space on the disk",
        ),
        Fault.MACHINE,
        "A disk is full: free some space.",
        Probe.FOLDERS,
    ),
    Rule(
        "read-only",
        ("Read-only file system",),
        Fault.MACHINE,
        "A disk can only be read: mount it for writing.",
        Probe.FOLDERS,
    ),
    Rule(
        "storage",
        (
            "Stale file handle",
            "Stale NFS file handle",
            "Transport endpoint is not connected",
            "Input/output error",
            "Remote I/O error",
            "Host is down",
        ),
        Fault.MACHINE,
        "A storage does not answer: look at the disk, the network and the mounts.",
        Probe.FOLDERS,
    ),
    Rule(
        "gpu-memory",
        (
            "out of GPU memory",
            "out of GPU and shared host memory",
            "cuMemAlloc",
            "CUDA error: Out of memory",
            "CUDA_ERROR_OUT_OF_MEMORY",
            "HIP error: Out of memory",
            "hipErrorOutOfMemory",
            "OPTIX_ERROR_DEVICE_OUT_OF_MEMORY",
            "out of device memory",
            "out of device and host memory",
        ),
        Fault.MACHINE,
        "The GPU's memory is full: end other programs that use it, or make the scene smaller.",
        may_be_tasks=True,
    ),
    Rule(
        "gpu-lost",
        (
            "CUDA_ERROR_NO_DEVICE",
            "no CUDA-capable device",
            "CUDA driver version is insufficient",
            "Failed to create CUDA context",
            "CUDA error: Unknown error",
            "CUDA_ERROR_UNKNOWN",
            "Illegal address in",
            "hipErrorNoDevice",
            "OPTIX_ERROR_*DRIVER",
            "VK_ERROR_DEVICE_LOST",
            "Failed to create HIP context",
            "GPU is lost",
            "Unable to determine the device handle for GPU",
        ),
        Fault.MACHINE,
        "The GPU or its driver does not answer: restart the machine, or install the driver.",
        may_be_tasks=True,
    ),
    Rule(
        "memory",
        (
            "exited abnormally with code -9",
            "std::bad_alloc",
            "alloc returns null: len=",
            "Cannot allocate memory",
            "Failed allocate render result, out of memory",
            "MemoryError",
        ),
        Fault.MACHINE,
        "The machine has run out of memory, or the program was killed: free memory, use fewer "
        "slots, or make the scene smaller.",
        Probe.MEMORY,
        may_be_tasks=True,
    ),
    Rule(
        "too-many-files",
        ("Too many open files",),
        Fault.MACHINE,
        "The machine allows too few open files: raise its limit.",
        may_be_tasks=True,
    ),
    PROGRAM_MISSING,
    Rule(
        "no-camera",
        ("Cannot render, no camera", "No camera found in scene", "Error: No camera"),
        Fault.SCENE,
        "The scene has no camera: add one, or make one active.",
    ),
    Rule(
        "no-scene",
        ("the blend file has no scene", "Can't find scene:"),
        Fault.SCENE,
        "The blend file does not have this scene.",
    ),
    Rule("warning", ("(in this job, a warning is a failure)",), Fault.SCENE, ""),
    Rule(
        "newer-blender",
        (
            "may be from a newer version of Blender",
            "was saved by a newer version of Blender",
            "File saved by a newer version of Blender",
            "The file was saved by a newer version",
        ),
        Fault.SCENE,
        "A newer Blender saved the blend file: render it with that version.",
    ),
    Rule(
        "not-readable",
        ("Failed to read blend file", "File format is not supported in file"),
        Fault.SCENE,
        "Blender cannot read the blend file: it is cut off, or is no blend file.",
    ),
    Rule(
        "nothing-to-render",
        ("All render layers are disabled", "No render output node in scene"),
        Fault.SCENE,
        "The scene has nothing to render: look at its view layers and its compositor.",
    ),
)
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
