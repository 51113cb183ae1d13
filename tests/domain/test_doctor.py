"""What a doctor finds is told in one shape, and its rules name what is to be done."""

from datetime import UTC, datetime, timedelta

import pytest

from workflows.domain import doctor, doctor_rules
from workflows.domain.doctor import Finding, State, broken, fine, to_look_at
from workflows.domain.doctor_rules import WorkerState
from workflows.domain.statuses import WorkerStatus

NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_finding_has_an_advice_if_and_only_if_it_is_not_fine() -> None:
    with pytest.raises(ValueError, match="advice"):
        Finding("disk", State.BROKEN, "It is full.")
    with pytest.raises(ValueError, match="advice"):
        Finding("disk", State.FINE, "It is empty.", "Fill it.")


@pytest.mark.parametrize(
    ("findings", "state"),
    [
        ([], State.FINE),
        ([fine("a", "Well.")], State.FINE),
        ([to_look_at("a", "Odd.", "Look."), fine("b", "Well.")], State.LOOK),
        ([broken("a", "Bad.", "Mend."), to_look_at("b", "Odd.", "Look.")], State.BROKEN),
    ],
)
def test_the_worst_finding_is_the_state_of_all(findings: list[Finding], state: State) -> None:
    assert doctor.worst(findings) is state


def test_findings_as_json_have_a_stable_shape() -> None:
    told = doctor.told([broken("disk", "It is full.", "Free some space.")], "0.1.0")

    assert told == {
        "state": "broken",
        "version": "0.1.0",
        "checks": [
            {
                "id": "disk",
                "state": "broken",
                "sentence": "It is full.",
                "advice": "Free some space.",
            }
        ],
    }


def test_people_read_a_line_for_each_check_and_one_more_for_what_to_do() -> None:
    findings = [broken("disk", "It is full.", "Free some space."), fine("clock", "It agrees.")]

    assert doctor.lines(findings, in_colours=False) == [
        "broken  disk   It is full.",
        "               → Free some space.",
        "fine    clock  It agrees.",
        "",
        "1 broken, 0 to look at, 1 fine.",
    ]
    assert doctor.lines(findings, in_colours=True)[0].startswith("\x1b[31;1mbroken\x1b[0m  disk")


def test_a_sentence_is_one_bounded_line() -> None:
    found = fine("disk", "a\nb " + "c" * 5_000)

    assert "\n" not in found.sentence
    assert len(found.sentence) == doctor.LONGEST_SENTENCE


@pytest.mark.parametrize(
    ("free", "state"),
    [(0, State.BROKEN), (4_000_000_000, State.LOOK), (6_000_000_000, State.FINE)],
)
def test_a_disk_is_judged_by_its_free_space(free: int, state: State) -> None:
    assert doctor_rules.space("disk", "/data", free, 10**12).state is state


@pytest.mark.parametrize(
    ("ahead_s", "state"),
    [
        (0.0, State.FINE),
        (-5.0, State.FINE),
        (6.0, State.LOOK),
        (-60.0, State.LOOK),
        (61.0, State.BROKEN),
        (-86_400.0, State.BROKEN),
    ],
)
def test_a_clock_is_judged_by_how_far_it_is_off(ahead_s: float, state: State) -> None:
    found = doctor_rules.clock("clock", "the database", ahead_s)

    assert found.state is state
    assert ("NTP" in found.advice) is (state is not State.FINE)


def test_of_several_clocks_the_worst_counts_and_is_named_first() -> None:
    found = doctor_rules.clocks("clocks", [("carmen", -7.0), ("lola", 300.0), ("rocío", 1.0)])

    assert found.state is State.BROKEN
    assert "lola (5 min ahead), carmen (7 s behind)" in found.sentence
    assert "rocío" not in found.sentence


