"""`python -m tests.chaos.kills`: a farm in full size, struck once per run, and what came of it.

Each run has a farm of its own: a manager with its Temporal, and hosts. The exit code is 0 only if
every run did what it must.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.chaos.blender import BLENDER, make_scene
from tests.chaos.cases import CASES, NOTHING, Case, temporal_away
from tests.chaos.runs import Evidence, problems, run_case
from tests.farm.processes import SCALED, STAND_IN, FarmProcesses

#: Every time-out as it is by default.
PRODUCTION: Mapping[str, str] = {}
#: A history is longer after ten to fifteen tasks, when four hosts run them.
SHORT_HISTORIES: Mapping[str, str] = {"TABLAO_HISTORY_EVENTS": "100"}
COLUMNS = "case,times,tasks,completed,failed,starts,twice,running,survived,attempts,seconds"
WITH_BLENDER = ("host killed", "manager killed", "Temporal killed")


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    cases = [case for case in _cases(options) if options.only in case.name]
    rows, failures = [], []
    for case in cases:
        folder = Path(tempfile.mkdtemp(prefix="tablao-kills-"))
        evidence = _run(case, folder, options)
        if found := list(problems(case, evidence)):
            failures.append(f"{case.name}: {'; '.join(found)}. Look into {folder}")
        else:
            shutil.rmtree(folder)
        rows.append(_row(evidence, "scaled" if options.scaled else "production"))
        _say(rows[-1])
        _keep(options.evidence, evidence, options)
    sys.stdout.write("\n" + _table(rows) + "\n")
    sys.exit("\n".join(failures) or 0)


def _cases(options: argparse.Namespace) -> list[Case]:
    if options.blender:
        return [case for case in CASES if case.name in WITH_BLENDER]
    return [*CASES, temporal_away(options.away), NOTHING]


def _run(case: Case, folder: Path, options: argparse.Namespace) -> Evidence:
    settings = dict(SCALED if options.scaled else PRODUCTION)
    if case is NOTHING:
        settings |= SHORT_HISTORIES
    blender = BLENDER if options.blender else STAND_IN
    with FarmProcesses(folder, frame_s=options.frame, settings=settings, blender=blender) as farm:
        if options.blender:
            farm.blend_file = folder / "cube.blend"
            make_scene(farm.blend_file, options.samples)
        farm.start_hosts(options.hosts)
        return run_case(farm, case, first=1, count=options.tasks, timeout_s=options.timeout)


def _row(evidence: Evidence, times: str) -> list[str]:
    name = evidence.case
    if evidence.histories > 1:
        name += f", {evidence.histories - 1} times continued as new"
    counts = [evidence.tasks, evidence.completed, evidence.failed, evidence.starts]
    counts += [len(evidence.run_twice), evidence.running, evidence.survived, evidence.attempts]
    return [name, times, *map(str, counts), f"{evidence.seconds:.0f}"]


def _table(rows: Sequence[Sequence[str]]) -> str:
    heads = COLUMNS.split(",")
    lines = [heads, ["---"] * 2 + ["---:"] * (len(heads) - 2), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _keep(path: Path | None, evidence: Evidence, options: argparse.Namespace) -> None:
    if path is not None:
        said = {name: value for name, value in vars(options).items() if name != "evidence"}
        with path.open("a") as file:
            file.write(json.dumps(asdict(evidence) | {"options": said}) + "\n")


def _say(row: Sequence[str]) -> None:
    sys.stderr.write(" | ".join(row) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.kills", description=__doc__)
    parser.add_argument("--only", default="", metavar="WORDS", help="cases that are named so")
    parser.add_argument("--tasks", type=int, default=60)
    parser.add_argument("--hosts", type=int, default=4)
    parser.add_argument("--frame", type=float, default=5.0, metavar="S", help="how long each takes")
    parser.add_argument("--away", type=float, default=120.0, metavar="S", help="Temporal's outage")
    parser.add_argument("--scaled", action="store_true", help="time-outs scaled down as in tests")
    parser.add_argument("--timeout", type=float, default=900.0, metavar="S", help="per run")
    parser.add_argument("--blender", action="store_true", help="real frames, in the cases for them")
    parser.add_argument("--samples", type=int, default=20, help="of Blender's: sets its pace")
    parser.add_argument("--evidence", type=Path, metavar="FILE", help="gets a JSON line per run")
    return parser


if __name__ == "__main__":
    main()
