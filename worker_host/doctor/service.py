"""The doctor of a render machine: what a host would find here, and what to do about it."""

import asyncio
import json
import sys
from collections.abc import Coroutine, Mapping
from typing import Any

from activities.process.examining import LOOK_S, HangingCalls, examined
from activities.process.layered_settings import SettingsError
from worker_host.doctor.machine import machine_checks
from worker_host.doctor.manager import see_manager
from worker_host.doctor.programs import program_checks
from worker_host.processes.supervision import on_order_to_end
from worker_host.settings import HostSettings, read_settings
from worker_host.software import software_version
from workflows.domain.doctor import Finding, State, broken, fine, lines, told, worst

SETTINGS = "settings"
_ENDED_EARLY = 130


def run_doctor(options: Mapping[str, Any], *, as_json: bool) -> int:
    """Look at this machine, and print what is found.

    Args:
        options: command line options by setting; None for an option that was not given.

    Returns:
        The exit code: 0 if nothing is broken.
    """
    try:
        findings = asyncio.run(_or_told_to_end(findings_here(options)))
    except asyncio.CancelledError:
        return _ENDED_EARLY
    if as_json:
        report = told(findings, _version(software_version()))
        text = json.dumps(report, indent=2, ensure_ascii=False)
    else:
        text = "\n".join(lines(findings, in_colours=sys.stdout.isatty()))
    sys.stdout.write(f"{text}\n")
    return int(worst(findings) is State.BROKEN)


async def _or_told_to_end(looking: Coroutine[Any, Any, list[Finding]]) -> list[Finding]:
    """Look; told to end, end the programs that are being tried.

    Raises:
        CancelledError: the process was told to end.
    """
    work = asyncio.ensure_future(looking)

    def end() -> None:
        work.cancel()

    on_order_to_end(end)
    return await work


async def report_with(settings: HostSettings, software: str) -> Mapping[str, Any]:
    """Return what a host that serves with these settings tells its farm of its machine."""
    return told(await findings_with(settings), _version(software))


def _version(software: str) -> str:
    return software.partition(" ")[2]


async def findings_here(options: Mapping[str, Any]) -> list[Finding]:
    try:
        settings = read_settings(**options)
    except SettingsError as refusal:
        advice = "Mend the setting in tablao-worker.yaml, the environment or the command line."
        return [broken(SETTINGS, str(refusal), advice)]
    return [
        fine(SETTINGS, f"The settings are valid; the data directory is {settings.data_dir}."),
        *await findings_with(settings),
    ]


async def findings_with(settings: HostSettings, look_s: float = LOOK_S) -> list[Finding]:
    """Return the findings about the manager, the machine and its programs.

    Args:
        look_s: how long a look at a disk or a storage may take, in seconds.
    """
    seen = await see_manager(settings, software_version())
    calls = HangingCalls(look_s)
    checks = [
        *machine_checks(settings, seen.needs, calls),
        *program_checks(settings, seen.needs, calls),
    ]
    return [*seen.findings, *await examined(checks)]
