"""A history of the model: the farm it begins with, and what happens to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

#: Keeps every host in touch: no attempt may overlap another, no live run be lost.
CALM = (
    "keeper dies",
    "keeper's workflow is terminated",
    "manager restarts",
    "host process restarts",
    "continue as new",
    "continue as new while canceled",
    "old keeper speaks",
    "old keeper speaks",
    "people",
    "people",
    "cancel and requeue",
    "cancel and requeue task",
    "task",
    "priority",
    "unblock",
    "worker asleep",
    "worker asleep when free",
    "worker awake",
    "tags",
    "submit",
    "a run hangs",
    "a run hangs",
)
STORM = (
    *CALM,
    "manager is down",
    "host process is down",
    "machine goes down",
    "manager unreachable",
    "temporal unreachable",
    "host unreachable",
    "temporal is down",
    "job's workflow is terminated",
    "back up database",
    "restore database",
    "put database back by hand",
    "back up both",
    "restore both",
    "back up temporal",
    "restore temporal",
    "temporal falls back",
    "temporal falls back",
    "delete worker",
)


@dataclass(frozen=True)
class Happening:
    after: int
    """Ticks since the one before."""
    what: str
    which: int
    """Chooses whom it concerns."""
    long: int
    """Ticks, for what ends again."""


@dataclass(frozen=True)
class History:
    seed: int
    """Of latencies and outcomes."""
    is_calm: bool
    failing: int
    """In tenths, how many runs fail; as many again are lost."""
    workers: Sequence[tuple[int, int]]
    """Slots, 0 for a worker that speaks HTTP; which task types it takes: 1 blender, 2 ffmpeg,
    3 both.
    """
    jobs: Sequence[tuple[int, int]]
    """Tasks; shape of their dependencies."""
    happenings: Sequence[Happening]


@st.composite
def happenings(draw: st.DrawFn, words: Sequence[str]) -> list[Happening]:
    """Of a few kinds in each history: what has to meet meets more often."""
    few = draw(st.lists(st.sampled_from(words), min_size=1, max_size=7, unique=True))
    one = st.builds(
        Happening,
        after=st.integers(0, 6),
        what=st.sampled_from(few),
        which=st.integers(0, 60),
        long=st.integers(1, 40),
    )
    return draw(st.lists(one, max_size=25))


@st.composite
def histories(draw: st.DrawFn) -> History:
    is_calm = draw(st.booleans())
    return History(
        seed=draw(st.integers(0, 2**16)),
        is_calm=is_calm,
        failing=draw(st.integers(0, 4)),
        workers=draw(
            st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3)), min_size=1, max_size=4)
        ),
        jobs=draw(
            st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=3)
        ),
        happenings=draw(happenings(CALM if is_calm else STORM)),
    )


def dependencies(count: int, shape: int) -> list[str]:
    """None; a chain; the last waits for all; all wait for the first."""
    if shape == 1:
        return [str(index) if index else "" for index in range(count)]
    if shape == 2 and count > 1:
        return [""] * (count - 1) + [f"1-{count - 1}"]
    if shape == 3:
        return ["" if index == 0 else "1" for index in range(count)]
    return [""] * count
