"""Figures that some rounds have measured: the middle one, the worst one, and the aim."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.dispatch.records import percentile
from tests.bench.dispatch.report import table

_HEAD = ("of", "figure", "n", "p50", "p99", "worst", "aim", "load")


@dataclass(slots=True)
class Figure:
    """What was measured of one thing, once a round or once for each job of it."""

    of: str
    what: str
    """With its unit."""
    aim: float | None = None
    """The worst value that is wanted, in the figure's unit; None: there is no aim."""
    values: list[float] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)
    """The machine's load at each round: processes that ran or wanted to, mean of a minute."""

    def as_json(self) -> dict[str, Any]:
        return {
            "of": self.of,
            "figure": self.what,
            "values": [round(value, 3) for value in self.values],
            "p50": round(percentile(self.values, 0.5), 3),
            "p99": round(percentile(self.values, 0.99), 3),
            "worst": round(max(self.values), 3),
            "aim": self.aim,
            "loads": self.loads,
        }


class Figures:
    """All figures of a benchmark, in the order in which they came first."""

    def __init__(self) -> None:
        self._figures: dict[tuple[str, str], Figure] = {}

    def add(self, of: str, what: str, value: float, aim: float | None = None) -> None:
        figure = self._figures.setdefault((of, what), Figure(of, what, aim))
        figure.values.append(value)
        figure.loads.append(round(os.getloadavg()[0], 1))

    def as_json(self) -> list[dict[str, Any]]:
        return [figure.as_json() for figure in self._figures.values()]

    def write(self, file: Path | None) -> None:
        if file:
            file.write_text(json.dumps(self.as_json(), indent=2) + "\n")

    def text(self) -> str:
        """Return the table for people; the load is the least and the greatest of the rounds."""
        return table(_HEAD, [_row(figure) for figure in self.as_json()])


def _row(figure: dict[str, Any]) -> Sequence[Any]:
    loads = figure["loads"]
    shown = [f"{figure[name]:,.2f}" for name in ("p50", "p99", "worst")]
    aim = "" if figure["aim"] is None else f"{figure['aim']:g}"
    load = f"{min(loads):.0f} to {max(loads):.0f}"
    return [figure["of"], figure["figure"], len(figure["values"]), *shown, aim, load]
