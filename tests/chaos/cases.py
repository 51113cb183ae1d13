"""What befalls a farm that renders, and what must be none the worse for it."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.farm.processes import FarmProcesses

STRUCK = "host1"


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    strike: Callable[[FarmProcesses], None]
    spares_runs: bool = True
    """Running commands go on, and nothing runs twice."""


def _host(farm: FarmProcesses) -> None:
    farm.kill_host(STRUCK)
    farm.start_host(STRUCK)


def _host_with_shims(farm: FarmProcesses) -> None:
    farm.kill_host(STRUCK, with_shims=True)
    farm.start_host(STRUCK)


def _host_ended(farm: FarmProcesses) -> None:
    farm.terminate_host(STRUCK)
    farm.start_host(STRUCK)


def _manager(farm: FarmProcesses) -> None:
    farm.kill_manager()
    farm.start_manager()


def _manager_ended(farm: FarmProcesses) -> None:
    farm.terminate_manager()
    farm.start_manager()


def _manager_and_temporal(farm: FarmProcesses) -> None:
    farm.kill_temporal()
    farm.kill_manager()
    farm.start_manager()


def _nothing(farm: FarmProcesses) -> None: ...


NOTHING = Case("nothing", _nothing)

CASES = (
    Case("host killed", _host),
    Case("host and shims killed", _host_with_shims, spares_runs=False),
    Case("host ended", _host_ended, spares_runs=False),
    Case("manager killed", _manager),
    Case("manager ended", _manager_ended),
    Case("Temporal killed", FarmProcesses.kill_temporal),
    Case("manager, Temporal killed", _manager_and_temporal),
)


def temporal_away(seconds: float) -> Case:
    return Case(f"Temporal away {seconds:.0f} s", lambda farm: farm.temporal_away(seconds))
