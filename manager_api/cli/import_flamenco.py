"""`tablao import-flamenco`: imports the data and settings of a Flamenco 3 Manager."""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from activities.process.layered_settings import SettingsError
from manager_api.cli.console import CommandError, note, say, show_json, show_table
from manager_api.contract.errors import BadRequest
from manager_api.database.engine import Database, file_of
from manager_api.importing.flamenco_database import FlamencoDatabase, NotFlamenco
from manager_api.importing.flamenco_files import FlamencoFiles
from manager_api.importing.flamenco_settings import read_flamenco_settings, take_over
from manager_api.importing.transfer import Report, Transfer
from manager_api.logs.task_logs import TaskLogs
from manager_api.settings.in_force import CannotWrite, Configuration
from manager_api.settings.storage_folders import make_storage_folders

KINDS = (
    *("tags", "workers", "tag memberships", "sleep schedules"),
    *("jobs", "tasks", "task logs", "images", "settings"),
)

Config = Annotated[
    Path | None, typer.Option("--config", help="Flamenco's `flamenco-manager.yaml`.", exists=True)
]
Files = Annotated[
    Path | None,
    typer.Option(
        "--files",
        help="Flamenco's local storage, with logs and images.",
        exists=True,
        file_okay=False,
    ),
]


def import_flamenco(
    database: Annotated[
        Path | None, typer.Argument(metavar="SQLITE", help="Flamenco's `flamenco-manager.sqlite`.")
    ] = None,
    config: Config = None,
    files: Files = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="The data folder of this farm's manager.")
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Write the data. Without it, only report.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False,
) -> None:
    """Carry over workers, tags, schedules, jobs and settings of a Flamenco 3 Manager.

    Without --apply it writes nothing and reports what it would do. You may run it again: it does
    not change anything that is here already.
    """
    if database is None and config is None:
        raise CommandError("Name Flamenco's database, or its settings with --config.")
    try:
        ours = Configuration.read(data_dir=data_dir)
        report = asyncio.run(_carried_over(ours, database, config, files, apply))
    except (NotFlamenco, SettingsError, BadRequest, CannotWrite) as refusal:
        raise CommandError(f"{refusal}.".replace("..", ".")) from refusal
    _show(report, apply, as_json)


async def _carried_over(
    ours: Configuration, database: Path | None, config: Path | None, files: Path | None, apply: bool
) -> Report:
    settings = None if config is None else read_flamenco_settings(config)
    report = Report()
    if database is not None:
        with FlamencoDatabase(database) as source:
            async with AsyncExitStack() as stack:
                target = await _target(ours, apply, stack)
                logs = TaskLogs(ours.settings.local_manager_storage_path)
                copied = FlamencoFiles(files, logs) if files else None
                report = await Transfer(target, copied, is_rehearsal=not apply).run(source)
    if settings is not None:
        taken = take_over(settings, ours.content)
        # The settings come last: the imported data is useful without them, but not they without it.
        if apply and taken.new:
            await ours.change(lambda content: take_over(settings, content).content)
        report.new["settings"] += len(taken.new)
        report.there["settings"] += len(taken.there)
        report.left[:0] = taken.left
    return report


async def _target(ours: Configuration, apply: bool, stack: AsyncExitStack) -> Database:
    settings = ours.settings
    url = settings.database_url
    if apply:
        make_storage_folders(settings)
    elif not _is_there(url):
        # A rehearsal must not create the database, so it uses a temporary one.
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        url = f"sqlite+aiosqlite:///{folder}/rehearsal.sqlite"
    database = Database(url)
    stack.push_async_callback(database.close)
    await database.migrate()
    return database


def _is_there(url: str) -> bool:
    file = file_of(url)
    return file is None or file.exists()


def _show(report: Report, apply: bool, as_json: bool) -> None:
    if as_json:
        show_json(_as_json(report))
        return
    show_table(
        ("", "NEW", "ALREADY HERE"),
        (
            (kind, report.new[kind], report.there[kind])
            for kind in KINDS
            if report.new[kind] or report.there[kind]
        ),
    )
    for sentence in report.left:
        note(f"Left behind: {sentence}.")
    if not apply:
        say("Nothing was written. Add --apply to carry it over.")
    else:
        say("Carried over. Jobs that had not ended are paused: requeue them when workers are here.")


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "new": {kind: report.new[kind] for kind in KINDS},
        "already_here": {kind: report.there[kind] for kind in KINDS},
        "left_behind": report.left,
    }
