"""`make test-cluster`: a farm on a real Temporal cluster, whose services are killed by turns.

Temporal's four services are processes on PostgreSQL, with mutual TLS and tokens. Two managers share
a PostgreSQL, and simulated hosts connect to both. The exit code is 0 only if nothing was lost. The
first time Temporal's programs are built from source, which wants Go and many minutes.
"""

import argparse
import asyncio
import logging
import resource
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench.dispatch.processes import BenchFailed
from tests.cluster.audit import audit
from tests.cluster.configuration import Postgres
from tests.cluster.farm import farm, hosts
from tests.cluster.observe import newest_event, observe
from tests.cluster.programs import CannotBuild, Programs, programs
from tests.cluster.report import report
from tests.cluster.search_attributes import register_as_advised
from tests.cluster.strikes import TARGETS, Pace, strike_all
from tests.cluster.temporal import ClusterFailed, cluster
from tests.manager.databases import create_database
from tests.manager.postgres import postgres_server


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING)
    _open_files()
    folder = Path(tempfile.mkdtemp(prefix="tablao-cluster-", dir=options.folder))
    try:
        built = programs()
        with postgres_server() as server:
            url = create_database(server, "tablao")
            problems = asyncio.run(_run(built, folder, url, options))
    except (BenchFailed, CannotBuild, ClusterFailed, TimeoutError) as failure:
        sys.exit(f"Not carried out: {str(failure) or 'it took too long'} Look into {folder}")
    if problems:
        sys.exit(f"Something was lost. Look into {folder}")
    if not options.keep:
        shutil.rmtree(folder)


async def _run(
    built: Programs, folder: Path, database_url: str, options: argparse.Namespace
) -> list[str]:
    """Return a sentence for each thing that was lost."""
    pace = Pace(options.seconds, options.away, options.calm)
    async with (
        cluster(built, folder / "temporal", Postgres.of(database_url)) as temporal,
        farm(folder, database_url, temporal) as ours,
    ):
        await register_as_advised(temporal, ours)
        async with hosts(ours, options.hosts):
            since = await newest_event(ours)
            strikes = await strike_all(ours, temporal, options.hosts, options.kill, pace)
            seen = await observe(ours, temporal, options.hosts, strikes, since)
    problems = audit(seen)
    sys.stdout.write(report(seen, problems))
    sys.stdout.flush()
    return problems


def _open_files() -> None:
    """Let this process and its children open as many files as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make test-cluster", description=__doc__)
    parser.add_argument("--hosts", type=int, default=200, metavar="N")
    parser.add_argument("--seconds", type=int, default=8, help="of a task, ± 20 %%; default: 8")
    parser.add_argument(
        "--away", type=float, default=10.0, help="seconds from a kill to the start; default: 10"
    )
    parser.add_argument(
        "--calm", type=float, default=20.0, help="seconds of work before the next kill; default: 20"
    )
    parser.add_argument("--kill", nargs="+", choices=list(TARGETS), default=list(TARGETS))
    parser.add_argument("--keep", action="store_true", help="keep the folder in any case")
    parser.add_argument("--folder", type=Path, help="where to make it; else the system's choice")
    return parser


if __name__ == "__main__":
    main()
