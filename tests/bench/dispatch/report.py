"""The figures as tables for people."""

from collections.abc import Iterable, Sequence
from typing import Any

_DISPATCH = (
    "hosts x s",
    "tasks",
    "tasks/s",
    "floor",
    "gap p50",
    "floor",
    "ratio",
    "gap p99",
    "floor",
    "ratio",
)
_USE = (
    "hosts x s",
    "jobs",
    "busy",
    "floor",
    "manager, MB",
    "temporal",
    "hosts",
    "floor: workflows",
    "temporal",
    "hosts",
)
_CPU = ("hosts x s", "manager", "temporal", "hosts", "floor: workflows", "temporal", "hosts")
_SUBMIT = ("hosts", "submissions", "answer p50", "p99", "first command p50", "p99")


def tables(measured: Sequence[dict[str, Any]]) -> str:
    parts = [
        "Gap between two tasks on a host, in ms; the floor is Temporal without Tablao",
        table(_DISPATCH, (_dispatch_row(cell) for cell in measured)),
        "CPU per task, in ms",
        table(_CPU, (_of_processes(cell, "cpu_ms_per_task") for cell in measured)),
        "Share of their time that hosts ran commands, in %, and memory at the end",
        table(_USE, (_use_row(cell) for cell in measured)),
    ]
    submitted = [cell for cell in measured if cell["submissions"]["count"]]
    if submitted:
        parts += [
            "Submission of a job to an idle farm, in ms",
            table(_SUBMIT, (_submit_row(cell) for cell in submitted)),
        ]
    return "\n\n".join(parts) + "\n"


def _dispatch_row(cell: dict[str, Any]) -> list[Any]:
    farm, floor = cell["farm"], cell["floor"]
    row = [cell["cell"], farm["tasks"], farm["tasks_per_s"], floor["tasks_per_s"]]
    for share in ("gap_p50", "gap_p99"):
        row += [farm[f"{share}_ms"], floor[f"{share}_ms"], cell[f"{share}_ratio"]]
    return row


def _use_row(cell: dict[str, Any]) -> list[Any]:
    name, *memory = _of_processes(cell, "memory_mb")
    shares = [cell[side]["busy_percent"] for side in ("farm", "floor")]
    return [name, cell["jobs"], *shares, *memory]


def _of_processes(cell: dict[str, Any], figure: str) -> list[Any]:
    farm, floor = cell["farm"][figure], cell["floor"][figure]
    ours = [farm[name] for name in ("manager", "temporal", "hosts")]
    return [cell["cell"], *ours, *(floor[name] for name in ("workflows", "temporal", "hosts"))]


def _submit_row(cell: dict[str, Any]) -> list[Any]:
    told = cell["submissions"]
    names = ("answered_p50", "answered_p99", "first_command_p50", "first_command_p99")
    hosts = cell["cell"].partition("x")[0]
    return [hosts, told["count"], *(told[f"{name}_ms"] for name in names)]


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return columns under their heads, aligned to the right; no line break at the end."""
    lines = [head, *([str(value) for value in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    )
