"""`make test-windows`: the worker host for Windows, under Wine, in a farm of real processes."""

import sys
from pathlib import Path

import pytest

from tests.windows.wine_python import CannotBuild, wine_python

_TESTS = Path(__file__).with_name("on_wine.py")


def main() -> None:
    try:
        wine_python()
    except CannotBuild as problem:
        sys.exit(f"Not carried out: {problem}")
    sys.exit(pytest.main([str(_TESTS), "-q", "--timeout=300", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
