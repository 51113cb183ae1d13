"""Decides whether a job's write is the next one of its run, and which answer it gets."""

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
    """Return the answer to a write that must not be stored; None if it must be stored now.

    Args:
        sequence: the number of the last stored write.
        is_ended: whether the run's final write was stored.
        last: the `fingerprint` of the last stored write; None if an earlier build stored it.
    """
    if write.sequence == sequence and last in (None, fingerprint(write)):
        return WriteAnswer.STORED
    if write.sequence <= sequence or is_ended:
        # Temporal was restored to an older state, and its workflow reuses a number for another
        # write. That run ends, and the audit starts a new one from the database (protocol rule
        # 16). Or it is a late copy of a write, and then this answer is not read.
        return WriteAnswer.GONE
    if write.sequence > sequence + 1 and write.snapshot is None:
        return WriteAnswer.SEND_ALL
    return None


def fingerprint(write: ProjectionWrite) -> str:
    """Return 32 characters that tell two writes of one run apart.

    Fields with their default value are left out, so that a build with more fields gets the same
    result.
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
    """Return a message class's fields with their defaults; empty for other classes."""
    known = fields(kind) if is_dataclass(kind) else ()
    return tuple((field.name, field.default) for field in known)
