"""A farm of two machines over TLS, where all show who they are.

The hosts know of the manager but a pin, an address, and a token to join with.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import pytest

from tests.e2e.test_real_blender import SCENE
from tests.farm.local_admin import LocalAdmin
from tests.farm.nginx import Nginx
from tests.farm.processes import SCALED, wait_until
from tests.manager.certificates import authority_in, pin_of
from tests.manager.discovery.networks import Cable, Machine
from worker_host.processes.environment import clean_environment

PORT = 8080
NAPS = {"message": "tangos", "sleep_duration_seconds": 1, "sleep_repeats": 8}
JOB = {"name": "naps", "type": "echo-sleep-test", "submitter_platform": "linux", "settings": NAPS}
RENDER = {"type": "simple-blender-render"}
#: How long the cable is cut: long enough that the host beyond it counts as lost.
CUT_S = float(os.environ.get("TABLAO_CABLE_CUT_S", "15"))
ASK = """
import json, ssl, sys
import httpx
method, url, body, authority, token = sys.argv[1:]
trust = ssl.create_default_context(cafile=authority)
said = {"x-forwarded-for": "127.0.0.1"}
if token:
    said["authorization"] = f"Bearer {token}"
try:
    answer = httpx.request(
        method, url, json=json.loads(body), headers=said, verify=trust, timeout=60
    )
    # While the manager is away, nginx answers with a page.
    print(answer.text if answer.status_code < 500 else "null")
except httpx.TransportError:
    print("null")
