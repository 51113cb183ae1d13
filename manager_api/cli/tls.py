"""`tablao tls`: makes the manager's certificate with an authority of the farm's own."""

from pathlib import Path
from typing import Annotated, Any

import typer

from activities.process.layered_settings import SettingsError
from manager_api.cli.console import CommandError, note, say, show_fields
from manager_api.settings.file import with_values, write_settings_file
from manager_api.settings.model import SETTINGS_FILE, TLS, ManagerSettings
from manager_api.settings.reach import host_name, is_everywhere, is_loopback
from manager_api.tls.authority import (
    AuthorityFiles,
    CannotCertify,
    certificates_in,
    certify_manager,
    fingerprint_of,
    make_authority,
    names_in,
)
from manager_api.tls.machine_names import addresses_of_machine, names_of_machine

app = typer.Typer(
    help="HTTPS for the manager: an authority of the farm's own, and certificates by it.",
    no_args_is_help=True,
)

DataDir = Annotated[Path | None, typer.Option(help="The folder for the farm's data.")]
Names = Annotated[
    list[str] | None,
    typer.Option("--name", metavar="HOST", help="A name or address of the manager. Repeatable."),
]


@app.command()
def init(name: Names = None, data_dir: DataDir = None) -> None:
    """Make an authority and the manager's certificate, and write both into the settings file."""
    settings = _settings(data_dir)
    files = _files(settings)
    try:
        make_authority(files, settings.manager_name)
        certify_manager(files, _names(settings, name))
    except CannotCertify as reason:
        raise CommandError(str(reason)) from reason
    say(f"The manager serves HTTPS from its next start on ({_write_settings(settings)}).")
    _tell(_settings(data_dir))
    note(f"Keep {files.authority_key} secret: its owner can pass for the manager.")
    if is_loopback(settings.host) and not settings.public_url:
        note(
            f"It listens on {settings.host} only. For other machines, write `listen: "
            f":{settings.port}` into that file, or start it with --host 0.0.0.0."
        )


@app.command()
def renew(name: Names = None, data_dir: DataDir = None) -> None:
    """Make a new certificate for the manager. A running manager serves it within seconds."""
    settings = _settings(data_dir)
    files = _files(settings)
    try:
        certify_manager(files, _names(settings, name))
    except CannotCertify as reason:
        raise CommandError(str(reason)) from reason
    if settings.tls_files is None:
        _write_settings(settings)
    _tell(_settings(data_dir))


@app.command()
def show(data_dir: DataDir = None) -> None:
    """Show the certificate that the manager serves, and the line by which hosts join."""
    _tell(_settings(data_dir))


def _settings(data_dir: Path | None) -> ManagerSettings:
    """Read the settings, without the checks of a start: the certificate may be missing yet."""
    try:
        return ManagerSettings.read({"data_dir": data_dir})
    except SettingsError as refusal:
        raise CommandError(str(refusal)) from refusal


def _files(settings: ManagerSettings) -> AuthorityFiles:
    return AuthorityFiles(settings.data_dir / TLS)


def _names(settings: ManagerSettings, given: list[str] | None) -> set[str]:
    try:
        names = set(map(host_name, given or ()))
    except ValueError as refusal:
        raise CommandError(f"--name: {refusal}.") from refusal
    names |= {"localhost", "127.0.0.1", "::1", *names_of_machine(), *addresses_of_machine()}
    names |= set(settings.allowed_hosts)
    if settings.public_host:
        names.add(settings.public_host)
    if not is_everywhere(settings.host):
        names.add(host_name(settings.host))
    return names


def _write_settings(settings: ManagerSettings) -> Path:
    """Name the certificate and its key in the settings file; return the file."""
    given: dict[str, Any] = {"data_dir": settings.data_dir}
    file = ManagerSettings.file(given)
    content = ManagerSettings.file_content(file)
    path = file or settings.data_dir / SETTINGS_FILE
    files = AuthorityFiles(Path(TLS))
    wanted = {"tls.cert": str(files.certificate), "tls.key": str(files.key)}
    try:
        write_settings_file(path, with_values(content, wanted))
    except (OSError, ValueError) as problem:
        raise CommandError(
            f"{path} cannot be written: {problem}. Write into it: {wanted}."
        ) from problem
    return path


def _tell(settings: ManagerSettings) -> None:
    if settings.tls_files is None:
        raise CommandError("The manager has no certificate: `tablao tls init` makes one.")
    served, _ = settings.tls_files
    try:
        # The authority comes last; a certificate that signed itself is its own.
        manager, *others = certificates_in(served)
    except CannotCertify as reason:
        raise CommandError(str(reason)) from reason
    authority = others[-1] if others else manager
    names = names_in(manager)
    show_fields(
        [
            ("Certificate", served),
            ("Names", ", ".join(names)),
            ("Valid until", f"{manager.not_valid_after_utc:%Y-%m-%d}"),
            ("Authority", fingerprint_of(authority)),
            ("Authority until", f"{authority.not_valid_after_utc:%Y-%m-%d}"),
        ]
    )
    say()
    say("A host joins with")
    say(f"  tablao-worker --manager {_url(settings, names)} --pin {fingerprint_of(authority)}")


def _url(settings: ManagerSettings, names: list[str]) -> str:
    if settings.public_url:
        return settings.public_url
    # A name that other machines may know, before one that means each machine itself.
    known = [each for each in names if each not in ("localhost", "127.0.0.1", "::1")]
    host = settings.host if settings.host in known else next(iter(known), "localhost")
    return f"https://[{host}]:{settings.port}" if ":" in host else f"https://{host}:{settings.port}"
