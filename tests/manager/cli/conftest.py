"""A manager that answers like ours and remembers what it was asked, on a real port."""

import threading
from collections.abc import Iterator

import pytest
import uvicorn
from typer.testing import CliRunner

from manager_api.cli.main import app as tablao
from manager_api.cli.supervise import free_port
from tests.farm.processes import wait_until
from tests.manager.cli.fake_manager import JOB, OTHER_JOB, FakeManager, Outcome, Run, a_job, build


@pytest.fixture
def fake() -> Iterator[FakeManager]:
    manager = FakeManager()
    manager.jobs = {
        JOB: a_job(JOB, "[red]older", "active", "2026-01-01T00:00:00Z"),
        OTHER_JOB: a_job(OTHER_JOB, "newer", "queued", "2026-01-02T00:00:00Z"),
    }
    port = free_port("127.0.0.1")
    config = uvicorn.Config(build(manager), port=port, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    socket = config.bind_socket()
    # From now on connections wait for the server, which begins in its thread.
    socket.listen()
    thread = threading.Thread(target=server.run, args=([socket],), daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    manager.url = f"http://127.0.0.1:{port}"
    yield manager
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def run(fake: FakeManager) -> Run:
    """Call `tablao` with these arguments against the fake manager."""

    def call(*arguments: str, manager: str = "") -> Outcome:
        environment = {"TABLAO_MANAGER": manager or fake.url, "COLUMNS": "200", "NO_COLOR": "1"}
        result = CliRunner().invoke(tablao, list(arguments), env=environment)
        # Anything else would have been a traceback.
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return call
