"""The benchmark's command works; how fast anything is, a test cannot say."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from tests.bench.dispatch.cells import BadCell, Cell, parse_cell
from tests.bench.dispatch.processes import Reported
from tests.bench.dispatch.records import Ran, busy, gaps, percentile

ROOT = Path(__file__).parents[2]


async def test_the_smallest_cell_prints_figures_of_farm_and_floor(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    options = ["--cells", "2x0", "--tasks-per-host", "10", "--submissions", "2"]

    bench = await asyncio.create_subprocess_exec(
        *(sys.executable, "tests/bench/dispatch", *options, "--json", str(figures)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, complaints = await bench.communicate()

    assert bench.returncode == 0, complaints.decode()
    assert "gap p99" in printed.decode()
    (cell,) = json.loads(figures.read_text())
    # Each of the two jobs begins with an echo, which the floor does without.
    assert (cell["farm"]["tasks"], cell["floor"]["tasks"]) == (22, 20)
    assert cell["farm"]["gap_p50_ms"] > 0
    assert cell["floor"]["gap_p50_ms"] > 0
    for figure in ("cpu_ms_per_task", "memory_mb"):
        assert cell["farm"][figure].keys() == {"manager", "temporal", "hosts"}
    assert 0 <= cell["farm"]["busy_percent"] < 100
    assert cell["submissions"]["count"] == 2


def test_a_gap_is_from_the_end_of_a_task_to_the_next_on_the_same_host() -> None:
    records = [
        Ran(host=1, job="a", task=2, attempt=1, began=5.0, ended=6.0),
        Ran(host=1, job="a", task=1, attempt=1, began=1.0, ended=4.5),
        Ran(host=2, job="a", task=3, attempt=1, began=0.0, ended=9.0),
    ]

    assert gaps(records) == [0.5]


async def test_a_warning_of_temporals_library_is_no_record_and_is_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ran = Ran(host=1, job="a", task=1, attempt=1, began=1.0, ended=2.0)
    lines = asyncio.StreamReader()
    lines.feed_data(f"2026-11-30 WARN no poller\n{ran.line()}".encode())
    lines.feed_eof()
    reported = Reported()

    await reported.read(lines)

    assert reported.of(["a"]) == [ran]
    assert capsys.readouterr().err == "2026-11-30 WARN no poller\n"


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(n) for n in range(100)]

    assert (percentile(values, 0.5), percentile(values, 0.99)) == (50.0, 99.0)
    assert percentile([], 0.5) == 0.0


def test_a_host_is_busy_from_its_first_command_to_its_last_but_for_the_gaps() -> None:
    records = [
        Ran(host=1, job="a", task=1, attempt=1, began=1.0, ended=4.0),
        Ran(host=1, job="a", task=2, attempt=1, began=5.0, ended=6.0),
        Ran(host=2, job="a", task=3, attempt=1, began=3.0, ended=8.0),
    ]

    assert busy(records) == pytest.approx(9 / 10)
    assert busy([]) == 0


def test_jobs_share_the_hosts_of_a_cell() -> None:
    cell = parse_cell("5x4")

    assert (cell.hosts, cell.seconds) == (5, 4)
    assert cell.shares == [range(3), range(3, 5)]
    assert parse_cell("7x4", jobs=3).shares == [range(3), range(3, 5), range(5, 7)]
    assert Cell(hosts=1, seconds=0, tasks_per_host=1).shares == [range(1)]


@pytest.mark.parametrize("text", ["", "x", "0x4", "4", "4x-1", "ax1", "1x1x1"])
def test_what_is_no_cell_is_refused(text: str) -> None:
    with pytest.raises(BadCell, match="HOSTSxSECONDS"):
        parse_cell(text)
