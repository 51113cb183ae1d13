"""The scripts of `deploy/`, which are no package: each is run, or loaded, from its file."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(DEPLOY)
    spec = importlib.util.spec_from_file_location("install", DEPLOY / "install.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def step() -> list[str]:
    """The command line that a step begins with."""
    return [sys.executable, str(DEPLOY / "step.py")]
