"""`tablao up` and `tablao manager`: run a farm, or its manager alone."""

import contextlib
import gc
from pathlib import Path
from typing import Annotated, Any

import typer

from activities.process.layered_settings import SettingsError
from activities.process.process_end import end_with
from activities.services.exit_codes import final_code
from manager_api.cli.client import Manager, Refused, in_full
from manager_api.cli.console import CommandError, note, say
from manager_api.cli.desktop import has_desktop, open_browser
from manager_api.cli.login import new_link, own_token
from manager_api.cli.stop_signals import interrupt_once, wait_for_signal
from manager_api.cli.supervise import Farm, free_port
from manager_api.settings.data_dir_lock import DataDirInUse, User, data_dir_locked
from manager_api.settings.listening import CannotListen, check_can_listen
from manager_api.settings.model import ManagerSettings, read_settings
from manager_api.settings.private_memory import keep_memory_private

INSECURE = (
    "Serve plain HTTP to the network of --host: others on it can read passwords, tokens and "
    "frames on their way."
)

DataDir = Annotated[Path | None, typer.Option(help="The folder for the farm's data.")]
Host = Annotated[
    str | None, typer.Option(help="The address to listen on.", show_default="127.0.0.1")
]
Port = Annotated[
    int | None, typer.Option(min=0, max=65535, help="0: any free one.", show_default="8080")
]
Insecure = Annotated[bool, typer.Option("--insecure", help=INSECURE)]
Storage = Annotated[
    Path | None,
    typer.Option(help="The storage that all workers share.", show_default="DIR/storage"),
]


def up(
    data_dir: DataDir = None,
    host: Host = None,
    port: Port = None,
    workers: Annotated[int, typer.Option(min=0, help="How many workers to start here.")] = 1,
    storage: Storage = None,
    insecure: Insecure = False,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Do not open the dashboard in a browser.")
    ] = False,
) -> None:
    """Run a farm on this machine until Ctrl-C: Temporal, the manager and workers."""
    keep_memory_private()
    settings = settings_or_refusal(data_dir, host, port, storage, insecure)
    interrupt_once()
    try:
        with farm_of(settings, workers, storage=storage) as farm:
            tell_addresses(farm)
            if not no_browser and has_desktop():
                # A link of its own, so that the printed one can be used in another browser.
                open_browser(new_link(farm.url, farm.data_dir, farm.pin))
            say("Press Ctrl-C to stop the farm.")
            wait_for_signal()
    except KeyboardInterrupt:
        note("The farm is stopped.")


def manager(
    data_dir: DataDir = None,
    host: Host = None,
    port: Port = None,
    storage: Storage = None,
    insecure: Insecure = False,
) -> None:
    """Run the manager alone, with its Temporal."""
    try:
        settings = settings_or_refusal(data_dir, host, port, storage, insecure)
    except CommandError as refusal:
        note(f"Error: {refusal}")
        raise typer.Exit(final_code()) from None
    # The start makes objects that stay. To search them for garbage again and again takes a quarter
    # of its time; `run_manager` searches once, when it is done.
    gc.disable()
    # Imported here, because they load the whole manager, which `--help` and a refusal do not need.
    from manager_api.database.before_migration import NotCopied
    from manager_api.database.check import DatabaseBroken
    from manager_api.database.engine import DatabaseBusy
    from manager_api.database.schema_version import DatabaseNewer
    from manager_api.main import run_manager
    from manager_api.settings.in_force import Configuration
    from manager_api.settings.storage_folders import FolderNotMade
    from manager_api.temporal.server import TemporalUnavailableError

    given = _given(data_dir, host, port, storage, insecure)

    def serve() -> int:
        try:
            with (
                contextlib.suppress(KeyboardInterrupt),
                data_dir_locked(settings.data_dir, User.MANAGER),
            ):
                run_manager(Configuration(settings, given))
        # Time may mend these: a disk or a database may come back, another program may end.
        except (
            FolderNotMade,
            CannotListen,
            DataDirInUse,
            DatabaseBroken,
            DatabaseBusy,
            NotCopied,
            TemporalUnavailableError,
        ) as reason:
            note(f"Error: {reason}")
            return 1
        except (SettingsError, DatabaseNewer) as reason:
            note(f"Error: {reason}")
            return final_code()
        except PermissionError as reason:
            # A file of another user, most often since Tablao ran as root once.
            note(f"Error: This user may not use {reason.filename}, which the manager needs.")
            return final_code()
        return 0

    end_with(serve)


