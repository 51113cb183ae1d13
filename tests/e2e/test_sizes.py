"""A job of ten thousand frames on a real farm. `python -m tests.e2e.sizes` tries 100,000, too."""

import logging
from pathlib import Path

from tests.e2e.sizes import measure, settings
from tests.farm.custom_jobs import ScriptFarm

logger = logging.getLogger(__name__)

#: What Temporal takes in one message: it refuses 2 MiB, and warns at a quarter of it.
WARNED_OF = 512 * 1024


def test_a_job_of_ten_thousand_frames_is_submitted_canceled_and_requeued(tmp_path: Path) -> None:
    with ScriptFarm(tmp_path / "farm", settings()) as farm:
        sizes = measure(farm, 10_000)

    logger.info("%s", sizes)
    assert sizes.disagreements == []
    assert sizes.failed_workflow_tasks == []
    assert any(execution.is_continued for execution in sizes.executions)
    assert sizes.largest_event < WARNED_OF
    assert 0 < sizes.state < 10_000
    assert 0 < sizes.carried < 10_000
