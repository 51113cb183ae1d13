"""The manager's own log: one line for each thing that happened, whatever is in it."""

import logging
import re
import subprocess
import sys

import pytest

from manager_api.logs.process_log import _CHATTY, _OURS, one_line_formatter, set_level

PROGRAM = """
import logging
from manager_api.logs.process_log import set_up_log
set_up_log("{level}")
about = {{"job": "1234", "reason": "no image"}}
logging.getLogger("manager_api.a").warning("image dropped", extra=about)
logging.getLogger("manager_api.a").info("quiet\\nforged line")
logging.getLogger("manager_api.b").warning("hosts fell %s", "silent", extra={{"workers": ["w"]}})
logging.getLogger("httpx").info("GET /")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("manager_api.c").exception("bug")
"""


def said(level: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(level=level)], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "")
    return done.stderr.splitlines()


def test_ours_and_those_of_libraries_come_in_one_shape() -> None:
    dropped, quiet, silent, bug = said("info")

    assert re.fullmatch(
        r'[\d-]+T[\d:.]+Z warning  image dropped  job=1234  reason="no image"  '
        r"logger=manager_api\.a",
        dropped,
    )
    assert r"info     quiet\nforged line  logger=manager_api.a" in quiet
    assert "warning  hosts fell silent  workers=['w']  logger=manager_api.b" in silent
    assert r"ZeroDivisionError: division by zero" in bug


def test_a_higher_level_is_quieter() -> None:
    assert len(said("error")) == 1


@pytest.mark.parametrize("library", ["uvicorn.error", "hpack.hpack", "httpcore", "aiosqlite", "x"])
def test_no_library_logs_what_it_reads_at_any_level(library: str) -> None:
    before = {name: logging.getLogger(name).level for name in ("", *_CHATTY, *_OURS)}
    try:
        set_level("debug")

        assert logging.getLogger("manager_api.a").isEnabledFor(logging.DEBUG)
        assert not logging.getLogger(library).isEnabledFor(logging.DEBUG)
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize("mark", ["\n", "\r", "\x1b[2J", "\u2028", "\x00"])
def test_no_mark_breaks_a_line(mark: str) -> None:
    record = logging.makeLogRecord({"msg": "job %s", "args": (mark,), "levelname": "INFO"})

    line = one_line_formatter().format(record)

    assert len(line.splitlines()) == 1
    assert line.isprintable()
