"""Manager and worker as services of a real systemd, installed by `tablao service`.

The tests follow one another on the same machine, as its administrator would try them.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from activities.services.exit_codes import NEEDS_A_PERSON
from tests.farm.local_admin import LocalAdmin
from tests.farm.private_systemd import USER, USER_ID, PrivateSystemd, private_systemd
from tests.farm.processes import SCALED, FarmProcesses, free_port, wait_until

TABLAO = Path(sys.executable).with_name("tablao")
TABLAO_WORKER = TABLAO.with_name("tablao-worker")
MANAGER, WORKER = "tablao-manager.service", "tablao-worker.service"
#: Below the home of the services' user.
FARM = Path(f"/var/lib/{USER}/farm")
#: Each service manager has its own meaning for some of these characters.
WORKER_DATA = Path("/var/lib/Grüße an \"$HOME\" 'und' ${USER} 100% %h \\n; #")
JOIN_TOKEN = Path("/etc/tablao/worker-join-token")
#: Renders when the test lets it.
STAND_IN = f"""#!/bin/sh
for last; do :; done
env >{FARM}/environment
echo "start $last" >>{FARM}/ledger
until [ -e {FARM}/go ]; do sleep 0.1; done
echo "Fra:$last Mem:1.00M | Sample 1/2"
base64 -d >"{FARM}/out/00000$last.png" <<PNG
iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABc3UBGAAAAABJRU5ErkJggg==
PNG
echo "Saved: '{FARM}/out/00000$last.png'"
"""

JOBS = "/api/v3/jobs"
SCRIPT = """
const JOB_TYPE = { label: "Said", settings: [] };
function compileJob(job) {
  const task = author.Task("say", "misc");
  task.addCommand(author.Command("echo", { message: "said" }));
  job.addTask(task);
}
"""


class Machine:
    """A machine with both services."""

    def __init__(self, systemd: PrivateSystemd) -> None:
        self.systemd = systemd
        self.farm = FarmProcesses(FARM)
        self.farm.admin = LocalAdmin(systemd.path("/var/lib/tablao-manager"))
        self.farm.blend_file = FARM / "blender"  # the stand-in does not look into it
        self.farm.move_to(free_port())

    def prepare(self) -> None:
        folder = self.systemd.path(FARM)
        folder.mkdir()
        (folder / "out").mkdir()
        (folder / "blender").write_text(STAND_IN)
        (folder / "blender").chmod(0o755)
        self.systemd.run("chown", "-R", f"{USER}:{USER}", FARM)
        quick = [f'Environment="{name}={value}"\n' for name, value in SCALED.items()]
        for unit in (MANAGER, WORKER):
            drop_in = self.systemd.path(f"/etc/systemd/system/{unit}.d")
            drop_in.mkdir()
            (drop_in / "quick.conf").write_text("[Service]\nRestartSec=0.5\n" + "".join(quick))

    def install(self) -> None:
        install = (TABLAO, "service", "install", "manager", "--run-as", USER)
        self.systemd.run(*install, "--", "--port", str(self.farm.port))
        wait_until(self.farm.answers)
        if not (file := self.systemd.path("/root/token")).exists():
            asked = {"name": "a test", "uses": 2, "hours": 1}
            answer = self.farm.http.post("/api/tablao/v1/join-tokens", json=asked)
            file.touch(0o600)
            file.write_text(answer.json()["secret"])
        kept = ("--data-dir", WORKER_DATA, "--join-token-file", "/root/token")
        own = ("--manager", self.farm.url, "--name", "north", "--blender", FARM / "blender")
        self.systemd.run(TABLAO_WORKER, "service", "install", "--run-as", USER, *kept, "--", *own)

    def tablao(self, *words: str) -> str:
        return self.systemd.run(TABLAO, *words, "--manager", self.farm.url).stdout

    def process(self, unit: str) -> str:
        return self.systemd.shown(unit, "MainPID")

    def until_active_again(self, unit: str, before: str) -> None:
        """Wait until the service runs as another process."""
        wait_until(
            lambda: (
                self.systemd.shown(unit, "ActiveState") == "active"
                and self.process(unit) not in (before, "0")
            )
        )

    def status(self) -> str:
        """The worker's, as the manager knows it; empty while the manager is away."""
        try:
            found = self.farm.http.get("/api/v3/worker-mgt/workers").json()["workers"]
        except httpx.TransportError:
            return ""
        return str(found[0]["status"]) if found else ""

    def until_worker_is(self, status: str) -> None:
        wait_until(lambda: self.status() == status)

    def starts(self) -> list[str]:
        file = self.systemd.path(FARM / "ledger")
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with private_systemd(tmp_path_factory.mktemp("systemd")) as systemd:
        machine = Machine(systemd)
        machine.prepare()
        machine.install()
        machine.until_worker_is("awake")
        yield machine
        machine.farm.http.close()


