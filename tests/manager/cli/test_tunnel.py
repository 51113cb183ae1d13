"""`tablao tunnel`: says where Temporal is, keeps the port open, ends at Ctrl-C."""

import signal
import socket
import subprocess
import sys

from tests.manager.cli.fake_manager import FakeManager, Run


def test_the_address_is_printed_and_open_until_interrupted(fake: FakeManager) -> None:
    argv = [sys.executable, "-m", "manager_api.cli.main", "tunnel", "--port", "0"]
    tunnel = subprocess.Popen(
        [*argv, "--manager", fake.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert tunnel.stdout is not None
    host, port = tunnel.stdout.readline().strip().split(":")

    socket.create_connection((host, int(port)), timeout=10).close()
    tunnel.send_signal(signal.SIGINT)
    _, said = tunnel.communicate(timeout=30)

    assert tunnel.returncode == 0
    assert "temporal workflow list --address" in said
    assert "Traceback" not in said


def test_a_port_in_use_is_a_sentence(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        outcome = run("tunnel", "--port", port)

    assert outcome.exit_code == 1
    assert outcome.err.startswith(f"Error: Port {port} cannot be opened: ")


def test_a_caller_that_may_not_reach_temporal_is_told(fake: FakeManager, run: Run) -> None:
    fake.permissions = ("read", "submit")

    outcome = run("tunnel", "--port", "0")

    assert outcome.exit_code == 1
    assert 'ana may not reach Temporal: it needs the permission "temporal"' in outcome.err


def test_a_manager_that_is_not_there_is_a_sentence(run: Run) -> None:
    assert "No manager answers" in run("tunnel", manager="127.0.0.1:1").err
