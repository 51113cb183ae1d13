"""What benchmarks say of their rounds."""

import json
from pathlib import Path

from tests.bench.rounds import Figures


def test_figures_tell_the_middle_the_worst_and_the_aim(tmp_path: Path) -> None:
    figures = Figures()
    for value in (3.0, 1.0, 2.0):
        figures.add("a host", "lost, s", value, 15)
    figures.add("a host", "found, s", 0.25)

    figures.write(tmp_path / "figures.json")

    lost, found = json.loads((tmp_path / "figures.json").read_text())
    assert (lost["p50"], lost["worst"], lost["aim"]) == (2.0, 3.0, 15)
    assert lost["values"] == [3.0, 1.0, 2.0]
    assert len(lost["loads"]) == 3
    assert (found["values"], found["aim"]) == ([0.25], None)
    first = figures.text().splitlines()[1].split()
    assert first[:8] == ["a", "host", "lost,", "s", "3", "2.00", "3.00", "3.00"]