"""


def _link(machine: Machine, state: str) -> None:
    subprocess.run(["ip", "-n", machine.name, "link", "set", "cable", state], check=True)
    if state == "up":  # a route ends with its link
        route = ["ip", "-n", machine.name, "route", "replace", "default", "dev", "cable"]
        subprocess.run(route, check=True)


class Network:
    """A manager on one machine, hosts on both."""

    def __init__(self, directory: Path, server: Machine, other: Machine) -> None:
        self.directory = directory
        self.server, self.other = server, other
        self.url = f"https://{server.address}:{PORT}"
        self.authority = Path()
        self.pin = ""
        self.token = ""
        """An administrator's."""
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def start_manager(self, host: str, **settings: str) -> None:
        arguments = ("--data-dir", str(self.directory / "manager"), "--host", host)
        self._start(self.server, "manager", "manager_api.cli.main", "manager", *arguments,
                    settings=settings)  # fmt: skip

    def start_host(self, machine: Machine, name: str, *arguments: str) -> None:
        data_dir = ("--name", name, "--data-dir", str(self.directory / name))
        asked = {"name": name, "uses": 1, "hours": 1}
        token = self.ask("POST", "/api/tablao/v1/join-tokens", asked)["secret"]
        settings = {"TABLAO_JOIN_TOKEN": token}
        self._start(machine, name, "worker_host.main", *data_dir, *arguments, settings=settings)

    def log_in(self, here: str) -> None:
        """Make an administrator on the manager's machine, and a token for the other one.

        Args:
            here: the manager's address on its own machine.
        """
        wait_until(lambda: self.ask("GET", "/api/tablao/v1/health"), 240, 1)
        assert "401" in str(self.ask("GET", "/api/v3/jobs"))
        account = {"name": "lola", "role": "wrangler", "password": "una contraseña larga"}
        self.token = LocalAdmin(self.directory / "manager").token
        made = self.ask_at(self.server, "POST", f"{here}/api/tablao/v1/accounts", account)
        asked = {"name": "test", "scopes": ["read", "submit", "workers"]}
        address = f"{here}/api/tablao/v1/accounts/{made['id']}/tokens"
        self.token = self.ask_at(self.server, "POST", address, asked)["secret"]

    @contextlib.contextmanager
    def cut(self) -> Iterator[None]:
        """The other machine's cable is cut meanwhile."""
        _link(self.other, "down")
        yield
        _link(self.other, "up")

    def begin(self, nginx: Nginx) -> None:
        self._ends.enter_context(nginx)
        self.url, self.pin, self.authority = nginx.url, nginx.pin, nginx.files.authority

    def _start(
        self, machine: Machine, name: str, *program: str, settings: Mapping[str, str]
    ) -> None:
        environment = {**SCALED, **settings, "PYTHONUNBUFFERED": "1"}
        words = [f"{key}={value}" for key, value in environment.items()]
        within = ["ip", "netns", "exec", machine.name, "env", *words, sys.executable, "-m"]
        with (self.directory / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [*within, *program],
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._ends.callback(process.wait, 90)
        self._ends.callback(process.terminate)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What the manager answers to the other machine, which claims to be the manager's own."""
        return self.ask_at(self.other, method, f"{self.url}{path}", body)

    def ask_at(self, machine: Machine, method: str, url: str, body: Any = None) -> Any:
        arguments = (method, url, json.dumps(body), str(self.authority), self.token)
        return json.loads(machine.run("-c", ASK, *arguments))

    def workers(self) -> dict[str, dict[str, Any]]:
        """The workers that are awake, by their names."""
        found = self.ask("GET", "/api/tablao/v1/workers") or {"workers": []}
        return {each["name"]: each for each in found["workers"] if each["status"] == "awake"}

    def check_both_work(self) -> None:
        wait_until(lambda: len(self.workers()) == 2, 240, 1)
        workers = self.workers()
        job = self.ask("POST", "/api/v3/jobs", JOB)
        done = wait_until(
            lambda: self.ask("GET", f"/api/v3/jobs/{job['id']}")["status"] == "completed", 240, 1
        )
        tasks = self.ask("GET", f"/api/v3/jobs/{job['id']}/tasks")["tasks"]
        took_part = {task["worker"]["name"] for task in tasks}
        addresses = {name: self.address(each["id"]) for name, each in workers.items()}

        assert done
        assert took_part == {"here", "there"}
        # Not the address that a host has claimed, nor the proxy's.
        assert addresses["there"] == self.other.address

    def check_a_cut_cable_loses_nothing(self) -> None:
        job = self.ask("POST", "/api/v3/jobs", {**JOB, "settings": {**NAPS, "sleep_repeats": 40}})
        path = f"/api/v3/jobs/{job['id']}"
        wait_until(lambda: self.ask("GET", path)["steps_completed"], 240, 1)
        with self.cut():
            time.sleep(CUT_S)  # what is tried, not what is waited for
        wait_until(lambda: len(self.workers()) == 2, 240, 1)
        wait_until(lambda: self.ask("GET", path)["status"] == "completed", 300, 1)
        tasks = self.ask("GET", f"{path}/tasks")["tasks"]

        assert {task["status"] for task in tasks} == {"completed"}
        assert {each["is_waiting"] for each in self.workers().values()} == {False}

    def check_a_render(self) -> None:
        blender = shutil.which("blender")
        assert blender, "apt-get install blender"
        scene, out = self.directory / "scene.blend", self.directory / "frames"
        save = [blender, "-b", "--factory-startup", "--python-expr", SCENE, "--", str(scene)]
        environment = clean_environment(os.environ, {}, "scene")
        subprocess.run(save, check=True, capture_output=True, env=environment)
        settings = {
            "frames": "1-4",
            "chunk_size": 1,
            "render_output_root": str(out),
            "add_path_components": 0,
            "render_output_path": str(out / "######"),
            "blendfile": str(scene),
            "format": "PNG",
            "image_file_extension": ".png",
            "scene": "Scene",
            "fps": 0,
        }
        job = self.ask("POST", "/api/v3/jobs", {**JOB, **RENDER, "settings": settings})
        path = f"/api/v3/jobs/{job['id']}"
        wait_until(lambda: self.ask("GET", path)["status"] == "completed", 300, 1)

        assert len(list(out.glob("*.png"))) == 4

    def address(self, worker_id: str) -> str:
        return str(self.ask("GET", f"/api/v3/worker-mgt/workers/{worker_id}")["ip_address"])


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    with Cable() as (server, other), Network(tmp_path, server, other) as network:
        yield network


def test_hosts_on_two_machines_work_over_tls_by_the_authoritys_pin(network: Network) -> None:
    """The other machine is told no address: it finds the one manager that shows the pin."""
    files = authority_in(network.directory / "tls", network.server.address, "127.0.0.1")
    network.authority, network.pin = files.authority, pin_of(files.authority)
    network.start_manager(
        "", TABLAO_TLS__CERT=str(files.certificate), TABLAO_TLS__KEY=str(files.key)
    )
    here = f"https://127.0.0.1:{PORT}"
    network.log_in(here)
    network.start_host(network.server, "here", "--manager", here, "--pin", network.pin)
    network.start_host(network.other, "there", "--pin", network.pin)

    network.check_both_work()
    network.check_a_render()
    network.check_a_cut_cable_loses_nothing()

    kept = (network.directory / "there/tablao-worker-credentials.yaml").read_text()
    assert network.url in kept
    assert "BEGIN CERTIFICATE" in kept


def test_hosts_on_two_machines_work_behind_nginx_below_a_path(network: Network) -> None:
    server = network.server
    within = ("ip", "netns", "exec", server.name)
    assert os.geteuid() == 0, "this test makes network namespaces, which takes root"
    nginx = Nginx(network.directory, PORT, address=server.address, within=within)
    network.start_manager("127.0.0.1", TABLAO_PUBLIC_URL=f"{nginx.url}/")
    network.begin(nginx)
    network.log_in(f"http://127.0.0.1:{PORT}")
    for machine, name in ((server, "here"), (network.other, "there")):
        network.start_host(machine, name, "--manager", nginx.url, "--pin", nginx.pin)

    network.check_both_work()
    network.check_a_render()