@pytest.mark.parametrize(
    ("days", "state"), [(-1, State.BROKEN), (13, State.LOOK), (15, State.FINE)]
)
def test_a_certificate_is_judged_by_the_days_that_are_left(days: int, state: State) -> None:
    found = doctor_rules.certificate("certificate", NOW + days * DAY, NOW - 30 * DAY, NOW)

    assert found.state is state
    assert ("tablao tls renew" in found.advice) is (state is not State.FINE)


def test_a_certificate_that_is_not_valid_yet_is_broken() -> None:
    found = doctor_rules.certificate("certificate", NOW + 30 * DAY, NOW + DAY, NOW)

    assert found.state is State.BROKEN
    assert "clock" in found.advice


def worker(status: WorkerStatus, name: str = "carmen", **fields: object) -> WorkerState:
    return WorkerState(name, status, **fields)  # type: ignore[arg-type] # of each test


@pytest.mark.parametrize(
    ("workers", "state", "advice"),
    [
        ([], State.BROKEN, "tablao-worker --manager"),
        ([worker(WorkerStatus.AWAKE)], State.FINE, ""),
        ([worker(WorkerStatus.ASLEEP)], State.LOOK, "tablao worker wake"),
        ([worker(WorkerStatus.OFFLINE)], State.BROKEN, "tablao workers"),
        ([worker(WorkerStatus.AWAKE, is_waiting=True)], State.BROKEN, "let in"),
        ([worker(WorkerStatus.AWAKE, is_aside=True)], State.BROKEN, "tablao workers"),
        ([worker(WorkerStatus.AWAKE, is_paused=True)], State.BROKEN, "tablao workers"),
        ([worker(WorkerStatus.ASLEEP), worker(WorkerStatus.OFFLINE)], State.BROKEN, "wake"),
    ],
)
def test_a_farm_needs_a_worker_that_takes_tasks(
    workers: list[WorkerState], state: State, advice: str
) -> None:
    found = doctor_rules.workers("workers", workers)

    assert found.state is state
    assert advice in found.advice


def test_workers_that_were_not_seen_for_a_week_are_named() -> None:
    seen = [
        worker(WorkerStatus.OFFLINE, "gone", last_seen=NOW - 8 * DAY),
        worker(WorkerStatus.OFFLINE, "weekend", last_seen=NOW - 3 * DAY),
        worker(WorkerStatus.OFFLINE, "never", last_seen=None),
    ]

    found = doctor_rules.not_seen("seen", seen, NOW)

    assert found.state is State.LOOK
    assert found.sentence.endswith(": gone.")
    assert "tablao worker delete" in found.advice


def test_a_status_that_was_asked_for_an_hour_ago_is_late() -> None:
    asked = {"requested": WorkerStatus.ASLEEP}
    states = [
        worker(WorkerStatus.AWAKE, "late", changed=NOW - 2 * timedelta(hours=1), **asked),
        worker(WorkerStatus.AWAKE, "soon", changed=NOW, **asked),
    ]

    found = doctor_rules.requests("requests", states, NOW)

    assert found.state is State.LOOK
    assert "late (asleep)" in found.sentence
    assert "soon" not in found.sentence
    assert "tablao worker wake" in found.advice


@pytest.mark.parametrize(("available", "state"), [(1, State.LOOK), (5, State.FINE)])
def test_memory_is_judged_by_what_is_free(available: int, state: State) -> None:
    gb = 10**9
    assert doctor_rules.memory("memory", available * gb, 20 * gb).state is state


@pytest.mark.parametrize(
    ("count", "words"), [(500, "0.5 kB"), (4_100_000, "4.1 MB"), (3_400_000_000, "3.4 GB")]
)
def test_sizes_are_said_in_words(count: int, words: str) -> None:
    assert doctor_rules.size(count) == words


def test_no_word_of_others_commands_a_terminal() -> None:
    found = broken("manager", "It is \x1b[31mred\x9b0m\u202e.", "Look.\x07")

    assert (found.sentence, found.advice) == ("It is [31mred 0m .", "Look.")
