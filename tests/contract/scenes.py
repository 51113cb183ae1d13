"""A farm's day, operation by operation: each succeeds, and is refused in every way that is known.

Only the interface is used: what one operation makes is what the next one works with.
"""

from collections.abc import Callable

from tests.contract import files, managing, working
from tests.contract.scene import NO_ID, NOBODY, Scene
from tests.farm.processes import wait_until


def deleting(scene: Scene) -> None:
    call = scene.api.call
    call("deleteJob", 204, job_id=scene.job["id"])
    call("deleteJob", 400, job_id=NO_ID)
    call("deleteJob", 404, job_id=NOBODY)
    wait_until(lambda: scene.api.any_of("fetchJob", {200, 404}, job_id=scene.job["id"]) is None, 90)
    call("deleteJobMass", 416, json={"last_updated_max": "2001-01-01T00:00:00Z"})
    call("deleteJobMass", 400, json={})
    call("deleteJobMass", 204, json={"last_updated_max": "2101-01-01T00:00:00Z"})
    wait_until(lambda: call("fetchJobs", 200) == {"jobs": []}, 90)


#: In this order: later ones work with what earlier ones made.
SCENES: tuple[Callable[[Scene], None], ...] = (
    managing.about_itself,
    managing.configuration,
    managing.job_types,
    working.joining,
    working.submitting,
    working.working,
    working.commanding_jobs,
    managing.blocklist,
    managing.tags,
    managing.managing_workers,
    files.shaman,
    files.without_shaman,
    deleting,
)
