"""A new version is tried: it is welcomed, ends before, hangs, or is told to end."""

import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from worker_host.trial import WELCOMED, Trial, manager_answers


def trial(script: str, *, within_s: float = 60.0, answers: bool = True) -> Trial:
    return Trial(
        [sys.executable, "-c", script],
        "http://farm",
        within_s=within_s,
        look_every_s=0.05,
        answers=lambda _: answers,
    )


def test_a_version_that_is_welcomed_has_passed() -> None:
    assert trial(f"raise SystemExit({WELCOMED})").run() == ""


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("raise SystemExit(0)", "It ended with code 0 before the farm had welcomed it."),
        (
            "import sys; sys.exit('\\x1b[1mthis build is broken\\n\\n')",
            "It ended with code 1 before the farm had welcomed it. "
            "Its last words: [1mthis build is broken",
        ),
        (
            "import os; os.kill(os.getpid(), 9)",
            "It was killed by signal 9 before the farm had welcomed it.",
        ),
    ],
)
def test_a_version_that_ends_before_has_failed_with_the_reason(script: str, sentence: str) -> None:
    assert trial(script).run() == sentence


def test_a_version_that_cannot_be_started_has_failed(tmp_path: Path) -> None:
    reason = Trial([str(tmp_path / "none")], "http://farm").run()

    assert reason.startswith("It cannot be started: ")


def test_a_version_that_is_not_welcomed_in_time_is_ended(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    script = f"import os, time; open({str(file)!r}, 'w').write(str(os.getpid())); time.sleep(600)"

    reason = trial(script, within_s=1.0).run()

    assert reason == "The farm did not welcome it within 1 s."
    with pytest.raises(ProcessLookupError):
        os.kill(int(file.read_text()), 0)


def test_time_in_which_the_manager_is_away_does_not_count(tmp_path: Path) -> None:
    script = f"import time; time.sleep(1); raise SystemExit({WELCOMED})"

    assert trial(script, within_s=0.1, answers=False).run() == ""


def test_a_signal_is_passed_on_and_ends_the_trial_with_the_code_of_the_version() -> None:
    script = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
os.kill(os.getppid(), signal.SIGTERM)
time.sleep(600)
"""
    before = signal.getsignal(signal.SIGTERM)

    with pytest.raises(SystemExit) as ended:
        trial(script).run()

    assert ended.value.code == 7
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize(("code", "answers"), [(200, True), (403, True), (503, False)])
def test_any_answer_but_of_a_broken_manager_is_one(code: int, answers: bool) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(code)
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            assert manager_answers(f"http://127.0.0.1:{server.server_port}") is answers
        finally:
            server.shutdown()
            serving.join()
    assert not manager_answers(f"http://127.0.0.1:{server.server_port}")
