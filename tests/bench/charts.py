"""Draws what `make bench ARGS="--json FILE"` wrote: `python -m tests.bench.charts FILE --into DIR`.

Three pictures, each with the floor beside the farm: `gaps.png`, `rates.png` and `costs.png`.
"""

import argparse
import json
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

Figures = Sequence[dict[str, Any]]

_FARM, _FLOOR, _AIM = "#c2410c", "#64748b", "#15803d"
_PROCESSES = {"manager": "#c2410c", "temporal": "#64748b", "hosts": "#cbd5e1"}
#: Milliseconds: what a farm of a hundred hosts is to have.
_AIMS = {"gap_p50_ms": 10, "gap_p99_ms": 50}
#: A gap of nothing cannot be drawn on a logarithmic axis.
_LEAST_MS = 0.1
#: So many names beside each other do not fit below their columns.
_UPRIGHT = 10


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.charts", description=__doc__)
    parser.add_argument("figures", type=Path, metavar="FILE", help="of make bench")
    parser.add_argument("--into", type=Path, required=True, metavar="DIR")
    options = parser.parse_args(arguments)
    figures = json.loads(options.figures.read_text())
    options.into.mkdir(parents=True, exist_ok=True)
    with rc_context({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}):
        for name, draw in (("gaps", gaps), ("rates", rates), ("costs", costs)):
            draw(figures).savefig(options.into / f"{name}.png", dpi=110)


def gaps(figures: Figures) -> Figure:
    """The idle time between two tasks, by hosts: a column for each length of tasks."""
    lengths = sorted({each["seconds"] for each in figures})
    picture = Figure((3.1 * len(lengths) + 0.8, 6), layout="constrained")
    grid = picture.subplots(2, len(lengths), sharex=True, sharey="row", squeeze=False)
    picture.suptitle("Idle time of a host between two tasks, ms")
    for row, (figure, word) in zip(
        grid, (("gap_p50_ms", "p50"), ("gap_p99_ms", "p99")), strict=True
    ):
        for axes, seconds in zip(row, lengths, strict=True):
            cells = _of_length(figures, seconds)
            _both(axes, cells, figure, least=_LEAST_MS)
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            axes.axhline(_AIMS[figure], color=_AIM, linestyle=":", linewidth=1.2, label="aim")
            axes.label_outer()
            axes.set_title(f"{word}, tasks of {seconds} s" if seconds else f"{word}, empty tasks")
    grid[0][0].legend(frameon=False)
    return picture


def rates(figures: Figures) -> Figure:
    """Tasks per second where hosts wait for the farm, and how busy they are where they do not."""
    picture = Figure((10, 4), layout="constrained")
    rate, busy = picture.subplots(1, 2)
    _both(rate, _of_length(figures, 0), "tasks_per_s")
    rate.set_title("Empty tasks per second")
    rate.set_ylim(bottom=0)
    rate.legend(frameon=False)
    lengths = sorted({each["seconds"] for each in figures} - {0})
    for seconds, style in zip(lengths, cycle(("solid", "dashed", "dotted"))):
        cells = _of_length(figures, seconds)
        hosts = [cell["hosts"] for cell in cells]
        for side, colour in (("farm", _FARM), ("floor", _FLOOR)):
            shares = [cell[side]["busy_percent"] for cell in cells]
            label = f"{side}, {seconds} s"
            busy.plot(hosts, shares, marker="o", markersize=4, ls=style, color=colour, label=label)
    _by_hosts(busy, figures)
    busy.set_title("Share of their time that hosts ran commands, %")
    busy.set_ylim(0, 102)
    if lengths:
        busy.legend(frameon=False, loc="lower left")
    return picture


def costs(figures: Figures) -> Figure:
    """The farm's CPU time per task, and its memory, each by process."""
    picture = Figure((11, 4.4), layout="constrained")
    cpu, memory = picture.subplots(1, 2)
    _stacked(cpu, [cell["cell"] for cell in figures], figures, "cpu_ms_per_task")
    cpu.set_title("CPU per task, ms, by cell (hosts x seconds)")
    cpu.legend(frameon=False, ncols=len(_PROCESSES), loc="upper left")
    sizes = sorted({each["hosts"] for each in figures})
    # Memory follows the farm's size, not the length of tasks.
    largest = [max((c for c in figures if c["hosts"] == size), key=_memory) for size in sizes]
    _stacked(memory, [str(size) for size in sizes], largest, "memory_mb")
    memory.set_xlabel("hosts")
    memory.set_title("Memory, MB (the hosts are simulated in one process)")
    return picture


def _memory(cell: dict[str, Any]) -> float:
    return float(sum(cell["farm"]["memory_mb"].values()))


def _stacked(axes: Axes, names: Sequence[str], cells: Figures, figure: str) -> None:
    bottom = [0.0] * len(cells)
    for process, colour in _PROCESSES.items():
        values = [cell["farm"][figure][process] for cell in cells]
        axes.bar(names, values, bottom=bottom, color=colour, label=process, width=0.7)
        bottom = [under + value for under, value in zip(bottom, values, strict=True)]
    axes.tick_params(axis="x", labelrotation=0 if len(names) < _UPRIGHT else 60)
    axes.margins(y=0.12)


def _of_length(figures: Figures, seconds: int) -> Figures:
    return sorted(
        (each for each in figures if each["seconds"] == seconds), key=lambda each: each["hosts"]
    )


def _both(axes: Axes, cells: Figures, figure: str, *, least: float = 0) -> None:
    hosts = [cell["hosts"] for cell in cells]
    for side, colour in (("farm", _FARM), ("floor", _FLOOR)):
        values = [max(least, cell[side][figure]) for cell in cells]
        axes.plot(hosts, values, marker="o", markersize=4, color=colour, label=side)
    _by_hosts(axes, cells)


def _by_hosts(axes: Axes, cells: Figures) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sorted({cell["hosts"] for cell in cells})))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.tick_params(axis="x", labelsize=8)
    axes.set_xlabel("hosts")
    axes.grid(axis="y", color="#e5e7eb")


if __name__ == "__main__":
    main()
