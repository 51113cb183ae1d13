"""The `tablao` command as in a shell, only that Python need not start anew for each call."""

from dataclasses import dataclass

from typer.testing import CliRunner

from manager_api.cli.main import app
from tests.farm.processes import FarmProcesses


@dataclass(frozen=True)
class Said:
    exit_code: int
    out: str
    err: str


def tablao(farm: FarmProcesses, *arguments: str) -> Said:
    environment = {
        "TABLAO_MANAGER": farm.url,
        "TABLAO_DATA_DIR": str(farm.data_dir),
        "COLUMNS": "200",
        "NO_COLOR": "1",
    }
    result = CliRunner().invoke(app, list(arguments), env=environment)
    # Anything else would have been a traceback.
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return Said(result.exit_code, result.stdout, result.stderr)
