"""Other programs of the manager's user do not read its passwords from memory."""

import subprocess
import sys

PROGRAM = """
import ctypes
from manager_api.settings.private_memory import keep_memory_private
keep_memory_private()
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))  # PR_GET_DUMPABLE
"""


def test_a_manager_cannot_be_dumped() -> None:
    told = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)

    assert told.stdout == "0\n"
