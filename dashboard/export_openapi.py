"""Writes the manager's OpenAPI document, from which the dashboard's types are generated.

python dashboard/export_openapi.py FILE
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from manager_api.database.engine import Database
from manager_api.job_types.registry import BuiltInJobTypes, JobTypeRegistry
from manager_api.settings.in_force import Configuration
from manager_api.settings.model import ManagerSettings
from manager_api.web.app import build_app
from manager_api.web.dependencies import ManagerParts


class _NoControl:
    """Control of jobs that is never used: the application is only described, and does not run."""

    async def change(self, job_id: str, change: object) -> None:
        raise NotImplementedError

    async def start(self, job_id: str, run: int) -> None:
        raise NotImplementedError


def document() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        settings = ManagerSettings(data_dir=Path(folder))
        database = Database(settings.database_url)
        registry = JobTypeRegistry([BuiltInJobTypes()])
        parts = ManagerParts.assembled(Configuration(settings), database, registry, _NoControl())
        described: dict[str, Any] = build_app(parts).openapi()
        asyncio.run(database.close())
        # Routes stand in the order in which they are looked for, which is no matter of the types.
        described["paths"] = dict(sorted(described["paths"].items()))
        return described


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(document(), indent=1) + "\n", encoding="utf-8")
