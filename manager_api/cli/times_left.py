"""How long jobs still take, in the dashboard's words."""

from math import ceil, floor
from typing import Any

from manager_api.cli.client import Manager

#: Seconds of a unit, its name, and the seconds from which the next unit is used.
_UNITS = ((1, "s", 100), (60, "min", 100 * 60), (3_600, "h", 48 * 3_600))
_DAYS = (86_400, "days", 0)


def times_left(farm: Manager) -> dict[str, dict[str, Any]]:
    """Return what the manager says of the active jobs, by the job's id."""
    jobs = farm.get("/api/tablao/v1/time-left")["jobs"]
    return {each["job_id"]: each for each in jobs}


def left(
    job: dict[str, Any], times: dict[str, dict[str, Any]], unknown: str = "not known yet"
) -> str:
    """Return how long an active job still takes; an empty text for others."""
    if job["status"] != "active":
        return ""
    known = times.get(job["id"])
    return range_text(known["earliest_s"], known["latest_s"]) if known else unknown


def range_text(earliest_s: float, latest_s: float) -> str:
    """Return a text such as `4-6 min`; the range never looks more certain than it is."""
    size, unit, _ = next((each for each in _UNITS if latest_s < each[2]), _DAYS)
    low, high = floor(earliest_s / size), ceil(latest_s / size)
    if low <= 0:
        return f"up to {high} {unit}"
    return f"{high} {unit}" if low == high else f"{low}-{high} {unit}"
