"""Wheels of other versions, made of the one that was built: for tests of upgrades."""

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

from manager_api.database.schema_version import newest_migration
from manager_api.version import VERSION

OLDER = "0.0.1"
#: The number of the migration that `with_a_migration` adds.
NEXT_MIGRATION = f"{int(newest_migration()) + 1:04}"
#: It stays in its middle, after its first change, for as long as a test likes: if the pipe that
#: `HOLD` names is there, until something is written into it.
_MIGRATION = f'''"""Column: made by a test"""

import os
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "{NEXT_MIGRATION}"
down_revision = "{newest_migration()}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("palo", sa.Text(), nullable=False, server_default="bulerias"))
    if hold := os.environ.get("HOLD"):
        Path(hold).read_bytes()
    op.execute("UPDATE tasks SET activity = 'migrated'")


def downgrade() -> None:
    op.drop_column("jobs", "palo")
'''


def older(wheel: Path, folder: Path) -> Path:
    """The same wheel with an older version."""
    return _made(wheel, folder / wheel.name.replace(VERSION, OLDER), OLDER, {})


def with_a_migration(wheel: Path, folder: Path) -> Path:
    """The same wheel with one more migration, `NEXT_MIGRATION`."""
    name = f"manager_api/database/migrations/versions/r{NEXT_MIGRATION}_made_by_a_test.py"
    return _made(wheel, folder / wheel.name, VERSION, {name: _MIGRATION.encode()})


def _made(wheel: Path, path: Path, version: str, added: Mapping[str, bytes]) -> Path:
    about = f"tablao-{VERSION}.dist-info/"
    record: list[str] = []

    def write(name: str, data: bytes) -> None:
        made.writestr(name, data)
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record.append(f"{name},sha256={digest},{len(data)}\n")

    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(path, "w") as made:
        for name in source.namelist():
            if name == f"{about}RECORD":
                continue
            data = source.read(name)
            if name == f"{about}METADATA":
                data = data.replace(
                    f"\nVersion: {VERSION}\n".encode(), f"\nVersion: {version}\n".encode()
                )
            write(name.replace(VERSION, version, 1) if name.startswith(about) else name, data)
        for name, data in added.items():
            write(name, data)
        there = f"tablao-{version}.dist-info/RECORD"
        made.writestr(there, "".join([*record, f"{there},,\n"]))
    return path
