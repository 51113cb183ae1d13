"""`make chaos`: farms of real processes that are struck as seeds say, and an auditor.

The exit code is 0 only if no invariant is broken. What a broken seed has left is kept in a folder.
"""

import argparse
import shutil
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.chaos.execution import Result, run
from tests.chaos.plan import Plan, Store, plan_for, shown


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    if options.show is not None:
        _say(shown(plan_for(options.show, options.database)))
        return
    seeds = [options.seed] if options.seed is not None else _range(options)
    kinds: Counter[str] = Counter()
    tasks, broken = 0, []
    for seed in seeds:
        plan = plan_for(seed, options.database)
        result = _carried_out(plan, options)
        if result is None or result.problems:
            broken.append(seed)
        if result is not None:
            kinds.update(str(struck.fault.kind) for struck in result.state.struck)
            tasks += result.tasks
    _say(_summary(kinds, tasks, len(seeds), broken))
    sys.exit(1 if broken else 0)


def _range(options: argparse.Namespace) -> Sequence[int]:
    return range(options.first, options.first + options.seeds)


def _carried_out(plan: Plan, options: argparse.Namespace) -> Result | None:
    """Return None if it could not be carried out to its end, which is said."""
    folder = Path(tempfile.mkdtemp(prefix=f"tablao-chaos-{plan.seed}-", dir=options.folder))
    try:
        result = run(plan, folder / "farm")
    except Exception as error:
        (folder / "error").write_text(traceback.format_exc())
        _say(f"seed {plan.seed} could not be carried out: {error}. Look into {folder}")
        return None
    struck, missed = len(result.state.struck), len(result.not_struck)
    _say(f"seed {plan.seed}: {struck} faults ({missed} found no target), {result.tasks} tasks")
    if result.problems:
        database = f" --database {options.database}" if options.database else ""
        _say("\n".join(f"  {problem}" for problem in result.problems))
        _say(f"  again: make chaos ARGS='--seed {plan.seed}{database}'. Look into {folder}")
    elif not options.keep:
        shutil.rmtree(folder)
    return result


def _summary(kinds: Counter[str], tasks: int, seeds: int, broken: Iterable[int]) -> str:
    rows = [f"| {kind} | {times} |" for kind, times in sorted(kinds.items())]
    table = "\n".join(["| fault | times |", "|---|--:|", *rows])
    words = ", ".join(map(str, broken)) or "none"
    return f"\n{table}\n\n{seeds} seeds, {tasks} tasks. Seeds that broke an invariant: {words}"


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, metavar="N", help="how many seeds")
    parser.add_argument("--first", type=int, default=1, metavar="SEED", help="the first of them")
    parser.add_argument("--seed", type=int, metavar="SEED", help="this one alone")
    parser.add_argument("--show", type=int, metavar="SEED", help="only say what the seed means")
    parser.add_argument(
        "--database",
        type=Store,
        choices=list(Store),
        help="PostgreSQL comes with two managers; else each seed chooses",
    )
    parser.add_argument("--keep", action="store_true", help="keep the folders of all seeds")
    parser.add_argument("--folder", type=Path, help="where to make them; else the system's choice")
    return parser


if __name__ == "__main__":
    main()
