"""Fetches, saves and loads all information about a manager that a submission needs."""

import json
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .answers import understood
from .job_types import JobType, job_types_from_json
from .manager import Manager, ManagerError
from .platforms import this_platform

#: The beginning of `git` in the answer of `getVersion`; only our managers have it.
_PRODUCT = "Tablao"
#: The major version of Flamenco whose API this add-on uses.
_MAJOR = 3
#: The format of the saved file. A file of another format is ignored.
_FORMAT = 1


@dataclass(frozen=True)
class SharedStorage:
    """The farm's shared storage for jobs' files, as machines of `platform` see it."""

    location: str
    shaman_enabled: bool
    audience: str = "users"
    platform: str = field(default_factory=this_platform)


@dataclass(frozen=True)
class Tag:
    """A worker tag. Only workers with this tag run jobs with this tag."""

    id: str
    name: str
    description: str = ""


@dataclass(frozen=True)
class Variable:
    value: str
    is_twoway: bool


@dataclass(frozen=True)
class ManagerInfo:
    address: str
    name: str
    """The farm's name, for people."""
    version: str
    """The version of Flamenco's API."""
    is_tablao: bool
    storage: SharedStorage
    job_types: tuple[JobType, ...]
    tags: tuple[Tag, ...]
    variables: Mapping[str, Variable] = field(hash=False)
    product: str = ""
    """Name and version of the program, for people."""
    answers: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """The manager's answers, from which this was made; only these are saved."""

    def job_type(self, name: str) -> JobType | None:
        return next((each for each in self.job_types if each.name == name), None)

    def tag(self, tag_id: str) -> Tag | None:
        return next((each for each in self.tags if each.id == tag_id), None)


def fetch(manager: Manager, platform: str | None = None) -> ManagerInfo:
    """Fetch all information, with five requests.

    Args:
        platform: the platform whose paths and variables are fetched; None: this machine's.

    Raises:
        ManagerError: the address is not reached, is no manager's, or its version does not fit.
    """
    seen_from = quote(platform or this_platform(), safe="")
    version = manager.get("/api/v3/version")
    if problem := version_problem(version, manager.address):
        raise ManagerError(problem)
    answers = {
        "version": version,
        "storage": manager.get(f"/api/v3/configuration/shared-storage/users/{seen_from}"),
        "job_types": manager.get("/api/v3/jobs/types"),
        "tags": _if_there(lambda: manager.get("/api/v3/worker-mgt/tags")),
        "variables": _if_there(
            lambda: manager.get(f"/api/v3/configuration/variables/users/{seen_from}")
        ),
    }
    with understood(manager):
        return _info(manager.address, answers)


def version_problem(version: object, address: str) -> str:
    """Return why the answer of `getVersion` does not fit this add-on; empty if it fits."""
    if not isinstance(version, dict) or not isinstance(version.get("version"), str):
        return f"{address} is no Flamenco or Tablao manager. Check the address"
    spoken = str(version.get("shortversion") or version["version"])
    if _is_ours(version):
        return ""
    if not (match := re.match(r"v?(\d+)", spoken)) or int(match[1]) != _MAJOR:
        return (
            f"The manager at {address} is Flamenco {spoken}; this add-on speaks to "
            f"Tablao and to Flamenco {_MAJOR}.x. Update the manager or the add-on"
        )
    return ""


def product_of(version: Mapping[str, Any]) -> str:
    """Return name and version of the program that gave the answer of `getVersion`, for people."""
    return str(version["git"]) if _is_ours(version) else f"Flamenco {version['version']}"


def to_json(info: ManagerInfo) -> str:
    kept = {"format": _FORMAT, "address": info.address, "answers": info.answers}
    return json.dumps(kept, indent=1)


def from_json(text: str) -> ManagerInfo | None:
    """Read the text that `to_json` made; return None for any other text."""
    try:
        kept = json.loads(text)
        if kept["format"] != _FORMAT:
            return None
        return _info(str(kept["address"]), kept["answers"])
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return None


def save(info: ManagerInfo, file: Path) -> None:
    """Save the information, either all or nothing.

    Raises:
        OSError: the folder cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.{os.getpid()}~")
    try:
        new.write_text(to_json(info), encoding="utf-8")
        new.replace(file)
    finally:
        with suppress(OSError):
            new.unlink()


def load(file: Path, address: str = "") -> ManagerInfo | None:
    """Return the saved information; None if there is none that can be used.

    Args:
        address: the `Manager.address` that it must be about; empty: any.
    """
    try:
        info = from_json(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return info if info is not None and address in ("", info.address) else None


def _info(address: str, answers: Mapping[str, Any]) -> ManagerInfo:
    version, storage = answers["version"], answers["storage"]
    return ManagerInfo(
        address=address,
        name=str(version.get("name") or "Flamenco"),
        version=str(version.get("shortversion") or version["version"]),
        is_tablao=_is_ours(version),
        product=product_of(version),
        storage=SharedStorage(
            location=str(storage["location"]),
            shaman_enabled=storage["shamanEnabled"] is True,
            audience=str(storage.get("audience", "users")),
            platform=str(storage.get("platform") or this_platform()),
        ),
        job_types=job_types_from_json(answers["job_types"]),
        tags=_tags(answers.get("tags")),
        variables={
            str(name): Variable(str(told["value"]), told.get("is_twoway") is True)
            for name, told in (answers.get("variables") or {}).items()
        },
        answers=answers,
    )


def _tags(told: Any) -> tuple[Tag, ...]:
    listed = (told or {}).get("tags") or ()
    return tuple(
        Tag(str(each["id"]), str(each["name"]), str(each.get("description") or ""))
        for each in sorted(listed, key=lambda each: str(each["name"]).lower())
        if each.get("id")
    )


def _is_ours(version: Mapping[str, Any]) -> bool:
    return str(version.get("git", "")).startswith(_PRODUCT)


def _if_there(ask: Callable[[], Any]) -> Any:
    # The oldest managers of the same major version answer with 404 here.
    try:
        return ask()
    except ManagerError as error:
        if error.status != 404:
            raise
        return None
