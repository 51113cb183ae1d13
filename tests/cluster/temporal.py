"""A Temporal cluster: four services, each a process, on PostgreSQL, with mutual TLS and tokens."""

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError, TLSConfig

from manager_api.temporal.process import free_port, is_free, temporal_binary
from tests.cluster.certificates import Authority, Pair
from tests.cluster.configuration import (
    DATABASE,
    INTERNAL_FRONTEND,
    PLUGIN,
    VISIBILITY,
    Postgres,
    Service,
    mutual_tls,
    write_dynamic,
    write_static,
)
from tests.cluster.programs import Programs
from tests.cluster.tokens import Issuer, issuer

NAMESPACE = "tablao"
RETENTION = "72h"
_READY_S = 180.0
_LOOK_EVERY_S = 0.5


class ClusterFailed(Exception):
    """There is no cluster to measure with; the text says why."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client of the cluster shows, and whom it trusts."""

    authority: Path
    pair: Pair
    token: str


class Cluster:
    """`async with cluster(programs, folder, database_url) as temporal: …`"""

    def __init__(self, programs: Programs, folder: Path, tokens: Issuer) -> None:
        self._programs = programs
        self._folder = folder
        self._tokens = tokens
        self._services = Authority(folder / "services", "Temporal's services")
        self._clients = Authority(folder / "clients", "Temporal's clients")
        names = [*Service, INTERNAL_FRONTEND]
        free = _free_ports()
        self._ports = {str(name): (next(free), next(free)) for name in names}
        self._processes: dict[Service, subprocess.Popen[bytes]] = {}
        self.admin = self.credentials("admin", ["temporal-system:admin"])

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._ports[Service.FRONTEND][0]}"

    def credentials(self, name: str, permissions: Sequence[str]) -> Credentials:
        """Make a certificate and a token for a client.

        Args:
            name: the client's.
            permissions: see `tokens.Issuer.token`.
        """
        token = self._tokens.token(name, permissions)
        return Credentials(self._services.file, self._clients.issue(name), token)

    def prepare(self, postgres: Postgres) -> None:
        """Make both databases and the files of the services."""
        write_dynamic(self._folder / "dynamic.yaml")
        write_static(
            self._static,
            postgres,
            self._ports,
            mutual_tls(self._services.file, self._clients.file, self._services.issue("service")),
            self._tokens.address,
            self._folder / "dynamic.yaml",
        )
        for database, schema in ((DATABASE, "temporal"), (VISIBILITY, "visibility")):
            self._sql(postgres, database, "create-database")
            self._sql(postgres, database, "setup-schema", "--version", "0.0")
            definitions = f"postgresql/v12/{schema}"
            self._sql(postgres, database, "update-schema", "--schema-name", definitions)

    def _sql(self, postgres: Postgres, database: str, *words: str) -> None:
        options = ["--plugin", PLUGIN, "--endpoint", postgres.address]
        options += ["--port", str(postgres.port), "--user", postgres.user]
        options += ["--password", postgres.password, "--database", database]
        for name, value in postgres.attributes.items():
            options += ["--connect-attributes", f"{name}={value}"]
        self._run([str(self._programs.sql_tool), *options, *words])

    # --- services --------------------------------------------------------------------------------

    def start(self, service: Service) -> None:
        names = [service, INTERNAL_FRONTEND] if service is Service.FRONTEND else [service]
        command = [str(self._programs.server), "--config-file", str(self._static), "start"]
        for name in names:
            command += ["--service", name]
        with self.log(service).open("ab") as log:
            self._processes[service] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder
            )

    async def start_first(self) -> None:
        """Start all services on empty databases.

        One begins alone: of two that note the cluster's name at the same moment, one ends.

        Raises:
            ClusterFailed: the first one does not begin.
        """
        first, *others = Service
        self.start(first)
        deadline = time.monotonic() + _READY_S
        while is_free("127.0.0.1", self._ports[first][0]):
            if self.ended() or time.monotonic() > deadline:
                raise ClusterFailed(f"Temporal's {first} does not start; see {self._folder}.")
            await asyncio.sleep(_LOOK_EVERY_S)
        for service in others:
            self.start(service)

    def kill(self, service: Service) -> None:
        """SIGKILL, and wait until it is gone."""
        self._processes[service].kill()
        self._processes[service].wait()

    def pids(self) -> dict[str, int]:
        return {str(name): process.pid for name, process in self._processes.items()}

    def ended(self) -> list[Service]:
        """Return the services whose processes do not live."""
        return [name for name, each in self._processes.items() if each.poll() is not None]

    def end(self) -> None:
        for process in self._processes.values():
            if process.poll() is None:
                process.kill()
            process.wait()

    def log(self, service: Service) -> Path:
        return self._folder / f"{service}.log"

    @property
    def _static(self) -> Path:
        return self._folder / "temporal.yaml"

    # --- clients ---------------------------------------------------------------------------------

    async def client(self, shown: Credentials, namespace: str = NAMESPACE) -> Client:
        return await Client.connect(
            self.address,
            namespace=namespace,
            data_converter=pydantic_data_converter,
            api_key=shown.token,
            tls=TLSConfig(
                server_root_ca_cert=shown.authority.read_bytes(),
                client_cert=shown.pair.certificate.read_bytes(),
                client_private_key=shown.pair.key.read_bytes(),
            ),
        )

    async def until_ready(self) -> None:
        """Wait until the frontend answers and has the namespace of the services themselves.

        Raises:
            ClusterFailed: it does not in time, or a service ended.
        """
        deadline = time.monotonic() + _READY_S
        while problem := await self._problem():
            if ended := self.ended():
                raise ClusterFailed(f"Temporal's {', '.join(ended)} ended; see {self._folder}.")
            if time.monotonic() > deadline:
                raise ClusterFailed(f"Temporal did not answer in time: {problem}")
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _problem(self) -> str:
        """Return why the frontend does not answer; empty if it does."""
        try:
            client = await self.client(self.admin, "temporal-system")
            await client.count_workflows()
        except (RPCError, RuntimeError) as error:
            return str(error)
        return ""

    def command(self, *words: str) -> str:
        """Run the `temporal` command as the studio's administrator; return what it prints."""
        shown = self.admin
        options = ["--address", self.address, "--api-key", shown.token, "--tls"]
        options += ["--tls-ca-path", str(shown.authority)]
        options += ["--tls-cert-path", str(shown.pair.certificate)]
        options += ["--tls-key-path", str(shown.pair.key)]
        return self._run([temporal_binary(), *words, *options])

    def _run(self, command: Sequence[str]) -> str:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TEMPORAL_")}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode:
            # Its options have secrets.
            name = Path(command[0]).name
            raise ClusterFailed(f"{name} failed: {done.stdout[-1000:]}{done.stderr[-1000:]}")
        return done.stdout


def _free_ports() -> Iterator[int]:
    """Yield ports that systems do not choose by themselves: a killed service finds its own free."""
    taken: list[int] = []
    while True:
        taken.append(free_port("127.0.0.1", taken))
        yield taken[-1]


@asynccontextmanager
async def cluster(programs: Programs, folder: Path, postgres: Postgres) -> AsyncIterator[Cluster]:
    """A cluster that answers, with the farm's namespace; ended with the context."""
    with ExitStack() as stack:
        temporal = Cluster(programs, folder, stack.enter_context(issuer()))
        temporal.prepare(postgres)
        stack.callback(temporal.end)
        await temporal.start_first()
        await temporal.until_ready()
        create = ["operator", "namespace", "create", "--namespace", NAMESPACE]
        temporal.command(*create, "--retention", RETENTION)
        yield temporal
