"""What keeps a run from ending without a word: failures that are told late, tests that hang."""

import signal
from collections.abc import Iterator

import pytest

#: How much of a failure is printed at once; pytest prints all of it at the end.
_LAST_LINES = 25


#: Seconds in which a test that has failed must clean up, and between the alarms after them.
_TEARDOWN_S, _AGAIN_S = 180.0, 30.0


class TimedTeardown:
    """pytest-timeout stops its clock when a test fails, and what cleans up then may hang, too."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Iterator[None]:
        if signal.getitimer(signal.ITIMER_REAL)[0]:
            return (yield)
        signal.signal(signal.SIGALRM, _hangs)
        # Again and again: each alarm ends one of the things that are waited for.
        signal.setitimer(signal.ITIMER_REAL, _TEARDOWN_S, _AGAIN_S)
        try:
            return (yield)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def _hangs(*_: object) -> None:
    pytest.fail("what cleans up after this test hangs")


class FailuresAtOnce:
    """Prints failures when they happen. For the process that prints, which xdist tells of all."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        printer = self._config.pluginmanager.get_plugin("terminalreporter")
        if not report.failed or printer is None:
            return
        printer.write("\n")
        printer.write_line(f"{report.nodeid}: its {report.when} failed")
        for line in report.longreprtext.splitlines()[-_LAST_LINES:]:
            printer.write_line(f"  {line}")
