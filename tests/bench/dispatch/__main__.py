"""`make bench`: how long a host is idle between two tasks, beside the least that Temporal takes."""

import argparse
import asyncio
import json
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench.dispatch.cells import BadCell, Cell, parse_cell
from tests.bench.dispatch.farm import farm
from tests.bench.dispatch.floor import floor
from tests.bench.dispatch.measured import Measured
from tests.bench.dispatch.processes import BenchFailed
from tests.bench.dispatch.report import tables

CELLS = ("1x0", "1x1", "1x4", "20x0", "20x1", "20x4", "100x0", "100x1", "100x4")


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING)
    try:
        names = options.cells.split(",")
        cells = [parse_cell(name, options.tasks_per_host, options.jobs) for name in names]
        measured = asyncio.run(_measure_all(cells, options.rounds, options.submissions))
    except (BadCell, BenchFailed, TimeoutError) as failure:
        sys.exit(f"No figures: {str(failure) or 'it took too long'}")
    figures = [each.figures() for each in measured]
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    sys.stdout.write(f"\n{tables(figures)}")


async def _measure_all(cells: Sequence[Cell], rounds: int, submissions: int) -> list[Measured]:
    done = []
    had_submissions: set[int] = set()
    for cell in cells:
        _say(f"{cell.name}: {cell.hosts * cell.tasks_per_host} tasks on {cell.hosts} hosts …")
        # How long a submission takes depends on the farm's size, not on the length of tasks.
        wanted = 0 if cell.hosts in had_submissions else submissions
        had_submissions.add(cell.hosts)
        done.append(await _measure(cell, rounds, wanted))
    return done


async def _measure(cell: Cell, rounds: int, submissions: int) -> Measured:
    """Farm and floor take turns, neither running while the other does."""
    measured = Measured(cell)
    for number in range(rounds):
        with tempfile.TemporaryDirectory(prefix="tablao-bench-") as folder:
            await _measure_farm(measured, Path(folder), submissions if number == 0 else 0)
            async with floor(cell, Path(folder)) as bare:
                await bare.warm_up()
                measured.floor.goes.append(await bare.dispatch())
    return measured


async def _measure_farm(measured: Measured, folder: Path, submissions: int) -> None:
    async with farm(measured.cell, folder) as ours:
        measured.submissions += await ours.submissions(submissions)
        measured.farm.goes.append(await ours.dispatch())


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--cells",
        default=",".join(CELLS),
        metavar="HOSTSxSECONDS,…",
        help="default: %(default)s; 0 seconds are tasks that end at once",
    )
    parser.add_argument("--rounds", type=int, default=1, help="goes at each cell; default: 1")
    parser.add_argument(
        "--tasks-per-host", type=int, metavar="N", help="default: some 15 s of work"
    )
    parser.add_argument(
        "--jobs", type=int, default=2, metavar="N", help="share each farm's hosts; default: 2"
    )
    parser.add_argument(
        "--submissions",
        type=int,
        default=30,
        metavar="N",
        help="jobs submitted one by one, once per farm size; default: 30; 0: none",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    return parser


if __name__ == "__main__":
    main()
