"""NVIDIA's GPUs of this machine, through NVML, the library that comes with their driver."""

import logging
from typing import Any

import pynvml

logger = logging.getLogger(__name__)


class Gpus:
    """None where there is no driver. Opened once: that takes a second on some machines."""

    def __init__(self) -> None:
        self._handles = _handles()

    def told(self) -> list[dict[str, Any]]:
        """Percentages are 0-100, sizes bytes; one that does not answer is left out."""
        found = []
        for name, handle in self._handles:
            try:
                found.append(_gpu(name, handle))
            except pynvml.NVMLError as problem:
                logger.debug("%s does not tell how it is: %s", name, problem)
        return found


def _handles() -> list[tuple[str, Any]]:
    try:
        pynvml.nvmlInit()
        handles = map(pynvml.nvmlDeviceGetHandleByIndex, range(pynvml.nvmlDeviceGetCount()))
        return [(str(pynvml.nvmlDeviceGetName(handle)), handle) for handle in handles]
    except pynvml.NVMLError as problem:
        logger.debug("no statistics of GPUs: %s", problem)
        return []


def _gpu(name: str, handle: Any) -> dict[str, Any]:
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    return {
        "name": name,
        "percent": pynvml.nvmlDeviceGetUtilizationRates(handle).gpu,
        "memory_used": memory.used,
        "memory_total": memory.total,
        "temperature_c": pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU),
    }
