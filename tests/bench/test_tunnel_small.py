"""The command that measures the workers' proxy works; what it costs, a test cannot say."""

import asyncio
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


async def test_the_smallest_run_prints_figures_of_both_ways() -> None:
    options = ["--hosts", "2", "--tasks-per-host", "20", "--rounds", "1"]

    bench = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.tunnel", *options),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, complaints = await bench.communicate()

    assert bench.returncode == 0, complaints.decode()
    head, *rows = printed.decode().splitlines()
    assert head.split()[-3:] == ["raw", "proxy", "ratio"]
    assert len(rows) == 4
    assert all(float(row.split()[-3]) > 0 and float(row.split()[-2]) > 0 for row in rows)
