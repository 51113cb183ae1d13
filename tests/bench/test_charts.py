"""Charts are drawn from what the benchmark writes."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.bench.charts import main


def _cell(hosts: int, seconds: int) -> dict[str, Any]:
    return {
        "cell": f"{hosts}x{seconds}",
        "hosts": hosts,
        "seconds": seconds,
        "farm": _side(hosts, ("manager", "temporal", "hosts"), 2),
        "floor": _side(hosts, ("workflows", "temporal", "hosts"), 1),
    }


def _side(hosts: int, processes: tuple[str, ...], factor: float) -> dict[str, Any]:
    return {
        "gap_p50_ms": 0.0 if hosts == 1 else factor * hosts,
        "gap_p99_ms": 3 * factor * hosts,
        "tasks_per_s": 200 / factor,
        "busy_percent": 100 - factor,
        "cpu_ms_per_task": dict.fromkeys(processes, 4.0),
        "memory_mb": dict.fromkeys(processes, 150.0 + hosts),
    }


@pytest.mark.parametrize(
    "cells",
    [[_cell(20, 4)], [_cell(1, 0)], [_cell(h, s) for h in (1, 20, 100) for s in (0, 1, 30)]],
    ids=["one cell", "no idle time, no work", "several of each"],
)
def test_three_pictures_are_drawn_without_a_complaint(
    cells: list[dict[str, Any]], tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    figures = tmp_path / "figures.json"
    figures.write_text(json.dumps(cells))

    main([str(figures), "--into", str(tmp_path / "charts")])

    drawn = sorted((tmp_path / "charts").iterdir())
    assert [each.name for each in drawn] == ["costs.png", "gaps.png", "rates.png"]
    for path in drawn:
        with Image.open(path) as picture:
            assert min(picture.size) > 300
            assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 10
    assert [str(each.message) for each in recwarn] == []
