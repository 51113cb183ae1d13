"""Hosts of other managers, judged by the `last_seen` that those managers store."""

from datetime import UTC, datetime, timedelta

import pytest

from manager_api.hosts.elsewhere import HeardElsewhere
from tests.manager.hosts.served_channel import Clock

SILENT_S, LOOK_S = 20.0, 3.0
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


class Watched:
    def __init__(self) -> None:
        self.clock = Clock()
        self.heard = HeardElsewhere(SILENT_S, LOOK_S, clock=self.clock)
        self.last_seen: dict[str, datetime] = {}

    def look_for(self, seconds: float, *heard: str) -> None:
        """Look regularly; meanwhile the other manager hears from these hosts."""
        ends = self.clock.now + seconds
        while self.clock.now < ends:
            self.clock.now += LOOK_S
            for worker_id in heard:
                self.last_seen[worker_id] = NOON + timedelta(seconds=self.clock.now)
            self.heard.looked(self.last_seen)


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_a_host_that_another_manager_hears_is_present(watched: Watched) -> None:
    watched.look_for(10 * SILENT_S, "carmen")

    assert watched.heard.is_present("carmen")


def test_a_host_that_no_manager_hears_any_more_is_lost(watched: Watched) -> None:
    watched.look_for(10 * SILENT_S, "carmen")

    watched.look_for(SILENT_S + 2 * LOOK_S)

    assert not watched.heard.is_present("carmen")


def test_an_old_time_is_no_sign_of_life_after_the_first_patience(watched: Watched) -> None:
    watched.last_seen["carmen"] = NOON
    watched.look_for(LOOK_S)
    was_present = watched.heard.is_present("carmen")

    watched.look_for(2 * SILENT_S + LOOK_S)

    assert was_present
    assert not watched.heard.is_present("carmen")


def test_a_host_of_which_no_other_manager_knows_is_not_present(watched: Watched) -> None:
    watched.look_for(2 * SILENT_S + LOOK_S, "carmen")

    assert not watched.heard.is_present("dora")
    assert not watched.heard.knows("dora")
    assert watched.heard.knows("carmen")


def test_time_without_a_database_is_not_silence(watched: Watched) -> None:
    watched.look_for(10 * SILENT_S, "carmen")

    watched.clock.now += 5 * SILENT_S  # this manager could not look
    before_the_next_look = watched.heard.is_present("carmen")
    watched.look_for(SILENT_S)  # and the other one could not store

    assert before_the_next_look
    assert watched.heard.is_present("carmen")


def test_the_managers_clocks_need_not_agree(watched: Watched) -> None:
    watched.look_for(10 * SILENT_S, "carmen")

    watched.last_seen["carmen"] = NOON - timedelta(days=1)  # a clock that was set back
    watched.look_for(SILENT_S)

    assert watched.heard.is_present("carmen")
