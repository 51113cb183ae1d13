"""Reads statistics of this machine's NVIDIA GPUs through NVML, a library of their driver."""

import logging
from typing import Any

import pynvml

logger = logging.getLogger(__name__)


class Gpus:
    """This machine's GPUs; there are none without a driver.

    They are opened once, because that takes a second on some machines.
    """

    def __init__(self) -> None:
        self._handles = _handles()

    def told(self) -> list[dict[str, Any]]:
        """Return each GPU's statistics; a GPU that does not answer is left out.

        Percentages are 0-100, sizes are in bytes.
        """
        found = []
        for name, handle in self._handles:
            try:
                found.append(_gpu(name, handle))
            except pynvml.NVMLError as problem:
                logger.debug("the GPU %s does not answer: %s", name, problem)
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
