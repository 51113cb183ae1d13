"""Which version of the host a start begins: this one, or one that an upgrade has installed.

A version that the farm has not welcomed yet is on trial. It begins as a child of this process and
ends when it is welcomed; then it takes this process's place. If it fails, the version before goes
on (docs/upgrading.md).
"""

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import version

from activities.services.readiness import tell_ready
from worker_host.data_directory import data_dir_of
from worker_host.versions_folder import (
    Chosen,
    VersionsFolder,
    host_command,
    is_installed,
    version_of,
)

#: A version on trial begins again if its trial was interrupted, as by a reboot. If it is what
#: brings the machine down, that must end.
MOST_TRIES = 3

Try = Callable[[Chosen], str]
"""Tries the version on trial; returns why it failed, in a sentence; empty: it was welcomed."""


def begin_chosen_version(arguments: Sequence[str], *, on_trial: str, tries: bool = True) -> None:
    """Replace this process by the version that is to run; return if that is this one.

    Args:
        arguments: the command line without the program.
        on_trial: the option of a host that ends when the farm has welcomed it.
        tries: whether a version that is on trial is tried now.
    """
    if not is_installed():
        return
    versions = VersionsFolder(data_dir_of(arguments, os.environ))

    def try_host(chosen: Chosen) -> str:
        from worker_host.trial import Trial  # few starts have a version to try

        tell_ready(f"trying version {version_of(chosen.trial)}")
        command = host_command(versions.python(chosen.trial), [*arguments, on_trial])
        return Trial(command, chosen.manager).run()

    folder = chosen_folder(versions, version("tablao"), try_host if tries else None)
    if not folder:
        return
    python = versions.python(folder)
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execv(python, host_command(python, arguments))
    except OSError as problem:
        sys.stderr.write(f"{python} cannot be started ({problem}), so this version runs\n")


def chosen_folder(versions: VersionsFolder, own: str, try_host: Try | None) -> str:
    """Return the folder of the version that is to run; empty: this version.

    Args:
        own: this version. An older one does not run in its place, nor the same one.
        try_host: None: a version on trial is left for later.
    """
    chosen = versions.chosen()
    if try_host is not None and _is_newer(versions, chosen.trial, own):
        chosen = _tried(versions, chosen, try_host)
        _keep(versions, chosen)
    return chosen.running if _is_newer(versions, chosen.running, own) else ""


def _tried(versions: VersionsFolder, chosen: Chosen, try_host: Try) -> Chosen:
    """Try the version on trial; return what is chosen then."""
    over = replace(chosen, trial="", tries=0, manager="")
    if chosen.tries >= MOST_TRIES:
        reason = f"It began {chosen.tries} times, and the farm welcomed it never."
    else:
        _keep(versions, replace(chosen, tries=chosen.tries + 1))
        reason = try_host(chosen)
    if reason:
        sys.stderr.write(f"The upgrade to {version_of(chosen.trial)} failed: {reason}\n")
        return replace(over, failed=version_of(chosen.trial), reason=reason)
    return replace(over, running=chosen.trial, previous=chosen.running)


def _keep(versions: VersionsFolder, chosen: Chosen) -> None:
    # On a full disk the next start comes to the same decision again.
    with contextlib.suppress(OSError):
        versions.choose(chosen)


def _is_newer(versions: VersionsFolder, folder: str, own: str) -> bool:
    if not versions.is_complete(folder):
        return False
    from packaging.version import InvalidVersion, Version

    try:
        return Version(version_of(folder)) > Version(own)
    except InvalidVersion:
        return False
