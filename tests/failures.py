"""Prints what failed when it fails: a run that is ended from outside has no summary."""

import pytest

#: How much of a failure is printed at once; pytest prints all of it at the end.
_LAST_LINES = 25


class FailuresAtOnce:
    """For the process that prints; xdist passes it the reports of the others."""

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
