"""Ends a process that has used Temporal's SDK."""

import logging
import os
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

_FAILED = 1


def end_with(run: Callable[[], int]) -> NoReturn:
    """End the process with the code that `run` returns; print an exception and end with 1.

    A normal exit of Python can hang if Temporal was away at the end: it waits for the SDK's
    threads, and they wait for the interpreter. `run` has closed everything before.
    """
    code = _FAILED
    try:
        code = run()
    except SystemExit as wish:
        code = _code_of(wish)
    except BaseException:
        traceback.print_exc()
    finally:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _code_of(wish: SystemExit) -> int:
    """Return the exit code as Python does: None means 0; a text is printed and means 1."""
    if wish.code is None or isinstance(wish.code, int):
        return wish.code or 0
    sys.stderr.write(f"{wish.code}\n")
    return _FAILED