def settings_or_refusal(
    data_dir: Path | None,
    host: str | None,
    port: int | None,
    storage: Path | None,
    insecure: bool,
) -> ManagerSettings:
    """Read the manager's settings, and warn if other machines are served plain HTTP.

    Raises:
        CommandError: `read_settings` refuses them as not valid or not safe.
    """
    try:
        settings = read_settings(**_given(data_dir, host, port, storage, insecure))
    except SettingsError as refusal:
        raise CommandError(str(refusal)) from refusal
    if settings.serves_network_in_plain:
        note(
            f"Warning: the manager listens on {settings.host} with plain HTTP. Others on that "
            "network can read passwords, tokens and frames on their way."
        )
    return settings


def _given(
    data_dir: Path | None,
    host: str | None,
    port: int | None,
    storage: Path | None,
    insecure: bool,
) -> dict[str, Any]:
    """Return the options as arguments of `read_settings`; None for options that were not given."""
    return {
        "data_dir": data_dir,
        "host": host,
        "port": port,
        "shared_storage_path": storage and storage.expanduser().absolute(),
        "insecure": insecure or None,
    }


def farm_of(
    settings: ManagerSettings,
    workers: int,
    blender: str | None = None,
    storage: Path | None = None,
) -> Farm:
    """Return the farm that these settings describe, without starting it.

    Raises:
        CommandError: The manager could not listen, most often because the port is in use.
    """
    try:
        check_can_listen(settings.host, settings.port)
    except CannotListen as refusal:
        raise CommandError(str(refusal)) from refusal
    port = settings.port or free_port(settings.host)
    options = ["--data-dir", str(settings.data_dir), "--host", settings.host, "--port", str(port)]
    # Pass it on only if it was given here: an option would override later changes of the setting.
    options += ["--storage", str(settings.shared_storage_path)] if storage else []
    scheme = "https" if settings.tls_files else "http"
    return Farm(
        settings.data_dir,
        local_url(settings.host, port, scheme),
        manager_options=[*options, "--insecure"] if settings.insecure else options,
        workers=workers,
        environment={"TABLAO_BLENDER": blender} if blender else {},
        pin=_local_pin(*settings.tls_files) if settings.tls_files else "",
        join_token=None if settings.lets_this_machine_in else _join_token,
    )


def _join_token(farm: Farm, hosts: int) -> str:
    """Return a join token for this machine's own hosts."""
    token = own_token(farm.url, farm.data_dir)
    with Manager(farm.url, pin=farm.pin, token=token) as manager:
        asked = {"name": "tablao up", "uses": hosts, "hours": 1}
        return str(manager.post("/api/tablao/v1/join-tokens", asked)["secret"])


def _local_pin(cert: Path, _key: Path) -> str:
    """Return the pin by which this machine's own hosts know the manager.

    That is the authority's, which outlives the certificate; but a certificate that is not for
    127.0.0.1 must be pinned itself.
    """
    # Imported here, because a farm without TLS does not need them.
    from manager_api.tls.authority import CannotCertify, certificates_in, fingerprint_of, names_in

    try:
        own, *others = certificates_in(cert)
    except CannotCertify as reason:
        raise CommandError(str(reason)) from reason
    return fingerprint_of(others[-1] if others and "127.0.0.1" in names_in(own) else own)


def local_url(host: str, port: int, scheme: str = "http") -> str:
    """Return the URL at which this machine reaches a manager that listens on `host`."""
    if host in ("0.0.0.0", ""):
        host = "127.0.0.1"
    elif host == "::":
        host = "::1"
    return in_full(f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}")


def tell_addresses(farm: Farm) -> None:
    say(f"Dashboard     {farm.url}")
    say(f"As admin      {new_link(farm.url, farm.data_dir, farm.pin)}  (once, within 10 minutes)")
    if farm.pin:
        say(f"Pin           {farm.pin}")
    say(f"API explorer  {farm.url}/api/v3/swagger-ui/")
    if temporal_ui := temporal_ui_of(farm):
        say(f"Temporal      {temporal_ui}")
    say(f"Logs          {farm.logs}")


def temporal_ui_of(farm: Farm) -> str:
    """Return the address of Temporal's Web UI; empty if there is none."""
    token = own_token(farm.url, farm.data_dir)
    with Manager(farm.url, pin=farm.pin, token=token) as manager:
        try:
            answer = manager.get("/api/tablao/v1/farm")
        except Refused:
            return ""
    found = str((answer or {}).get("temporal_ui") or "")
    return f"{farm.url}{found}" if found.startswith("/") else found
