"""Manager and worker as services of one user's own systemd, without an administrator."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_services import MANAGER, TABLAO, TABLAO_WORKER
from tests.farm import private_systemd as private
from tests.farm.private_systemd import USER, PrivateSystemd, private_systemd
from tests.farm.processes import FarmProcesses, free_port, wait_until

HOME = Path(f"/var/lib/{USER}")
#: As the machine's login service would start it.
USERS_SYSTEMD = f"""[Service]
Type=notify
User={USER}
Delegate=yes
RuntimeDirectory=user
Environment=XDG_RUNTIME_DIR=/run/user HOME={HOME}
ExecStart={private.SYSTEMD} --user
KillMode=mixed
"""


class Session:
    """A session of the user."""

    def __init__(self, systemd: PrivateSystemd) -> None:
        self._systemd = systemd
        self.home = systemd.path(HOME)
        self.farm = FarmProcesses(HOME)
        self.farm.move_to(free_port())

    def run(self, *words: str | Path, check: bool = True) -> "subprocess.CompletedProcess[str]":
        environment = ("env", "XDG_RUNTIME_DIR=/run/user", f"HOME={HOME}", f"LOGNAME={USER}")
        return self._systemd.run("runuser", "-u", USER, "--", *environment, *words, check=check)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("systemd")
    with private_systemd(folder, {"users-systemd.service": USERS_SYSTEMD}) as systemd:
        systemd.run("systemctl", "start", "users-systemd.service")
        session = Session(systemd)
        yield session
        session.farm.http.close()


def test_a_users_own_services_serve_and_go(session: Session) -> None:
    own = ("--", "--port", str(session.farm.port))
    installed = session.run(TABLAO, "service", "install", "manager", *own).stdout
    own = ("--", "--manager", session.farm.url)
    session.run(TABLAO_WORKER, "service", "install", *own)

    wait_until(session.farm.answers)
    wait_until(session.farm.awake)
    assert f"sudo loginctl enable-linger {USER}" in installed
    assert "runs as process" in session.run(TABLAO, "service", "status", "worker").stdout
    assert (session.home / ".local/share/tablao/tablao.sqlite").exists()

    for program in ("worker", "manager"):
        session.run(TABLAO, "service", "uninstall", program)

    assert not (session.home / ".config/systemd/user" / MANAGER).exists()
    assert session.run(TABLAO, "service", "status", "manager", check=False).returncode == 1
    assert (session.home / ".local/share/tablao/tablao.sqlite").exists()
