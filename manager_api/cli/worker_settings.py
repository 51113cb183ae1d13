"""`tablao worker-settings`: shows and changes the settings that the farm has for its workers."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from manager_api.cli.client import DEFAULT_URL, AsJson, Manager, ManagerUrl, Refused
from manager_api.cli.console import CommandError, note, say, show_json, show_table
from manager_api.cli.identify import tag_id, worker_id

_URL = "/api/tablao/v1/provisions"
_BY_NAME = ("blender", "environment")
_NOT_FOUND = 404

app = typer.Typer(
    help="What the farm sets for its workers: Blender builds, environment, task types, slots.",
    no_args_is_help=True,
)

ForFarm = Annotated[bool, typer.Option("--farm", help="For all workers.")]
ForPlatform = Annotated[
    str, typer.Option("--platform", help="For one platform's workers: linux, …")
]
ForTag = Annotated[str, typer.Option("--tag", help="For workers with a tag; its id or name.")]
ForWorker = Annotated[str, typer.Option("--worker", help="For one worker; its id or name.")]
Settings = Annotated[
    list[str],
    typer.Argument(
        metavar="KEY=VALUE…",
        help="blender.VERSION=PATH, blender_version, blender_args, ffmpeg, environment.NAME=VALUE, "
        "task_types=A,B, slots=N.",
    ),
]


@app.command()
def show(manager: ManagerUrl = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Show all settings that the farm has, and for which workers."""
    with Manager(manager) as farm:
        found = farm.get(_URL)["provisions"]
    if as_json:
        show_json(found)
    elif not found:
        note("Nothing is set: all workers use their own settings.")
    else:
        show_table(
            ("FOR", "SETTING", "VALUE"),
            ((_place(each), key, value) for each in found for key, value in _lines(each)),
        )


@app.command("set")
def set_settings(
    settings: Settings,
    farm_wide: ForFarm = False,
    platform: ForPlatform = "",
    tag: ForTag = "",
    worker: ForWorker = "",
    manager: ManagerUrl = DEFAULT_URL,
) -> None:
    """Set these settings. Others that are set there stay."""
    with Manager(manager) as farm:
        path = _path(farm, farm_wide, platform, tag, worker)
        now = _now(farm, path)
        for setting in settings:
            _put(now, setting)
        farm.put(path, now)
    say("Set. It counts from each worker's next task on.")


@app.command()
def unset(
    keys: Annotated[list[str], typer.Argument(metavar="KEY…", help="`blender.4.5`, `slots`, …")],
    farm_wide: ForFarm = False,
    platform: ForPlatform = "",
    tag: ForTag = "",
    worker: ForWorker = "",
    manager: ManagerUrl = DEFAULT_URL,
) -> None:
    """Remove these settings."""
    with Manager(manager) as farm:
        path = _path(farm, farm_wide, platform, tag, worker)
        now = _now(farm, path)
        for key in keys:
            _take(now, key)
        if now:
            farm.put(path, now)
        else:
            farm.delete(path)
    say("Unset. It counts from each worker's next task on.")


@app.command()
def effective(
    worker: Annotated[str, typer.Argument(metavar="WORKER", help="Its id or its name.")],
    manager: ManagerUrl = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Show the settings that are in force for one worker."""
    with Manager(manager) as farm:
        found = farm.get(f"{_URL}/effective/{worker_id(farm, worker)}")
    if as_json:
        show_json(found)
        return
    for line in found["notes"]:
        note(f"Note: {line}.")
    if found["settings"]:
        show_table(("SETTING", "VALUE"), _lines(found))
    else:
        note(f"Nothing is set for {found['worker_name']}: it uses its own settings.")


def _path(farm: Manager, farm_wide: bool, platform: str, tag: str, worker: str) -> str:
    if [farm_wide, bool(platform), bool(tag), bool(worker)].count(True) != 1:
        raise CommandError("Say for whom: one of --farm, --platform, --tag and --worker.")
    if farm_wide:
        return f"{_URL}/farm/all"
    if platform:
        return f"{_URL}/platform/{platform}"
    return f"{_URL}/tag/{tag_id(farm, tag)}" if tag else f"{_URL}/worker/{worker_id(farm, worker)}"


def _now(farm: Manager, path: str) -> dict[str, Any]:
    try:
        return dict(farm.get(path)["settings"])
    except Refused as refusal:
        if refusal.status_code != _NOT_FOUND:
            raise
        return {}  # nothing is set there; if the place does not exist, the PUT is refused


def _put(settings: dict[str, Any], typed: str) -> None:
    key, equals, value = typed.partition("=")
    if not equals:
        raise CommandError(f"'{typed}' is no KEY=VALUE.")
    group, dot, name = key.partition(".")
    if dot and group in _BY_NAME:
        settings[group] = {**settings.get(group, {}), name: None if value == "null" else value}
    elif key == "task_types":
        settings[key] = [word for each in value.split(",") if (word := each.strip())]
    elif key == "slots":
        settings[key] = _number(value)
    elif key in _BY_NAME:
        raise CommandError(f"Say which: {key}.NAME={value}")
    else:
        settings[key] = value


def _take(settings: dict[str, Any], key: str) -> None:
    group, dot, name = key.partition(".")
    held = settings.get(group, {}) if dot and group in _BY_NAME else settings
    wanted = name if held is not settings else key
    if wanted not in held:
        raise CommandError(f"'{key}' is not set there.")
    del held[wanted]
    if not settings.get(group, True):
        del settings[group]


def _number(value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise CommandError(f"slots is a number, not '{value}'.") from None


def _place(provision: Mapping[str, Any]) -> str:
    is_farm = provision["scope"] == "farm"
    return "farm" if is_farm else f"{provision['scope']} {provision['target']}"


def _lines(provision: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in provision["settings"].items():
        if isinstance(value, dict):
            for name, single in value.items():
                yield f"{key}.{name}", "null" if single is None else single
        else:
            yield key, ",".join(value) if isinstance(value, list) else str(value)
