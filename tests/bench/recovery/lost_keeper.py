"""How soon a farm of two managers serves again of which the one that keeps the farm was killed."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from temporalio.client import Client

from tests.bench.recovery.balancer import Balancer
from tests.bench.recovery.lost_manager import HOSTS, LOOK_EVERY_S, SETTLE_S, WITHIN_S
from tests.bench.rounds import Figures
from tests.chaos.serving import Measured
from tests.farm.processes import wait_until
from tests.manager.databases import create_database
from tests.manager.postgres import postgres_server
from workflows.farm import FARM

AIM_S = 5.0
_FRAME_S = 0.5
#: So many that the hosts which lost nothing leave some for the others.
_FRAMES = 60
_OF = "the keeper of two managers"


class BalancedManagers(Measured):
    """Two managers. Each pair of hosts has a balancer, which sends them to one of the managers, and
    to the other one while that is away.
    """

    def __init__(self, directory: Path, database_url: str) -> None:
        super().__init__(directory, database_url, frame_s=_FRAME_S, settings={})
        self.balancers: Sequence[Balancer] = ()

    def start_hosts(self, count: int) -> None:
        own = self.url
        for number in range(count):
            self.url = f"http://127.0.0.1:{self.balancers[number % 2].port}"
            self.start_host(f"host{number}")
        self.url = own
        wait_until(lambda: len(self.awake()) >= count, WITHIN_S)

    def keeper(self) -> int:
        """Return 0 if the first manager keeps the farm, 1 if the second one does."""
        assert self.manager is not None
        assert self.second is not None
        pid = asyncio.run(_keepers_pid(self.temporal_address))
        return [self.manager.pid, self.second.pid].index(pid)

    def kill(self, manager: int) -> None:
        (self.kill_manager, self.kill_second)[manager]()

    def start_again(self, manager: int) -> None:
        (self.start_manager, self.start_second)[manager]()
        # Its hosts come home.
        self.balancers[manager].cut()
        self.balancers[manager].mend()

    def rendered_by_hosts_of(self, manager: int, job: str) -> list[int]:
        """Return the frames of an ended job that hosts of this manager have rendered."""
        hosts = {f"host{number}" for number in range(manager, HOSTS, 2)}
        asked = [self.http.get(f"/api/v3/tasks/{task['id']}").json() for task in self.tasks(job)]
        return [
            int(task["name"].rpartition("-")[2])
            for task in asked
            if task["worker"]["name"] in hosts
        ]


async def _keepers_pid(temporal_address: str) -> int:
    client = await Client.connect(temporal_address)
    description = await client.get_workflow_handle(FARM).describe()
    (keeping,) = description.raw_description.pending_activities
    # An identity is `pid@machine`.
    return int(keeping.last_worker_identity.partition("@")[0])


def measure(directory: Path, rounds: int, figures: Figures, say: Callable[[str], None]) -> None:
    with postgres_server() as server:
        farm = BalancedManagers(directory, create_database(server, "recovery"))
        ports = (farm.port, farm.second_port)
        # They outlive the farm, so that its hosts end in peace.
        with Balancer(ports) as first, Balancer(ports[::-1]) as second, farm:
            farm.balancers = (first, second)
            farm.start_hosts(HOSTS)
            for number in range(1, rounds + 1):
                time.sleep(SETTLE_S)
                taken_s, begun_s, moved_s = _strike(farm, number)
                say(
                    f"{_OF}: a new job was taken after {taken_s:.1f} s, began after "
                    f"{begun_s:.1f}, on a host of the killed one after {moved_s:.1f}"
                )
                figures.add(_OF, "a new job taken, s", taken_s, AIM_S)
                figures.add(_OF, "its first command, s", begun_s, AIM_S)
                figures.add(_OF, "its first on a host of the killed one, s", moved_s, AIM_S)


def _strike(farm: BalancedManagers, number: int) -> tuple[float, float, float]:
    keeper = farm.keeper()
    frames = range(1000 * number, 1000 * number + _FRAMES)
    killed_at = time.time()
    farm.kill(keeper)
    asked = f"{frames[0]}-{frames[-1]}"
    job = wait_until(lambda: farm.submitted(asked), WITHIN_S, LOOK_EVERY_S)
    taken_s = time.time() - killed_at
    wait_until(lambda: set(frames) <= farm.start_times().keys(), WITHIN_S)
    farm.start_again(keeper)
    farm.until_job_is(job, "completed")
    began = farm.start_times()
    moved = farm.rendered_by_hosts_of(keeper, job)
    first_moved_at = min((began[frame] for frame in moved), default=float("inf"))
    return taken_s, min(began[f] for f in frames) - killed_at, first_moved_at - killed_at
