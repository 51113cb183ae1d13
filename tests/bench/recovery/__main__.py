"""How soon a farm recovers: `python -m tests.bench.recovery`.

The farms are real processes with production's time-outs; only Blender is a program that waits.

* `host`: several hosts have tasks of some seconds; one is killed together with its run, or stopped.
* `manager`: the only manager of an idle farm is killed, and started at once. Its Temporal lives on.
* `keeper`: that one of two managers on PostgreSQL is killed which keeps the farm. Each manager has
  half of the hosts, and a balancer sends them to the other one.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.bench.recovery import lost_host, lost_keeper, lost_manager
from tests.bench.rounds import Figures

Measure = Callable[[Path, int, Figures, Callable[[str], None]], None]

LOSSES: Mapping[str, Measure] = {
    "host": lost_host.measure,
    "manager": lost_manager.measure,
    "keeper": lost_keeper.measure,
}


def main(arguments: Sequence[str]) -> None:
    options = _parser().parse_args(arguments)
    figures = Figures()
    for loss in options.losses.split(","):
        with tempfile.TemporaryDirectory(prefix="recovery-") as directory:
            LOSSES[loss](Path(directory), options.rounds, figures, _say)
    figures.write(options.json)
    sys.stdout.write(f"\n{figures.text()}\n")


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.recovery", description=__doc__)
    parser.add_argument(
        "--losses", default=",".join(LOSSES), metavar="NAME,…", help="default: %(default)s"
    )
    parser.add_argument("--rounds", type=int, default=10, help="of each loss; default: 10")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
