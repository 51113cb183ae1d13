"""Histories of the whole farm, held against the protocol's invariants.

`TABLAO_MODEL_HISTORIES` says how many to try.
"""

import os

from hypothesis import HealthCheck, given, settings

from tests.model import weather
from tests.model.farm import History, histories
from tests.model.invariants import unsettled, violations
from tests.model.times import PATIENCE, PATIENCE_PER_JOB
from tests.model.world import World

HISTORIES = int(os.environ.get("TABLAO_MODEL_HISTORIES", "400"))
#: Ticks without anything to do before the farm counts as quiet: longer than any time-out.
QUIET = 3


@settings(
    max_examples=HISTORIES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
@given(histories())
def test_every_history_comes_to_its_end(history: History) -> None:
    world = World(history)

    for happening in history.happenings:
        for _ in range(happening.after):
            world.tick()
        weather.happen(world, happening)
    weather.clears(world)
    _comes_to_rest(world)

    found = list(violations(world))
    assert not found, found


def _comes_to_rest(world: World) -> None:
    quiet = 0
    for _ in range(PATIENCE + PATIENCE_PER_JOB * len(world.db.jobs)):
        weather.wakes(world)
        world.tick()
        quiet = 0 if unsettled(world) else quiet + 1
        if quiet >= QUIET:
            return
    raise AssertionError(f"it does not come to rest: {unsettled(world)}")
