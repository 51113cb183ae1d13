"""The meaning of exit codes, as Linux, shells and Windows give them."""

import pytest

from workflows.domain.exit_codes import said_of_code


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (-11, " (it crashed, SIGSEGV)"),
        (139, " (it crashed, SIGSEGV)"),
        (-6, " (it gave up, SIGABRT)"),
        (-15, " (another program ended it, SIGTERM)"),
        (0xC0000005, " (it crashed, access violation 0xC0000005)"),
        (0xC0000005 - 2**32, " (it crashed, access violation 0xC0000005)"),
        (0xC0000409 - 2**32, " (it gave up, 0xC0000409)"),
        (1, ""),
        (3, ""),
        (11, ""),
        (127, ""),
        (128, ""),
        (255, ""),
        (-64, ""),
        (0xC0FFEE, ""),
    ],
)
def test_codes_that_are_no_programs_own(code: int, meaning: str) -> None:
    assert said_of_code(code) == meaning
