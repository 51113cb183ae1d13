"""A host process that is killed while it renders."""

import asyncio
import os
import sys
from pathlib import Path

from tests.worker_host.farmhouse import Farmhouse
from workflows.domain.messages import OutcomeKind, RunRef

HOST = """
import asyncio, sys
from pathlib import Path
from worker_host.run_spec import Command, RunSpec
from tests.farm.ids import OWN_JOB, lease_of
from worker_host.run_table import RunTable
from workflows.domain.messages import RunRef

class Hooks:
    async def fetch(self, ref):
        return RunSpec((Command("exec", {"exe": "/bin/sh", "args": ["-c", sys.argv[2]]}),))

    async def log_written(self, key, offset, data):
        return offset + len(data)

async def main():
    table = RunTable(Path(sys.argv[1]), Hooks())
    await table.open()
    await table.run_or_attach(RunRef(OWN_JOB, 1, 1, 1, lease_of(1), 0, 1))

asyncio.run(main())
"""


async def test_render_survives_the_sigkill_of_its_host(house: Farmhouse, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    script = f"echo ready; while [ ! -e {gate} ]; do sleep 0.02; done; echo done"
    asked: RunRef = house.ref()
    host = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOST, str(house.directory), script),
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    await house.eventually(lambda: "> ready" in house.log(asked.key))
    pid = house.shim(asked.key)["command"]["pid"]
    host.kill()
    await host.wait()

    table = await house.open()

    assert table.live() == [asked.key]
    assert house.is_alive(pid)
    gate.touch()
    outcome = await house.run(table, asked, house.shell("echo a second time"))
    assert outcome.kind is OutcomeKind.COMPLETED
    assert house.log(asked.key).endswith(f"pid={pid} > ready\npid={pid} > done\n")
