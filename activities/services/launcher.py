"""Which file a service starts: a launcher that stays where it is when Tablao is upgraded."""

import os
import sys
import sysconfig
from collections.abc import Collection, Iterator
from pathlib import Path

from activities.services.definition import Account, ServiceError

_LAUNCHERS = ("tablao", "tablao-worker")
#: Folders of environments that uvx and `pipx run` make for one call.
_PASSING = frozenset({"archive-v0", "builds-v0", "environments-v2", ".cache"})


def launcher(name: str, called: Path, scripts: Path) -> Path:
    """Return the absolute path of a program of this installation, as people call it.

    uv and pipx put a link into one folder for all programs, and an upgrade replaces what it leads
    to. So a link is not followed.

    Args:
        name: of the launcher.
        called: what this process was called as, the first word of its command line.
        scripts: the folder of launchers of this Python's environment.

    Raises:
        ServiceError: it is not there, or not for long.
    """
    path = next((each for each in _candidates(name, called, scripts) if _is_program(each)), None)
    if path is None:
        raise ServiceError(
            f"The program {name} is not in {scripts}. Install Tablao's package there, for example "
            "with uv or pipx, and call `service install` of the installed program."
        )
    real = path.resolve()
    if _PASSING.intersection(real.parts):
        raise ServiceError(
            f"{path} is kept for one call only, so a service would not find it later. Install "
            "Tablao first: uv tool install, or pipx install."
        )
    if len(real.parents) > 2 and (real.parents[2] / "chosen.json").is_file():
        raise ServiceError(
            f"{path} is a version that an upgrade has installed, and a later one removes it. Call "
            f"`service install` of the {name} that was installed by hand; it begins the newest "
            "version."
        )
    return path


def own_launcher(name: str) -> Path:
    """Return the launcher of that name that belongs to this process's installation.

    Raises:
        ServiceError: it is not there, or not for long.
    """
    return launcher(name, Path(sys.argv[0]), Path(sysconfig.get_path("scripts")))


def check_reachable(path: Path, account: Account) -> None:
    """Check that another user can start a launcher, which may be in a closed home directory.

    Raises:
        ServiceError: some folder on the way is closed to that user.
    """
    if account.uid == 0:
        return
    groups = set(os.getgrouplist(account.name, account.gid))
    interpreter = Path(sys.executable)
    for file in (path, path.resolve(), interpreter, interpreter.resolve()):
        for folder in (file, *file.parents):
            if not _may_enter(folder, account, groups):
                raise ServiceError(
                    f"The user {account.name} cannot start {path}, because {folder} is closed to "
                    "it. Install Tablao where that user can read it, such as below /opt."
                )


def _candidates(name: str, called: Path, scripts: Path) -> Iterator[Path]:
    file = f"{name}.exe" if os.name == "nt" else name
    if called.stem in _LAUNCHERS:
        called = Path(os.path.abspath(called))
        beside = called.parent / file
        # Another program of that name may be there, of another installation.
        if beside.resolve().parent == called.resolve().parent:
            yield beside
    yield scripts / file


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _may_enter(path: Path, account: Account, groups: Collection[int]) -> bool:
    status = path.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & 0o100)
    if status.st_gid in groups:
        return bool(status.st_mode & 0o010)
    return bool(status.st_mode & 0o001)
