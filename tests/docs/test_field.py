"""`python -m tests.field` names files that are there."""

from pathlib import Path

from tests.field.__main__ import KINDS

PROJECT = Path(__file__).parents[2]


def test_every_file_of_a_kind_is_there_and_is_named_once() -> None:
    files = [file for kind in KINDS.values() for file in kind]

    assert [file for file in files if not (PROJECT / file).is_file()] == []
    assert len(set(files)) == len(files)
