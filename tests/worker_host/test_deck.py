"""A run that waits on deck, with real shims: it begins by itself, or never."""

import asyncio
from typing import Any

import pytest

from tests.worker_host.farmhouse import Farmhouse, Fetch
from worker_host.run_spec import RunRefused, RunSpec
from worker_host.run_table import RunTable
from workflows.domain.messages import Outcome, OutcomeKind, RunRef

#: A run whose end is the test's to say: it lasts as long as a file is there.
WAITS = "echo ready; while [ -e {gate} ]; do sleep 0.02; done"


class Deck:
    """A live run, and one on deck behind it."""

    def __init__(self, house: Farmhouse, table: RunTable) -> None:
        self.house = house
        self.table = table
        self.gate = house.directory.parent / "gate"
        self.live = house.ref(1)
        self.ref = house.ref(2, after=str(self.live.key))
        self.fetched = asyncio.Event()
        self.fetches = 0
        self.answers: list[asyncio.Task[Outcome]] = []

    async def begins(self, script: str = "true", *, fetch: Fetch | None = None) -> None:
        """The live run lives, and the commands of the one on deck are fetched."""
        answer = await self.is_asked_for(script, fetch=fetch)
        fetched = asyncio.create_task(self.fetched.wait())
        await asyncio.wait({fetched, answer}, return_when=asyncio.FIRST_COMPLETED)
        assert self.fetched.is_set(), f"it ended before its commands were fetched: {answer}"

    async def is_asked_for(
        self, script: str, *, fetch: Fetch | None = None
    ) -> asyncio.Task[Outcome]:
        """The live run lives, and the one behind it is about to be asked for."""
        self.gate.touch()
        first = self.house.shell(WAITS.format(gate=self.gate))
        self.answers.append(asyncio.create_task(self.house.run(self.table, self.live, first)))
        await self.house.eventually(lambda: "> ready" in self.house.log(self.live.key))
        counted = self._counted(fetch or self.house.shell(script))
        answer = asyncio.create_task(self.house.run(self.table, self.ref, counted))
        self.answers.append(answer)
        return answer

    def _counted(self, fetch: Fetch) -> Fetch:
        async def counted(ref: RunRef) -> RunSpec:
            self.fetches += 1
            self.fetched.set()
            return await fetch(ref)

        return counted

    async def outcomes(self) -> list[OutcomeKind]:
        """Let the live run end, and wait for both."""
        self.gate.unlink(missing_ok=True)
        return [(await answer).kind for answer in self.answers]


@pytest.fixture
async def deck(house: Farmhouse, table: RunTable) -> Deck:
    return Deck(house, table)


async def test_it_begins_without_a_word_when_the_run_before_it_ends(deck: Deck) -> None:
    await deck.begins()
    assert not deck.house.path(deck.ref.key, "run.json").exists()
    assert deck.table.progress(deck.ref.key) == {"waits_for_task": 1}

    assert await deck.outcomes() == [OutcomeKind.COMPLETED, OutcomeKind.COMPLETED]

    assert deck.fetches == 1
    outcome = await deck.answers[1]
    assert outcome.ran_s is not None
    assert 0 < outcome.ran_s < 60


async def test_it_begins_also_when_the_run_before_it_fails(deck: Deck) -> None:
    await deck.begins()
    await deck.table.stop(deck.live.key, "enough")

    assert await deck.outcomes() == [OutcomeKind.CANCELED, OutcomeKind.COMPLETED]


async def test_it_is_withdrawn_and_leaves_nothing(deck: Deck) -> None:
    await deck.begins("echo never")

    answer = await deck.table.withdraw(deck.ref.key)

    assert answer.kind is OutcomeKind.WITHDRAWN
    assert await deck.outcomes() == [OutcomeKind.COMPLETED, OutcomeKind.WITHDRAWN]
    assert deck.table.named() == [deck.live.key]
    assert not deck.house.path(deck.ref.key, "").exists()


async def test_the_same_run_may_be_put_on_deck_again(deck: Deck) -> None:
    await deck.begins()
    await deck.table.withdraw(deck.ref.key)
    again = asyncio.create_task(deck.house.run(deck.table, deck.ref, deck.house.shell("true")))
    await deck.house.eventually(lambda: deck.ref.key in deck.table.named())

    await deck.outcomes()

    assert (await again).kind is OutcomeKind.COMPLETED