def test_both_run_as_their_user_and_say_what_they_do(machine: Machine) -> None:
    said = machine.systemd.run(TABLAO, "service", "status", "manager").stdout
    worker_said = machine.systemd.run(TABLAO_WORKER, "service", "status").stdout

    assert f": listening on 127.0.0.1:{machine.farm.port}." in said
    assert f": serving {machine.farm.url}." in worker_said
    assert "starts by itself" in said
    for unit in (MANAGER, WORKER):
        status = machine.systemd.path(f"/proc/{machine.process(unit)}/status").read_text()
        assert f"\nUid:\t{USER_ID}\t" in status
    assert "listening on" in machine.systemd.journal(MANAGER)
    assert "Connected to the manager" in machine.systemd.journal(WORKER)


def test_the_words_of_a_command_arrive_as_they_are(machine: Machine) -> None:
    words = Path(f"/proc/{machine.process(WORKER)}/cmdline")

    given = machine.systemd.path(words).read_bytes().decode().split("\0")

    assert given[given.index("--data-dir") + 1] == str(WORKER_DATA)


def test_the_join_token_is_its_users_alone_and_lets_the_worker_in(machine: Machine) -> None:
    stat = machine.systemd.run("stat", "--format=%U %a", JOIN_TOKEN).stdout
    secret = machine.systemd.path(JOIN_TOKEN).read_text().strip()
    tokens = machine.farm.http.get("/api/tablao/v1/join-tokens").json()

    assert stat.split() == [USER, "600"]
    assert secret not in machine.systemd.run("systemctl", "cat", WORKER).stdout
    assert [token["uses_left"] for token in tokens["join_tokens"]] == [1]


def test_installed_again_it_is_the_same_service(machine: Machine) -> None:
    before = machine.process(MANAGER), machine.process(WORKER)

    machine.install()

    assert (machine.process(MANAGER), machine.process(WORKER)) == before


def test_a_render_outlives_its_host_and_its_next_host_goes_on_with_it(machine: Machine) -> None:
    job = machine.farm.submit_frames("1")
    wait_until(machine.starts)
    before = machine.process(WORKER)

    machine.systemd.run("systemctl", "kill", "--kill-whom=main", "--signal=SIGKILL", WORKER)
    machine.until_active_again(WORKER, before)
    machine.until_worker_is("awake")
    machine.systemd.path(FARM / "go").touch()

    machine.farm.until_job_is(job, "completed")
    assert machine.starts() == ["start 1"]
    # What a task says is not the service's word.
    assert "NOTIFY_SOCKET" not in machine.systemd.path(FARM / "environment").read_text()


def test_previews_are_made_under_the_managers_limits(machine: Machine) -> None:
    job = machine.farm.submit_frames("2")

    machine.farm.until_job_is(job, "completed")

    # A child of the manager makes them.
    wait_until(lambda: machine.farm.http.get(f"{JOBS}/{job}/last-rendered").status_code == 200)


def test_a_script_of_a_job_type_runs_under_the_managers_limits(machine: Machine) -> None:
    scripts = machine.systemd.path("/var/lib/tablao-manager/scripts")
    scripts.mkdir(exist_ok=True)
    (scripts / "said.js").write_text(SCRIPT)

    job = machine.farm.submit("said", {})

    machine.farm.until_job_is(job, "completed")


