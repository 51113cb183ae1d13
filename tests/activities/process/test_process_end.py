"""A process of ours ends when its work is done, whatever threads it has."""

import subprocess
import sys

import pytest

#: Python waits for such a thread at its end, as it does for some of the SDK's.
PROGRAM = """
import sys, threading
from activities.process.process_end import end_with

threading.Thread(target=threading.Event().wait).start()

def run():
    print("was here")
    {last}

end_with(run)
"""


def ended(last: str) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(last=last)
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("last", "code", "complaint"),
    [
        ("return 47", 47, ""),
        ("sys.exit()", 0, ""),
        ("sys.exit(3)", 3, ""),
        ("sys.exit('no manager there')", 1, "no manager there\n"),
    ],
)
def test_it_ends_with_its_code_although_a_thread_never_does(
    last: str, code: int, complaint: str
) -> None:
    process = ended(last)

    assert (process.returncode, process.stdout, process.stderr) == (code, "was here\n", complaint)


def test_a_failure_is_told_with_its_traceback() -> None:
    process = ended("raise RuntimeError('the disk is full')")

    assert process.returncode == 1
    assert "RuntimeError: the disk is full" in process.stderr
