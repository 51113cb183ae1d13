"""How long submissions take: `python -m tests.bench.submissions`.

Each farm is a `tablao manager` with its Temporal, and real hosts whose commands do nothing. Jobs of
so many `--frames` have a task for each frame, and are submitted one after the other, as the add-on
does it: the manager checks the job, then takes it. `--jobs` are submitted at once, by so many
`--clients`, to a farm that has an idle host for each of them. Times begin with a request.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench.dispatch.processes import BenchFailed
from tests.bench.idle.farm import open_files
from tests.bench.rounds import Figures
from tests.bench.submissions import large_jobs, many_jobs


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    open_files()
    figures = Figures()
    try:
        asyncio.run(_measure(options, figures))
    except (BenchFailed, TimeoutError) as failure:
        sys.exit(f"No figures: {str(failure) or 'it took too long'}")
    figures.write(options.json)
    sys.stdout.write(f"\n{figures.text()}\n")


async def _measure(options: argparse.Namespace, figures: Figures) -> None:
    for frames in (int(each) for each in options.frames.split(",") if each):
        with tempfile.TemporaryDirectory(prefix="submissions-") as folder:
            await large_jobs.measure(
                frames, options.chunk, options.rounds, figures, Path(folder), _say
            )
    if options.jobs:
        with tempfile.TemporaryDirectory(prefix="submissions-") as folder:
            await many_jobs.measure(
                options.jobs, options.clients, options.rounds, figures, Path(folder), _say
            )


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.submissions", description=__doc__)
    parser.add_argument(
        "--frames",
        default=",".join(map(str, large_jobs.AIMS)),
        metavar="N,…",
        help="sizes of jobs; default: %(default)s; empty: none",
    )
    parser.add_argument("--chunk", type=int, default=1, help="frames of a task; default: 1")
    parser.add_argument("--jobs", type=int, default=300, help="submitted at once; 0: none")
    parser.add_argument("--clients", type=int, default=20, help="that submit them; default: 20")
    parser.add_argument("--rounds", type=int, default=3, help="of each; default: 3")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    return parser


if __name__ == "__main__":
    main()
