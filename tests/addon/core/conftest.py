"""What tests of the add-on's core share."""

from collections.abc import Iterator

import pytest

from tests.addon.core.stand_in_manager import StandInManager


@pytest.fixture
def stand_in() -> Iterator[StandInManager]:
    with StandInManager() as manager:
        yield manager