async def test_a_run_that_has_begun_is_not_withdrawn(deck: Deck) -> None:
    await deck.begins("echo ready; sleep 600")
    deck.gate.unlink()
    await deck.house.eventually(lambda: "> ready" in deck.house.log(deck.ref.key))

    answer = await deck.table.withdraw(deck.ref.key)

    assert answer.kind is OutcomeKind.BEGUN
    assert deck.ref.key in deck.table.live()
    await deck.table.stop(deck.ref.key, "enough")


async def test_one_that_is_asked_for_a_moment_after_the_question_is_withdrawn(
    deck: Deck, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The moment lasts until the live run lives, also on a busy machine.
    monkeypatch.setattr("worker_host.run_table._IN_ORDER_S", 120.0)
    question = asyncio.create_task(deck.table.withdraw(deck.ref.key))
    await asyncio.sleep(0)  # until the question waits

    await deck.is_asked_for("echo never")

    assert (await question).kind is OutcomeKind.WITHDRAWN
    assert await deck.outcomes() == [OutcomeKind.COMPLETED, OutcomeKind.WITHDRAWN]


async def test_one_that_is_never_asked_for_never_begins(
    deck: Deck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker_host.run_table._IN_ORDER_S", 0.01)
    answer = await deck.table.withdraw(deck.ref.key)

    assert answer.kind is OutcomeKind.CANCELED
    outcome = await deck.house.run(deck.table, deck.ref, deck.house.shell("true"))
    assert outcome.kind is OutcomeKind.CANCELED


async def test_a_host_that_is_to_sleep_after_its_task_does_not_begin_it(deck: Deck) -> None:
    await deck.begins()

    deck.table.refuse("the worker is asleep")

    assert await deck.outcomes() == [OutcomeKind.COMPLETED, OutcomeKind.REFUSED]
    assert deck.table.live() == []


async def test_an_order_to_stop_ends_it_before_it_begins(deck: Deck) -> None:
    await deck.begins("echo never")

    await deck.table.stop(deck.ref.key, "its job was canceled")

    assert await deck.outcomes() == [OutcomeKind.COMPLETED, OutcomeKind.CANCELED]
    assert deck.house.log(deck.ref.key) == ""


async def test_commands_that_cannot_be_fetched_yet_are_fetched_when_it_begins(deck: Deck) -> None:
    commands = deck.house.shell("true")

    async def at_first_not(ref: RunRef) -> Any:
        if deck.fetches == 1:
            raise ConnectionError("the manager is away")
        return await commands(ref)

    await deck.begins(fetch=at_first_not)

    assert await deck.outcomes() == [OutcomeKind.COMPLETED, OutcomeKind.COMPLETED]
    assert deck.fetches == 2


async def test_commands_that_the_manager_refuses_are_a_refusal_at_once(deck: Deck) -> None:
    async def refused(_ref: RunRef) -> Any:
        raise RunRefused("the lease is not held")

    await deck.begins()
    other = deck.house.ref(3, after=str(deck.live.key))

    outcome = await deck.house.run(deck.table, other, refused)

    assert outcome.kind is OutcomeKind.REFUSED
    await deck.outcomes()


async def test_settings_that_changed_while_it_waited_count(
    deck: Deck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker_host.run_table._FRESH_S", 0.0)
    await deck.begins()

    await deck.outcomes()

    assert deck.fetches == 2


async def test_the_next_process_of_the_host_does_not_know_it(deck: Deck) -> None:
    """It has not begun, so the job gives the task to another worker."""
    await deck.begins("echo never")
    await deck.house.crash(deck.table)

    table = await deck.house.open()

    assert table.named() == [deck.live.key]
    deck.gate.unlink()
    for answer in deck.answers:
        answer.cancel()


async def test_the_order_is_kept_when_it_is_asked_for_first(deck: Deck) -> None:
    order = deck.house.directory.parent / "order"
    scripts = {ref.key: f"echo {ref.index} >> {order}" for ref in (deck.live, deck.ref)}
    behind = asyncio.create_task(
        deck.house.run(deck.table, deck.ref, deck.house.shell(scripts[deck.ref.key]))
    )
    await deck.house.eventually(lambda: deck.ref.key in deck.table.named())

    first = await deck.house.run(deck.table, deck.live, deck.house.shell(scripts[deck.live.key]))

    assert first.kind is OutcomeKind.COMPLETED
    assert (await behind).kind is OutcomeKind.COMPLETED
    assert order.read_text().split() == ["1", "2"]


async def test_it_begins_though_the_one_before_it_is_never_asked_for(
    deck: Deck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker_host.run_table._IN_ORDER_S", 0.01)

    outcome = await deck.house.run(deck.table, deck.ref, deck.house.shell("true"))

    assert outcome.kind is OutcomeKind.COMPLETED
