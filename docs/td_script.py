"""Asks a job's workflow: `python td_script.py ADDRESS JOB cancel|pause|… [NUMBER OF A TASK]`."""

import asyncio
import sys
import time
from typing import Any

from temporalio.client import Client


async def ask(address: str, job: str, update: str, **more: Any) -> Any:
    client = await Client.connect(address)
    workflow = client.get_workflow_handle(f"job-{job}")
    answer = await workflow.execute_update(update, {"reason": "a script asked for it", **more})
    return answer, await workflow.query("status")


if __name__ == "__main__":
    address, job, update, *task = sys.argv[1:]
    try:
        answer = asyncio.run(ask(address, job, update, task=int(task[0]) if task else None))
        print(answer)  # noqa: T201 -- a script says what came of it
    finally:
        time.sleep(0.2)  # Python dies if it ends while the client's threads end their last call
