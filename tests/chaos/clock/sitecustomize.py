"""Gives a Python process a clock that a file puts: so many seconds ahead of the true one.

Python imports this module at its start if the folder is in PYTHONPATH. The file is in CLOCK.
"""

import os
import threading
import time
from datetime import UTC, datetime, timedelta

import time_machine

_LOOK_EVERY_S = 0.2


def _follow(file: str) -> None:
    shown, put = 0.0, None
    while True:
        with open(file) as clock:
            by_s = float(clock.read())
        if by_s != shown:
            if put is not None:
                put.stop()
            put = time_machine.travel(datetime.now(UTC) + timedelta(seconds=by_s), tick=True)
            put.start()
            shown = by_s
        time.sleep(_LOOK_EVERY_S)


threading.Thread(target=_follow, args=(os.environ["CLOCK"],), daemon=True).start()
