"""A job's tasks as text, and how long that text is."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tests.domain.jobs import columns, job_of
from workflows.domain.job.carrying import carry, restore
from workflows.domain.job.encoding import TaskColumns, decode, encode
from workflows.domain.job.ranges import format_ranges, indexes_in
from workflows.domain.statuses import TaskStatus

WORKERS = [f"6f9619ff-8b86-d011-b42d-00cf4fc9{i:04x}" for i in range(300)]


@st.composite
def task_columns(draw: st.DrawFn) -> TaskColumns:
    def column(values: st.SearchStrategy[int]) -> list[int]:
        return draw(st.lists(values, min_size=count, max_size=count))

    count = draw(st.integers(0, 20))
    names = st.lists(st.sampled_from(["ada", "bob"]), max_size=2, unique=True).map(tuple)
    return TaskColumns(
        types=draw(st.lists(st.sampled_from(["blender", "ä"]), min_size=count, max_size=count)),
        priorities=column(st.integers(0, 100)),
        depends_on=["" if i < 2 else format_ranges([1, i]) for i in range(count)],
        statuses=draw(st.lists(st.sampled_from(TaskStatus), min_size=count, max_size=count)),
        attempts=column(st.integers(0, 5)),
        failures=column(st.integers(0, 3)),
        failed_by=draw(st.lists(names, min_size=count, max_size=count)),
    )


@given(task_columns())
def test_decoding_is_the_inverse_of_encoding(tasks: TaskColumns) -> None:
    assert decode(encode(tasks)) == tasks


@given(st.sets(st.integers(1, 300)))
def test_ranges_hold_every_index_once_and_in_order(indexes: set[int]) -> None:
    assert list(indexes_in(format_ranges(sorted(indexes)))) == sorted(indexes)


@given(task_columns())
def test_restoring_is_the_inverse_of_carrying(tasks: TaskColumns) -> None:
    job = job_of(tasks)
    job.next_write()

    restored = restore(carry(job))

    assert restored.tasks.columns == job.tasks.columns
    assert restored.demand == job.demand
    assert restored.tasks.counts == job.tasks.counts
    assert carry(restored) == carry(job)


def test_a_hundred_thousand_tasks_of_every_status_stay_under_a_megabyte() -> None:
    job = job_of(_hundred_thousand())
    job.failures.accidents.update(dict.fromkeys(range(1, 100000, 50), 2))

    assert len(encode(job.tasks.columns)) < 1_000_000
    assert len(carry(job)) < 1_000_000


def _hundred_thousand() -> TaskColumns:
    """As a large farm leaves them in the middle of a job: shuffled, one in ten has failed."""
    rng, count = Random(1), 100_000
    tasks = columns(count)
    tasks.statuses = [rng.choice(list(TaskStatus)) for _ in range(count)]
    tasks.depends_on = ["" if i % 3 else str(i or "") for i in range(count)]
    tasks.types = [rng.choice(["blender", "ffmpeg", "misc"]) for _ in range(count)]
    tasks.attempts = [rng.choice([0, 1, 1, 1, 2, 3]) for _ in range(count)]
    for i in rng.sample(range(count), count // 10):
        tasks.failures[i] = rng.randint(1, 3)
        tasks.failed_by[i] = tuple(rng.sample(WORKERS, tasks.failures[i]))
    return tasks
