"""`tablao backup` and `tablao restore`: a farm's own data in one file, and back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from activities.process.layered_settings import SettingsError
from manager_api.cli.console import CommandError, note, say
from manager_api.cli.stop_signals import interrupt_once, signals_held
from manager_api.settings.model import ManagerSettings

DataDir = Annotated[Path | None, typer.Option(help="The folder for the farm's data.")]
_MB = 2**20


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The new archive.")],
    data_dir: DataDir = None,
    without_secrets: Annotated[
        bool,
        typer.Option(
            "--without-secrets",
            help="Leave out passwords in the settings, private keys, tokens and webhooks.",
        ),
    ] = False,
    without_logs: Annotated[
        bool, typer.Option("--without-logs", help="Leave out logs and last-rendered images.")
    ] = False,
) -> None:
    """Write a backup of the farm into one file. The farm may run meanwhile."""
    # Imported here, because `--help` needs neither databases nor archives.
    from manager_api.backup.contents import Choice
    from manager_api.backup.making import make_backup
    from manager_api.backup.manifest import BackupRefused
    from manager_api.database.engine import utc_now

    settings = _settings(data_dir)
    choice = Choice(logs=not without_logs, secrets=not without_secrets)
    try:
        with _stopped("Nothing was written."), _shown_progress("Backing up") as progress:
            made = make_backup(settings, file, choice, utc_now(), progress)
    except (BackupRefused, SettingsError) as refusal:
        raise CommandError(str(refusal)) from refusal
    say(
        f"{file}: {len(made.manifest.files)} files, {made.manifest.size / _MB:,.1f} MB, in "
        f"{made.size / _MB:,.1f} MB. It took {made.took_s:.1f} s; the manager's writes waited for "
        f"{made.held_s * 1000:.0f} ms."
    )
    _tell_left_out(made.manifest.left_out)
    if not without_secrets:
        note("It holds secrets of the farm, such as private keys: keep it as safe as the manager.")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of `tablao backup`.")],
    data_dir: DataDir = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Put a data directory that is there under another name."),
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only check the backup, and write nothing.")
    ] = False,
) -> None:
    """Make a new data directory from a backup, or check a backup."""
    from manager_api.backup.manifest import BackupRefused
    from manager_api.backup.restoring import check_backup, restore_backup
    from manager_api.database.engine import utc_now

    try:
        if check:
            with _stopped("It was not checked."), _shown_progress("Checking") as progress:
                manifest = check_backup(file, progress)
            say(f"{file} is whole: by Tablao {manifest.tablao}, of {manifest.made:%Y-%m-%d %H:%M}.")
            _tell_left_out(manifest.left_out)
            return
        target = data_dir or _default_place()
        with _stopped("Nothing was restored."), _shown_progress("Restoring") as progress:
            restored = restore_backup(
                file, target, utc_now(), progress, replace=replace, uninterrupted=signals_held
            )
    except BackupRefused as refusal:
        raise CommandError(str(refusal)) from refusal
    say(f"Restored to {restored.data_dir}, as of {restored.manifest.made:%Y-%m-%d %H:%M} UTC.")
    if restored.kept:
        say(f"The old data directory is now {restored.kept}.")
    for name in restored.moved:
        note(f"Moved from there into the new one: {name}.")
    for name in restored.not_moved:
        note(f"Cannot be moved: move {restored.kept}/{name} to {restored.data_dir}/{name}.")
    _tell_left_out(restored.manifest.left_out)
    if restored.problem:
        note(f"Before the farm can start, its settings must be mended: {restored.problem}")
    note(f"Start the farm: tablao up --data-dir {restored.data_dir}")


def _settings(data_dir: Path | None) -> ManagerSettings:
    """Read the settings without the checks of a start: what it needs may be lost."""
    try:
        return ManagerSettings.read({"data_dir": data_dir})
    except SettingsError as refusal:
        raise CommandError(str(refusal)) from refusal


def _default_place() -> Path:
    try:
        return _settings(None).data_dir
    except CommandError as refusal:
        # What is to be replaced may be broken; then its own settings do not say where it is.
        raise CommandError(f"{refusal} Or name the folder with --data-dir.") from refusal


def _tell_left_out(sentences: tuple[str, ...]) -> None:
    for sentence in sentences:
        note(f"Not in the backup: {sentence}")


@contextmanager
def _stopped(consequence: str) -> Iterator[None]:
    """Make Ctrl-C, SIGTERM and SIGHUP end the command after it has cleaned up."""
    interrupt_once()
    try:
        yield
    except KeyboardInterrupt:
        raise CommandError(f"Stopped. {consequence}") from None


class _Shown:
    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task
        self._total = 0

    def expect(self, size: int) -> None:
        self._total += size
        self._progress.update(self._task, total=self._total)

    def done(self, size: int) -> None:
        self._progress.advance(self._task, size)


@contextmanager
def _shown_progress(what: str) -> Iterator[_Shown]:
    """Show how far it is, on a terminal only."""
    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), DownloadColumn(binary_units=True))
    with Progress(
        *columns, console=console, disable=not console.is_terminal, transient=True
    ) as progress:
        yield _Shown(progress, progress.add_task(what, total=None))
