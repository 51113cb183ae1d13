"""The table of docs/access.md: each route, and who may call it. `--write` writes it there."""

import sys
from pathlib import Path
from typing import Any

from fastapi.dependencies.models import Dependant

from manager_api.hosts.channel import Hosts
from manager_api.temporal.tunnel import tunnel_router
from manager_api.web.app import ROUTERS
from manager_api.web.auth import (
    Join,
    Needs,
    NeedsJob,
    NeedsPerson,
    Public,
    WorkerAuth,
    may_reach_temporal,
    worker_of,
)
from manager_api.web.tablao.host import host_router
from workflows.domain.access import PERMISSIONS, Permission, Role

PAGE = Path(__file__).parents[2] / "docs" / "access.md"
BEGIN, END = "<!-- The table is made by tests/docs/access_table.py. -->\n", "<!-- end -->\n"
_DECISIONS = (Needs, NeedsJob, Public, Join, WorkerAuth)
_YES, _NO = "yes", "-"


def decisions(dependant: Dependant) -> set[Any]:
    """Return the checks of a route that decide who may call it."""
    found = {dependant.call} if isinstance(dependant.call, _DECISIONS) else set()
    return found.union(*map(decisions, dependant.dependencies))


def all_routes() -> list[Any]:
    """Return the routes of all routers that the manager serves, those of WebSockets included."""
    hosts: Any = Hosts.__new__(Hosts)
    extra = (host_router(hosts, worker_of), tunnel_router(lambda: "", may_reach_temporal))
    return [route for router in (*ROUTERS, *extra) for route in router.routes]


def table() -> str:
    head = ("method", "address", "permission", "nobody", *Role, "worker")
    rows = [head, tuple("---" for _ in head), *sorted(set(_rows()), key=lambda row: (row[1], row))]
    return "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)


def _rows() -> list[tuple[str, ...]]:
    return [
        (method, f"`{route.path}`", *_columns(route))
        for route in all_routes()
        for method in sorted(getattr(route, "methods", None) or {"WebSocket"})
    ]


def _columns(route: Any) -> tuple[str, ...]:
    if route.endpoint.__name__ == "host":
        return ("-", _NO, *(_NO for _ in Role), "itself")
    if route.endpoint.__name__ == "tunnel":
        allowed = (_YES if Permission.TEMPORAL in PERMISSIONS[role] else _NO for role in Role)
        return ("temporal", _NO, *allowed, "itself, if let in")
    (decided,) = decisions(route.dependant)
    match decided:
        case WorkerAuth():
            return ("-", _NO, *(_NO for _ in Role), "itself")
        case Public():
            return ("-", *(_YES for _ in range(len(Role) + 2)))
        case Join():
            allowed = ("waits" if Permission.REGISTER not in PERMISSIONS[r] else _YES for r in Role)
            return ("register, or a join token", "waits", *allowed, _NO)
    words = " or ".join(f"{each}" for each in decided.any_of)
    words += ", not by a token" if isinstance(decided, NeedsPerson) else ""
    return (words, _NO, *(_of_role(role, decided) for role in Role), _NO)


def _of_role(role: Role, decided: Needs | NeedsJob) -> str:
    if isinstance(decided, NeedsJob) and Permission.ALL_JOBS not in PERMISSIONS[role]:
        return "own" if Permission.OWN_JOBS in PERMISSIONS[role] else _NO
    return _NO if PERMISSIONS[role].isdisjoint(decided.any_of) else _YES


def with_table(page: str) -> str:
    """Return a page with the table of now between its marks."""
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}{table()}{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        sys.stdout.write(table())
