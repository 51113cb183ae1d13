"""What a manager does about the keeper's workflow while Temporal is away, and when it is back."""

import logging

import pytest

from activities.keeper_watch import KeeperWatch
from activities.keeping import TemporalAway


class Temporal:
    is_away = False
    is_open = False

    async def start_keeper(self) -> bool:
        if self.is_away:
            raise TemporalAway("connection refused")
        was_open, self.is_open = self.is_open, True
        return not was_open


async def test_an_ended_workflow_is_started_once_and_said_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    temporal = Temporal()
    watch = KeeperWatch(temporal, every_s=1)
    temporal.is_away = True
    with caplog.at_level(logging.WARNING):
        await watch.look()
        temporal.is_away = False
        await watch.look()
        await watch.look()

    assert temporal.is_open
    assert caplog.messages == ["the keeper's workflow had ended, and was started again"]
