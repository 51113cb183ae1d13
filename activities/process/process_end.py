"""How a process that has used Temporal's SDK comes to its end."""

import logging
import os
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

_FAILED = 1


def end_with(run: Callable[[], int]) -> NoReturn:
    """Ends the process with the code that `run` returns; 1 when it raises, which is said.

    Python's own way out waits for the SDK's threads, and they for the interpreter, when Temporal
    was away in the last moment. By then everything that had to be closed has been.
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
    """As Python reads it: nothing is success, a text is a complaint."""
    if wish.code is None or isinstance(wish.code, int):
        return wish.code or 0
    sys.stderr.write(f"{wish.code}\n")
    return _FAILED