def test_a_killed_manager_comes_back(machine: Machine) -> None:
    before = machine.process(MANAGER)

    machine.systemd.run("systemctl", "kill", "--kill-whom=main", "--signal=SIGKILL", MANAGER)
    machine.until_active_again(MANAGER, before)

    machine.until_worker_is("awake")


def test_a_worker_pauses_sleeps_and_restarts_under_its_service(machine: Machine) -> None:
    before = machine.process(WORKER)

    machine.tablao("worker", "pause", "north")
    machine.tablao("worker", "resume", "north")
    machine.tablao("worker", "sleep", "north")
    machine.until_worker_is("asleep")
    machine.tablao("worker", "wake", "north")
    machine.until_worker_is("awake")
    assert machine.process(WORKER) == before

    machine.tablao("worker", "restart", "north")
    machine.until_active_again(WORKER, before)
    machine.until_worker_is("awake")
    assert machine.systemd.shown(WORKER, "Result") == "success"


def test_a_worker_that_was_told_to_quit_stays_away_until_it_is_started(machine: Machine) -> None:
    machine.tablao("worker", "shutdown", "north")
    passing = ("active", "deactivating")
    wait_until(lambda: machine.systemd.shown(WORKER, "ActiveState") not in passing)

    # A service that waits for its next start is "activating".
    assert machine.systemd.shown(WORKER, "ActiveState") == "inactive"
    said = machine.systemd.run(TABLAO_WORKER, "service", "status", check=False)
    assert (said.returncode, "does not run" in said.stdout) == (1, True)

    machine.systemd.run(TABLAO_WORKER, "service", "start")
    machine.until_worker_is("awake")


def test_both_start_with_the_machine(machine: Machine) -> None:
    for program, unit in (("worker", WORKER), ("manager", MANAGER)):
        machine.systemd.run(TABLAO, "service", "stop", program)
        assert machine.systemd.shown(unit, "ActiveState") == "inactive"
    machine.systemd.run("systemctl", "stop", "multi-user.target")

    machine.systemd.run("systemctl", "start", "multi-user.target")

    machine.until_worker_is("awake")


def test_a_worker_waits_for_its_manager_and_ends_at_once_when_it_is_stopped(
    machine: Machine,
) -> None:
    machine.systemd.run(TABLAO, "service", "stop", "manager")
    before = machine.process(WORKER)
    machine.systemd.run("systemctl", "kill", "--kill-whom=main", "--signal=SIGKILL", WORKER)

    machine.until_active_again(WORKER, before)

    assert machine.systemd.shown(WORKER, "StatusText") == f"joining {machine.farm.url}"
    machine.systemd.run(TABLAO_WORKER, "service", "stop")
    assert machine.systemd.shown(WORKER, "Result") == "success"


@pytest.mark.parametrize("program", ["manager", "worker"])
def test_a_wrong_setting_fails_the_service_and_starts_it_no_more(
    machine: Machine, program: str
) -> None:
    own = {"manager": ("--host", "0.0.0.0"), "worker": ("--slots", "0")}[program]
    unit = f"tablao-{program}.service"
    install = (TABLAO, "service", "install", program, "--run-as", USER, "--", *own)

    # A worker is ready, or has failed, after systemctl has been told to start it.
    machine.systemd.run(TABLAO, "service", "stop", program)
    said = machine.systemd.run(*install, check=False)

    assert said.returncode == 1
    assert machine.systemd.shown(unit, "ActiveState") == "failed"
    assert machine.systemd.shown(unit, "ExecMainStatus") == str(NEEDS_A_PERSON)


def test_an_uninstalled_service_leaves_its_data(machine: Machine) -> None:
    said = machine.systemd.run(TABLAO, "service", "uninstall", "manager").stdout
    again = machine.systemd.run(TABLAO, "service", "uninstall", "manager").stdout

    assert "Its data stays in /var/lib/tablao-manager." in said
    assert "There is no service tablao-manager here." in again
    assert machine.systemd.path("/var/lib/tablao-manager/tablao.sqlite").exists()
    assert machine.systemd.shown(MANAGER, "LoadState") == "not-found"
