"""A host's book of runs."""

from hypothesis import given
from hypothesis import strategies as st

from workflows.domain.messages import Outcome, OutcomeKind, RunKey, RunRef
from workflows.domain.runs import (
    REMEMBERED,
    TOMBSTONE_S,
    Attach,
    Begin,
    Kept,
    RunBook,
    StopOrder,
    Withdrawal,
)

DONE = Outcome(OutcomeKind.COMPLETED)


def ref(
    index: int = 1,
    attempt: int = 1,
    *,
    run: int = 1,
    slot: int = 0,
    gen: int = 1,
    after: str = "",
) -> RunRef:
    return RunRef("job", index, run, attempt, "lease", slot, gen, after)


def begin(book: RunBook, asked: RunRef) -> None:
    assert isinstance(book.asked(asked), Begin)
    assert book.began(asked.key)


def kind(decision: object) -> OutcomeKind | None:
    return decision.outcome.kind if isinstance(decision, Kept) else None


def test_unknown_run_begins_and_a_known_one_attaches() -> None:
    book = RunBook()

    assert book.asked(ref()) == Begin()
    assert book.asked(ref()) == Attach()


def test_ended_run_answers_even_after_it_was_forgotten() -> None:
    book = RunBook()
    begin(book, ref())
    book.ended(ref().key, DONE)
    assert book.asked(ref()) == Kept(DONE)

    book.forget(ref().key)

    assert book.asked(ref()) == Kept(DONE)


def test_first_outcome_counts() -> None:
    book = RunBook()
    begin(book, ref())

    book.ended(ref().key, DONE)

    assert book.ended(ref().key, Outcome(OutcomeKind.LOST)) == DONE


def test_memory_of_forgotten_runs_is_bounded() -> None:
    book = RunBook()
    for index in range(REMEMBERED + 5):
        begin(book, ref(index))
        book.ended(ref(index).key, DONE)
        book.forget(ref(index).key)

    assert len(book.snapshot().remembered) == REMEMBERED


def test_run_stopped_before_it_is_asked_for_never_begins() -> None:
    book = RunBook()

    assert book.stop(ref().key, now=0) is StopOrder.REMEMBER
    assert kind(book.asked(ref())) is OutcomeKind.CANCELED


def test_run_stopped_while_it_begins_does_not_start() -> None:
    book = RunBook()
    book.asked(ref())

    assert book.stop(ref().key, now=0) is StopOrder.REMEMBER
    assert not book.began(ref().key)
    assert kind(book.asked(ref())) is OutcomeKind.CANCELED


def test_tombstones_do_not_stay_for_ever() -> None:
    book = RunBook()
    book.stop(ref().key, now=0)

    assert book.expire(now=TOMBSTONE_S + 1) == [ref().key]
    assert book.asked(ref()) == Begin()


def test_live_run_is_stopped_and_an_ended_one_is_left() -> None:
    book = RunBook()
    begin(book, ref())

    assert book.stop(ref().key, now=0) is StopOrder.STOP
    book.ended(ref().key, DONE)
    assert book.stop(ref().key, now=0) is StopOrder.NOTHING


def test_later_attempt_stops_the_earlier_one_first() -> None:
    book = RunBook()
    begin(book, ref(attempt=1, slot=0))

    assert book.asked(ref(attempt=2, slot=1)) == Begin(stop_first=(ref(attempt=1).key,))


def test_earlier_attempt_is_refused_once_a_later_one_is_known() -> None:
    book = RunBook()
    begin(book, ref(attempt=2))

    assert kind(book.asked(ref(attempt=1, slot=1))) is OutcomeKind.REFUSED


def test_later_run_of_the_job_counts_as_a_later_attempt() -> None:
    book = RunBook()
    begin(book, ref(attempt=7, run=1))

    decision = book.asked(ref(attempt=8, run=2, slot=1))

    assert decision == Begin(stop_first=(ref(attempt=7).key,))


def test_newer_lease_takes_the_slot_and_the_older_one_is_refused() -> None:
    book = RunBook()
    begin(book, ref(1, gen=1))

    assert book.asked(ref(2, gen=2)) == Begin(stop_first=(ref(1).key,))
    assert kind(book.asked(ref(3, gen=1))) is OutcomeKind.REFUSED


def test_same_lease_waits_for_its_last_run() -> None:
    book = RunBook()
    begin(book, ref(1))

    assert book.asked(ref(2)) == Begin(wait_for=(ref(1).key,))


def test_sleeping_host_refuses_only_what_it_does_not_know() -> None:
    book = RunBook()
    begin(book, ref(1))
    book.refusing = "asleep"

    assert kind(book.asked(ref(2))) is OutcomeKind.REFUSED
    assert book.asked(ref(1)) == Attach()


def test_new_session_forgets_generations_but_not_who_has_the_slot() -> None:
    book = RunBook()
    begin(book, ref(1, gen=9))
    book.signed_on()

    occupied = book.asked(ref(2, gen=3))
    book.ended(ref(1).key, DONE)

    assert kind(occupied) is OutcomeKind.REFUSED
    assert book.asked(ref(2, gen=3)) == Begin()


