"""Which tests share a farm, and so run in one process of several."""

from xdist.scheduler import LoadScopeScheduling

#: Groups of tests that share one farm: beginnings of the paths of their files. Each other file is
#: a group of its own. In the order in which they begin, the longest first.
SHARED_FARMS: tuple[tuple[str, ...], ...] = (
    ("tests/browser/",),
    ("tests/addon/blender/",),
    (
        "tests/e2e/test_actions_over_",
        "tests/e2e/test_bad_input.py",
        "tests/e2e/test_mixed_farm.py",
        "tests/e2e/test_sizes.py",
    ),
    ("tests/addon/core/",),
    ("tests/addon/files/",),
    ("tests/addon/package/",),
    # They listen to the same multicast group.
    ("tests/manager/discovery/",),
)


def group_of(test: str) -> str:
    """The group of a test, given by its id."""
    file = test.partition("::")[0]
    return next((group[0] for group in SHARED_FARMS if file.startswith(group)), file)


class ByFarm(LoadScopeScheduling):  # type: ignore[misc] # xdist publishes no types
    """Gives each process whole groups."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
