"""Looks at the render machine itself: the shared storage, its disk, its memory."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil

from activities.process.examining import Check, HangingCalls
from worker_host.disks import trouble_with
from worker_host.doctor.manager import Needs
from worker_host.folders import sees
from worker_host.settings import HostSettings
from workflows.domain import doctor_rules as rules
from workflows.domain.doctor import Finding, broken, fine, to_look_at
from workflows.domain.storage_marker import NAME, SharedStorage

STORAGE, DISK, MEMORY = "storage", "disk", "memory"


def machine_checks(settings: HostSettings, needs: Needs, calls: HangingCalls) -> list[Check]:
    async def storage() -> Sequence[Finding]:
        if not needs.storage.id:
            return [_not_told(needs)]
        path = needs.storage.path
        return [await calls.call(f"the shared storage {path}", lambda: _storage(needs.storage))]

    async def disk() -> Sequence[Finding]:
        where = settings.data_dir
        return [await calls.call(f"{where}", lambda: _disk(where))]

    async def memory() -> Sequence[Finding]:
        found = psutil.virtual_memory()
        return [rules.memory(MEMORY, found.available, found.total)]

    return [Check((STORAGE,), storage), Check((DISK,), disk), Check((MEMORY,), memory)]


def _not_told(needs: Needs) -> Finding:
    if needs.is_known:
        return to_look_at(
            STORAGE,
            "The manager has no marked shared storage.",
            "`tablao doctor` at the manager says why: look at its check `storage`.",
        )
    return to_look_at(
        STORAGE,
        "Where the shared storage is on this machine is not known before it has joined.",
        "See manager and credentials.",
    )


def _storage(storage: SharedStorage) -> Finding:
    path = storage.path
    variables = "or give this platform another path by a two-way variable of the manager"
    if not os.path.isdir(path):
        advice = f"Mount the shared storage at {path}, {variables}."
        return broken(STORAGE, f"There is no folder {path} on this machine.", advice)
    if not sees(storage):
        return broken(
            STORAGE,
            f"{path} has not the marker {NAME} of the farm: the storage is not mounted, or it is "
            "another one.",
            f"Mount the farm's shared storage at {path}, {variables}.",
        )
    if (cause := trouble_with([path], 0)) is not None:
        return broken(STORAGE, cause.reason(), f"Mend the shared storage at {path}.")
    try:
        with tempfile.TemporaryFile(dir=path):
            return fine(STORAGE, f"{path} has the farm's marker, and files can be written.")
    except OSError as error:
        return broken(
            STORAGE,
            f"No file can be written in {path}: {error.strerror or error}.",
            "Let the user of the worker host write there.",
        )


def _disk(folder: Path) -> Finding:
    there = next(each for each in (folder, *folder.parents) if each.is_dir())
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            # An empty file can be made on a full disk, too.
            file.write(b"\0" * 65_536)
            file.flush()
        disk = shutil.disk_usage(there)
    except OSError as error:
        return broken(
            DISK,
            f"No file can be written in {there}: {error.strerror or error}.",
            f"Free some space on the disk of {there}, and let the host's user write there.",
        )
    return rules.space(DISK, str(there), disk.free, disk.total)