refs = st.builds(
    ref,
    st.integers(1, 3),
    st.integers(1, 3),
    slot=st.integers(0, 1),
    gen=st.integers(1, 3),
)
happenings = st.lists(
    st.tuples(st.sampled_from(["ask", "stop", "end", "forget", "restart"]), refs), max_size=40
)


@given(happenings)
def test_no_slot_and_no_task_ever_has_two_live_runs(history: list[tuple[str, RunRef]]) -> None:
    book = RunBook()
    for happening, asked in history:
        book = after(book, happening, asked)

        live = [book.entry(key) for key in book.live()]
        slots = [entry.ref.slot for entry in live if entry]
        tasks = [entry.ref.index for entry in live if entry]
        assert len(slots) == len(set(slots))
        assert len(tasks) == len(set(tasks))


def after(book: RunBook, happening: str, asked: RunRef) -> RunBook:
    """A host that does at once what the book decides."""
    entry = book.entry(asked.key)
    match happening:
        case "ask":
            decision = book.asked(asked)
            if isinstance(decision, Begin):
                clear(book, (*decision.stop_first, *decision.wait_for))
                book.began(asked.key)
        case "stop":
            if book.stop(asked.key, now=0) is StopOrder.STOP:
                book.ended(asked.key, Outcome(OutcomeKind.CANCELED))
        case "end" if entry is not None:
            book.ended(asked.key, DONE)
        case "forget" if entry is not None and entry.outcome is not None:
            book.forget(asked.key)
        case "restart":
            book = RunBook.restore(book.snapshot())
    return book


def clear(book: RunBook, keys: tuple[RunKey, ...]) -> None:
    for key in keys:
        book.ended(key, Outcome(OutcomeKind.CANCELED))


# --- on deck --------------------------------------------------------------------------------------


def on_deck(book: RunBook) -> RunRef:
    """Put a run on deck behind one that lives."""
    begin(book, ref(1))
    waits = ref(2, after=str(ref(1).key))
    assert book.asked(waits) == Begin(wait_for=(ref(1).key,))
    return waits


def test_a_run_on_deck_is_withdrawn_and_leaves_nothing() -> None:
    book = RunBook()
    waits = on_deck(book)

    assert book.withdraw(waits.key, 0) is Withdrawal.WITHDRAWN

    assert book.entry(waits.key) is None
    assert book.asked(waits) == Begin(wait_for=(ref(1).key,))


def test_a_run_that_has_begun_is_not_withdrawn() -> None:
    book = RunBook()
    waits = on_deck(book)
    book.ended(ref(1).key, DONE)
    assert book.began(waits.key)

    assert book.withdraw(waits.key, 0) is Withdrawal.BEGUN
    assert book.entry(waits.key) is not None

    book.ended(waits.key, DONE)
    assert book.withdraw(waits.key, 0) is Withdrawal.BEGUN
    book.forget(waits.key)
    assert book.withdraw(waits.key, 0) is Withdrawal.BEGUN


def test_a_run_that_is_asked_for_after_it_was_withdrawn_never_begins() -> None:
    book = RunBook()

    assert book.withdraw(ref(2).key, 0) is Withdrawal.UNKNOWN

    assert kind(book.asked(ref(2, after=str(ref(1).key)))) is OutcomeKind.CANCELED


def test_a_run_on_deck_that_was_told_to_stop_answers_for_itself() -> None:
    book = RunBook()
    waits = on_deck(book)
    book.stop(waits.key, 0)

    assert book.withdraw(waits.key, 0) is Withdrawal.BEGUN


def test_a_run_on_deck_is_refused_when_its_host_has_come_to_refuse() -> None:
    book = RunBook()
    waits = on_deck(book)
    assert book.refusal(waits.key) == ""

    book.refusing = "the worker is asleep"

    assert book.refusal(waits.key) == "the worker is asleep"
    # One that only waits for a slot was accepted for good.
    assert book.asked(ref(1)) == Attach()
    assert book.refusal(ref(1).key) == ""


def test_a_run_on_deck_that_comes_first_lets_the_one_before_it_begin() -> None:
    book = RunBook()
    live, waits = ref(1), ref(2, after=str(ref(1).key))
    assert book.asked(waits) == Begin()
    assert book.blockers(waits.key) == []
    assert not book.knows(live.key)

    assert book.asked(live) == Begin()

    assert book.blockers(live.key) == []
    assert book.blockers(waits.key) == [live.key]
    assert book.began(live.key)
    book.ended(live.key, DONE)
    assert book.blockers(waits.key) == []


def test_the_one_before_waits_for_a_run_on_deck_that_has_begun_already() -> None:
    book = RunBook()
    live, waits = ref(1), ref(2, after=str(ref(1).key))
    begin(book, waits)

    assert book.asked(live) == Begin(wait_for=(waits.key,))

    assert book.blockers(live.key) == [waits.key]
