"""A host that the manager gave up comes back."""

import os
import signal
from pathlib import Path

from tests.farm.processes import FarmProcesses, wait_until

#: Longer than the manager waits for a silent host.
FRAME_S = 15.0


def test_a_lost_host_goes_on_with_its_frame_if_no_other_was_free(tmp_path: Path) -> None:
    with FarmProcesses(tmp_path / "farm", frame_s=FRAME_S) as farm:
        farm.start_hosts(1)
        job_id = farm.submit_frames("1")
        wait_until(farm.started)
        host = farm.hosts["host1"].pid
        os.kill(host, signal.SIGSTOP)
        try:
            wait_until(lambda: not farm.awake())
        finally:
            os.kill(host, signal.SIGCONT)
        farm.until_job_is(job_id, "completed")

        assert len(farm.started()) == 1
