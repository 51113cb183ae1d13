"""Which tests are in the quick lane, and which ones run in one process, as they share a farm.

`pytest --quick` (`make quick`) runs the quick lane, `pytest` (`make test`) runs both.
"""

from collections.abc import Iterable

from xdist.scheduler import LoadScopeScheduling

#: Beginnings of paths. Files that need no build and start no server, no Blender and no browser.
QUICK = (
    "tests/activities/test_keeper_handover.py",
    "tests/activities/test_keeper_starts.py",
    "tests/activities/test_keeper_watch.py",
    "tests/activities/test_projection.py",
    "tests/activities/test_run_task.py",
    "tests/addon/core/test_evaluation.py",
    "tests/addon/core/test_presets.py",
    "tests/addon/core/test_project.py",
    "tests/chaos/test_audit.py",
    "tests/chaos/test_plan.py",
    "tests/chaos/test_renderer.py",
    "tests/cluster/",
    "tests/deploy/",
    "tests/docs/",
    "tests/domain/",
    "tests/manager/logs/test_task_logs.py",
    "tests/manager/settings/",
    "tests/model/",
    "tests/worker_host/test_blender_output.py",
    "tests/worker_host/test_gpus.py",
    "tests/worker_host/test_settings.py",
    "tests/worker_host/test_statistics.py",
    "tests/workflows/test_replay.py",
)
#: Beginnings of paths. All other files; where both tuples fit, the longer beginning counts.
SLOW = (
    "tests/activities/",
    "tests/addon/",
    "tests/bench/",
    "tests/browser/",
    "tests/chaos/",
    "tests/contract/",
    # These run every tool of `make lint`.
    "tests/docs/test_code_quality.py",
    # It builds the site.
    "tests/docs/test_site.py",
    "tests/e2e/",
    "tests/manager/",
    "tests/packages/",
    "tests/worker_host/",
    "tests/workflows/",
)

#: Beginnings of paths. The files of a row run in one process, most of them because they share a
#: farm; each other file is a group of its own. Rows begin first and in this order: long ones first.
GROUPS = (
    ("tests/browser/",),
    ("tests/e2e/test_failures_on_small_farms.py",),
    ("tests/addon/blender/",),
    # Both files build the packages.
    ("tests/packages/",),
    (
        "tests/e2e/test_actions_over_",
        "tests/e2e/test_bad_input.py",
    ),
    ("tests/e2e/test_http_workers.py",),
    ("tests/chaos/test_seeds.py",),
    ("tests/chaos/test_backups.py",),
    ("tests/chaos/",),
    ("tests/e2e/test_provisioning.py",),
    ("tests/e2e/test_real_blender.py",),
    ("tests/e2e/test_worker_management.py",),
    ("tests/e2e/test_mixed_farm.py",),
    ("tests/e2e/test_run_times.py",),
    ("tests/e2e/test_sizes.py",),
    ("tests/addon/files/",),
    ("tests/addon/core/",),
    ("tests/docs/test_code_quality.py",),
    ("tests/contract/",),
    ("tests/addon/package/",),
    # One Temporal server, without a farm.
    (
        "tests/manager/temporal/test_studios_cluster.py",
        "tests/manager/temporal/test_tunnel.py",
        "tests/manager/temporal/test_worker_powers.py",
        "tests/manager/temporal/test_worker_proxy.py",
        "tests/worker_host/connected/",
        "tests/workflows/test_job_workflow.py",
    ),
)


def is_quick(file: str) -> bool:
    """
    Args:
        file: relative to the project, with slashes.
    """
    return _longest(QUICK, file) > _longest(SLOW, file)


def has_lane(file: str) -> bool:
    return _longest((*QUICK, *SLOW), file) > 0


def _longest(beginnings: Iterable[str], file: str) -> int:
    return max((len(each) for each in beginnings if file.startswith(each)), default=0)


def group_of(test: str) -> str:
    """The name of the group that runs in one process; `test` is a test's id."""
    file = test.partition("::")[0]
    return next((row[0] for row in GROUPS if file.startswith(row)), file)


def rank_of(test: str) -> int:
    """Sorting by it brings the rows of `GROUPS` to the front."""
    group = group_of(test)
    return next((n for n, row in enumerate(GROUPS) if row[0] == group), len(GROUPS))


class ByFarm(LoadScopeScheduling):  # type: ignore[misc] # xdist publishes no types
    """Hands whole groups to the processes."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
