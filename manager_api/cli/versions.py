"""`tablao versions`: which version each part of the farm has, and what to do about it."""

from collections.abc import Iterator, Sequence
from typing import Any

from manager_api.cli.client import DEFAULT_URL, AsJson, Manager, ManagerUrl
from manager_api.cli.console import say, show_json, show_list

#: Standings that are said; the others are as they should be.
_SAID = frozenset({"older", "newer", "unknown"})
_NOT_SAID = "not known"


def versions(manager: ManagerUrl = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Which version each part of the farm has, and what to upgrade."""
    with Manager(manager) as farm:
        found = farm.get("/api/tablao/v1/versions")
    if as_json:
        show_json(found)
        return
    show_list(("PART", "VERSION", "STATE", "WHICH"), list(_rows(found)))
    for each in (*found["managers"], *found["workers"]):
        if each["advice"]:
            part = "Workers" if "workers" in each else f"The manager on {each['name']}"
            say(f"\n{part}, {each['version'] or 'version not known'}: {each['advice']}")
    for worker in (each for group in found["workers"] for each in group["workers"]):
        if upgrade := worker.get("upgrade"):
            say(f"\n{worker['name']}: {_of_upgrade(upgrade)}")


def _rows(found: dict[str, Any]) -> Iterator[Sequence[object]]:
    for manager in found["managers"]:
        yield "manager", manager["version"], _state(manager["standing"]), manager["name"]
    whose = "the manager's own" if found["is_temporal_embedded"] else "the farm's own server"
    yield "Temporal", found["temporal"] or _NOT_SAID, "", whose
    database = found["database"]
    yield "database", database["migration"], "", database["kind"]
    for group in found["workers"]:
        names = [worker["name"] for worker in group["workers"]]
        count = "1 worker" if len(names) == 1 else f"{len(names)} workers"
        version = group["version"] or _NOT_SAID
        yield count, version, _state(group["standing"]), ", ".join(names)


def _of_upgrade(upgrade: dict[str, str]) -> str:
    if upgrade["state"] == "failed":
        return f"the upgrade to {upgrade['version']} failed. {upgrade['reason']}"
    return f"it is {upgrade['state']} version {upgrade['version']}."


def _state(standing: str) -> str:
    return standing if standing in _SAID else ""
