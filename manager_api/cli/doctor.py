"""`tablao doctor`: what is wrong with the farm, and what to do about it."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from activities.process.examining import HangingCalls, examined
from activities.process.layered_settings import SettingsError
from activities.process.process_end import end_with
from manager_api.cli.client import DEFAULT_URL, Manager, ManagerUrl, Refused, in_full
from manager_api.cli.console import CommandError, harmless, note, show_json
from manager_api.cli.credentials import DATA_DIR, data_dir
from manager_api.cli.machine_doctors import Machine, examined_machines
from manager_api.settings.model import ManagerSettings, read_settings
from manager_api.settings.reach import is_loopback
from manager_api.version import VERSION
from workflows.domain.doctor import Finding, State, broken, fine, lines, told, worst

MANAGER, SETTINGS = "manager", "settings"
#: The manager's checks take less, each by itself.
_PATIENCE_S = 60.0
_NOT_ALLOWED = frozenset({401, 403})
_UNKNOWN = 404
_PORTS = {"http": 80, "https": 443}


def doctor(
    manager: ManagerUrl = DEFAULT_URL,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    workers: Annotated[
        bool,
        typer.Option(
            "--workers",
            help="Let connected workers look at their machines, too; it takes up to some minutes.",
        ),
    ] = False,
    farm_dir: Annotated[
        Path | None,
        typer.Option(
            "--data-dir",
            help="The manager's folder on this machine, looked at if the manager does not answer.",
            show_default=f"{DATA_DIR}, or the user's",
        ),
    ] = None,
) -> None:
    """Look whether the farm is well; say what is wrong with it, and what to do."""
    url = in_full(manager)
    of_manager, is_usable = _of_manager(url)
    here = () if is_usable else _of_this_machine(url, farm_dir)
    machines = _of_machines(url) if workers and worst(of_manager[:1]) is State.FINE else []
    findings = [*of_manager, *here]
    _show(findings, machines, as_json=as_json, with_workers=workers)
    code = int(worst([*findings, *_of_all(machines)]) is State.BROKEN)
    if here:
        # What has looked at this machine may still hang, or wait for Temporal.
        end_with(lambda: code)
    raise typer.Exit(code)


def _show(
    findings: Sequence[Finding], machines: Sequence[Machine], *, as_json: bool, with_workers: bool
) -> None:
    if as_json:
        report = told(findings, VERSION)
        if with_workers:
            report |= {
                "state": worst([*findings, *_of_all(machines)]),
                "workers": [machine.told() for machine in machines],
            }
        show_json(report)
        return
    of_workers = [
        replace(each, check=f"{machine.name}: {each.check}")
        for machine in machines
        for each in machine.findings
    ]
    shown = _harmless([*findings, *of_workers])
    for line in lines(shown, in_colours=sys.stdout.isatty()):
        typer.echo(line)


def _of_all(machines: Sequence[Machine]) -> Sequence[Finding]:
    return [each for machine in machines for each in machine.findings]


def _of_machines(url: str) -> Sequence[Machine]:
    note("Connected workers look at their machines, which takes up to some minutes.")
    with Manager(url) as farm:
        return examined_machines(farm)


def _harmless(findings: Sequence[Finding]) -> Sequence[Finding]:
    # Names of workers and errors of others are in the sentences. The colours come later.
    return [
        replace(
            each,
            check=harmless(each.check),
            sentence=harmless(each.sentence),
            advice=harmless(each.advice),
        )
        for each in findings
    ]


def _of_manager(url: str) -> tuple[Sequence[Finding], bool]:
    """Return the manager's findings, and whether it answers as a manager does."""
    try:
        with Manager(url, _PATIENCE_S) as farm:
            report = farm.get("/api/tablao/v1/doctor")
            return [
                fine(MANAGER, f"The manager at {url} answers, version {report['version']}."),
                *map(_finding, report["checks"]),
            ], True
    except Refused as refusal:
        if refusal.status_code in _NOT_ALLOWED:
            advice = "Log in as a wrangler or an administrator: `tablao login`."
            return [broken(MANAGER, str(refusal), advice)], True
        if refusal.status_code == _UNKNOWN:
            said = f"The manager at {url} has no doctor."
            return [broken(MANAGER, said, "Upgrade the manager.")], True
        problem = str(refusal)
    except CommandError as refusal:
        problem = str(refusal)
    except (KeyError, TypeError, ValueError):
        problem = f"What answers at {url} is no manager of Tablao."
    advice = "Start it if it does not run, and look at its log; `tablao doctor` there says more."
    return [broken(MANAGER, problem, advice)], False


def _finding(check: dict[str, Any]) -> Finding:
    return Finding(
        str(check["id"]), State(check["state"]), str(check["sentence"]), str(check["advice"])
    )


def _of_this_machine(url: str, farm_dir: Path | None) -> Sequence[Finding]:
    """Return what can be seen without the manager, if this is its machine."""
    if farm_dir is None and not is_loopback(urlsplit(url).hostname or ""):
        return ()
    try:
        settings = read_settings(data_dir=farm_dir or data_dir())
        found = asyncio.run(_local(settings, url))
    except SettingsError as refusal:
        return [
            broken(
                SETTINGS,
                str(refusal),
                "Mend the setting in tablao-manager.yaml or in the environment.",
            )
        ]
    valid = fine(SETTINGS, f"The settings are valid; the data directory is {settings.data_dir}.")
    return [valid, *found]


async def _local(settings: ManagerSettings, url: str) -> Sequence[Finding]:
    """
    Raises:
        SettingsError: a file that the settings name cannot be read.
    """
    # Imported here, because they load the whole manager, which answers by itself most of the time.
    from manager_api.doctor.local import local_checks
    from manager_api.temporal.examination import read_without_manager

    asked = urlsplit(url)
    host, port = asked.hostname or settings.host, asked.port or _PORTS.get(asked.scheme, 80)
    read_temporal = read_without_manager(settings)
    return await examined(local_checks(settings, HangingCalls(), read_temporal, host, port))
