"""The script of the documentation does what the documentation says."""

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from manager_api.database import events

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

SCRIPT = Path(__file__).resolve().parents[3] / "docs" / "watch_events.py"


async def test_the_script_prints_what_came_after_an_event_and_what_comes(
    served: str, farm: "Farm"
) -> None:
    async def tell(*topics: str) -> None:
        async with farm.parts.database.writing() as session:
            for topic in topics:
                events.append(session, topic, {"said": topic})

    async def line() -> tuple[str, str, dict[str, str]]:
        assert script.stdout is not None
        async with asyncio.timeout(60):
            number, topic, payload = (await script.stdout.readline()).decode().split(" ", 2)
        return number, topic, json.loads(payload)

    last = farm.parts.events.newest
    await tell("/jobs", "/workers", "/workertags")
    arguments = (served, str(last), "/jobs,/workertags")
    script = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        missed = [await line(), await line()]
        await tell("/jobs/7")
        live = await line()
    finally:
        script.terminate()
        await script.wait()

    assert missed == [
        (str(last + 1), "/jobs", {"said": "/jobs"}),
        (str(last + 3), "/workertags", {"said": "/workertags"}),
    ]
    assert live == (str(last + 4), "/jobs/7", {"said": "/jobs/7"})
