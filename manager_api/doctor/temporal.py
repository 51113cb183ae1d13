"""Judges Temporal by what the room `temporal` has found out about it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from activities.process.examining import Check
from workflows.domain import doctor_rules as rules
from workflows.domain.doctor import Finding, broken, fine, to_look_at

TEMPORAL, ATTRIBUTES, POLLERS = "temporal", "temporal.search-attributes", "temporal.pollers"
KEEPER, CLOCK = "temporal.keeper", "temporal.clock"
IDS = (TEMPORAL, ATTRIBUTES, POLLERS, KEEPER, CLOCK)

#: Seconds between two heartbeats of the keeper and a moment for a machine at work: an answer of
#: Temporal is at most so old.
_KEEPER_SILENT_S = 30.0


@dataclass(frozen=True, slots=True)
class TemporalFacts:
    """What Temporal has told about itself and the farm's namespace."""

    address: str
    is_embedded: bool
    """Whether it is the manager's own, on its machine."""
    namespace: str
    problem: str = ""
    """Why it does not answer, a clause; empty: it does."""
    version: str = ""
    has_namespace: bool = True
    missing_attributes: tuple[str, ...] = ()
    """Names of search attributes that are not registered, or have another type."""
    registration: str = ""
    """The command that registers them."""
    workflow_pollers: int = 0
    """How many Temporal workers ask for workflow tasks of jobs."""
    activity_pollers: int = 0
    keeper_beat: datetime | None = None
    """When the keeper gave its last sign of life, by Temporal's clock; None: there is no keeper."""
    read_at: datetime | None = None
    """When the facts were read, by the manager's clock."""


#: Asks Temporal. It may fail; it does not hang for longer than some seconds.
ReadTemporal = Callable[[], Awaitable[TemporalFacts]]


async def no_temporal() -> TemporalFacts:
    """Stand in for Temporal in a manager that does not reach one."""
    return TemporalFacts("", False, "", "this manager does not reach one")


def temporal_check(read: ReadTemporal) -> Check:
    async def examine() -> Sequence[Finding]:
        return judged(await read())

    return Check(IDS, examine)


def judged(facts: TemporalFacts) -> list[Finding]:
    """Return the findings about Temporal, one for each of `IDS`."""
    first = answers(facts)
    if facts.problem or not facts.has_namespace:
        unknown = "It cannot be seen while Temporal cannot be used."
        advice = f"See {TEMPORAL}."
        return [first, *(to_look_at(each, unknown, advice) for each in IDS[1:])]
    return [first, _attributes(facts), _pollers(facts), _keeper(facts), _clock(facts)]


def answers(facts: TemporalFacts) -> Finding:
    """Judge whether Temporal answers and has the farm's namespace."""
    where = f"Temporal at {facts.address}" if facts.address else "Temporal"
    if facts.problem:
        mend = (
            "The manager starts its own Temporal again by itself; if that does not help, look at "
            "temporal/temporal.log in its data directory, and restart the manager."
            if facts.is_embedded
            else "Start Temporal, and look at the settings `temporal_…` and at the way to it."
        )
        return broken(TEMPORAL, f"{where} does not answer: {facts.problem}.", mend)
    if not facts.has_namespace:
        return broken(
            TEMPORAL,
            f"{where} has no namespace {facts.namespace}.",
            f"Run: temporal operator namespace create --namespace {facts.namespace}",
        )
    return fine(TEMPORAL, f"{where} answers, version {facts.version}, namespace {facts.namespace}.")


def _attributes(facts: TemporalFacts) -> Finding:
    if facts.missing_attributes:
        return broken(
            ATTRIBUTES,
            f"Search attributes are missing or of another type: "
            f"{', '.join(facts.missing_attributes)}. Without them no job starts.",
            f"Run: {facts.registration}",
        )
    return fine(ATTRIBUTES, "All search attributes are registered.")


def _pollers(facts: TemporalFacts) -> Finding:
    if facts.workflow_pollers and facts.activity_pollers:
        return fine(POLLERS, "A manager asks Temporal for the work of jobs.")
    return broken(
        POLLERS,
        "No manager asks Temporal for the work of jobs, so no job goes on.",
        "Look for lines about Temporal in the manager's log, and restart the manager.",
    )


def _keeper(facts: TemporalFacts) -> Finding:
    if facts.keeper_beat is None:
        return broken(
            KEEPER,
            "The farm keeper does not run, so no worker gets a job.",
            "Restart the manager. If the keeper still does not run, look at the workflow `farm` "
            "in Temporal.",
        )
    if facts.read_at is not None:
        silent_s = (facts.read_at - facts.keeper_beat).total_seconds()
        if silent_s > _KEEPER_SILENT_S:
            return to_look_at(
                KEEPER,
                f"The farm keeper gave its last sign of life {silent_s:.0f} s ago.",
                "Look whether the manager's machine is overloaded, or Temporal's clock is wrong.",
            )
    return fine(KEEPER, "The farm keeper runs.")


def _clock(facts: TemporalFacts) -> Finding:
    if facts.is_embedded:
        return fine(CLOCK, "Temporal is on the manager's machine, and has its clock.")
    if facts.keeper_beat is None or facts.read_at is None:
        return fine(CLOCK, "Temporal has not told its clock.")
    ahead_s = (facts.keeper_beat - facts.read_at).total_seconds()
    # A beat is some seconds old, so a clock seems to be behind by that.
    is_old_beat = -_KEEPER_SILENT_S <= ahead_s < 0
    return rules.clock(CLOCK, "Temporal", 0.0 if is_old_beat else ahead_s)
