"""GPUs are told of where there are any, and are missed by nobody where there are none."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

from worker_host.gpus import Gpus


def refuse(*_: Any) -> Any:
    raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)


@pytest.fixture
def two_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: dict[str, Callable[..., Any]] = {
        "nvmlInit": lambda: None,
        "nvmlDeviceGetCount": lambda: 2,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetName": lambda handle: f"Card {handle}",
        "nvmlDeviceGetMemoryInfo": lambda _: SimpleNamespace(used=2, total=8),
        "nvmlDeviceGetUtilizationRates": lambda handle: SimpleNamespace(gpu=10 * handle),
        "nvmlDeviceGetTemperature": lambda *_: 61,
    }
    for name, answer in answers.items():
        monkeypatch.setattr(pynvml, name, answer)


def test_without_a_driver_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pynvml, "nvmlInit", refuse)

    assert Gpus().told() == []


@pytest.mark.usefixtures("two_cards")
def test_each_card_is_told_of() -> None:
    card = {"memory_used": 2, "memory_total": 8, "temperature_c": 61}

    assert Gpus().told() == [
        {"name": "Card 0", "percent": 0, **card},
        {"name": "Card 1", "percent": 10, **card},
    ]


@pytest.mark.usefixtures("two_cards")
def test_a_card_that_does_not_answer_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def memory(handle: int) -> Any:
        return refuse() if handle == 0 else SimpleNamespace(used=2, total=8)

    monkeypatch.setattr(pynvml, "nvmlDeviceGetMemoryInfo", memory)

    assert [gpu["name"] for gpu in Gpus().told()] == ["Card 1"]
