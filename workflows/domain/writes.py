"""Whether a job's write to the database is the next one of its run, and which answer it gets."""

import json
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from workflows.domain.messages import ProjectionWrite, WriteAnswer


def answer_out_of_turn(
    write: ProjectionWrite, *, sequence: int, is_ended: bool, last: str | None
) -> WriteAnswer | None:
    """The answer to a write that is not to be stored; None when it is this write's turn.

    Args:
        sequence: of the last write that was stored.
        is_ended: the run's final write was stored.
        last: `fingerprint` of the last write; None: an earlier build stored it.
    """
    if write.sequence == sequence and last in (None, fingerprint(write)):
        return WriteAnswer.STORED
    if write.sequence <= sequence or is_ended:
        # Temporal was set back in time, and its workflow writes something else under a number that
        # was used: its run ends, and the audit starts a new one from the database (protocol rule
        # 16). Or it is a late copy of a write, and then this answer is not read.
        return WriteAnswer.GONE
    if write.sequence > sequence + 1 and write.snapshot is None:
        return WriteAnswer.SEND_ALL
    return None


def fingerprint(write: ProjectionWrite) -> str:
    """32 characters that tell two writes of one run apart.

    What has its default is left out, so that a build with more fields finds the same.
    """
    text = json.dumps(_said(write), separators=(",", ":"))
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _said(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_said(part) for part in value]
    shape = _shape(value.__class__)
    if not shape:
        return value
    parts = [(name, getattr(value, name), default) for name, default in shape]
    return {name: _said(part) for name, part, default in parts if part != default}


@lru_cache
def _shape(kind: type[Any]) -> Sequence[tuple[str, Any]]:
    """A message's fields with their defaults; empty for what is no message."""
    known = fields(kind) if is_dataclass(kind) else ()
    return tuple((field.name, field.default) for field in known)
