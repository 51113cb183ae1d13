"""`tablao config`: look at the manager's settings, check their file, change one."""

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from activities.process.layered_settings import SettingsError
from manager_api.cli.client import DEFAULT_URL, AsJson, Manager, ManagerUrl
from manager_api.cli.console import CommandError, note, say, show_json, show_table
from manager_api.settings.model import SETTINGS_FILE, ManagerSettings, read_settings

app = typer.Typer(help="The manager's settings.", no_args_is_help=True)

_CONFIGURATION = "/api/tablao/v1/configuration"


@app.command()
def show(manager: ManagerUrl = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Show the settings that are in force, and where they come from."""
    with Manager(manager) as farm:
        answer = farm.get(_CONFIGURATION)
    if as_json:
        show_json(answer)
        return
    overridden, pending = answer["overridden"], answer["pending_restart"]
    show_table(
        ("SETTING", "VALUE", ""),
        ((name, value, _remark(name, overridden, pending)) for name, value in _flat(answer)),
    )
    note(f"The file is {answer['file']}.")


@app.command()
def check(
    data_dir: Annotated[Path | None, typer.Option(help="The folder for the farm's data.")] = None,
) -> None:
    """Check whether a manager on this machine would start with its settings file."""
    given: dict[str, Any] = {"data_dir": data_dir}
    file = ManagerSettings.file(given)
    try:
        read_settings(**given)
    except SettingsError as refusal:
        raise CommandError(str(refusal)) from refusal
    say(f"{file} is valid." if file else f"There is no {SETTINGS_FILE}; the defaults count.")


@app.command("set")
def set_value(
    key: Annotated[str, typer.Argument(help="Its name in the file; dots join the parts.")],
    value: Annotated[str, typer.Argument(help="As in the file; null removes the setting.")],
    manager: ManagerUrl = DEFAULT_URL,
) -> None:
    """Change a setting in the manager's file. If possible it takes effect at once."""
    with Manager(manager) as farm:
        answer = farm.patch(_CONFIGURATION, {key: _parsed(value)})
    say(f"Written to {answer['file']}.")
    name = key.partition(".")[0]
    if name in answer["overridden"]:
        note(f"The {answer['overridden'][name]} sets another value, which takes precedence.")
    elif name in answer["pending_restart"]:
        note("It takes effect at the manager's next start.")


def _parsed(value: str) -> Any:
    """Parse a value as YAML, so that users can type numbers and lists."""
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError:
        return value


def _flat(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """Return dotted names and values. Each of the manager's variables is one row."""
    rows: list[tuple[str, str]] = []

    def add(name: str, value: Any) -> None:
        if isinstance(value, dict) and "values" not in value:
            for key, inner in value.items():
                add(f"{name}.{key}" if name else key, inner)
        elif isinstance(value, dict):
            rows.append((name, " | ".join(_row(row) for row in value["values"])))
        else:
            rows.append((name, str(value).lower() if isinstance(value, bool) else str(value)))

    add("", answer["values"])
    return rows


def _row(row: dict[str, Any]) -> str:
    platforms = ",".join(row["platforms"]) or row["platform"] or "all"
    audience = "" if row["audience"] in ("", "all") else f" for {row['audience']}"
    return f"{platforms}{audience}: {row['value']}"


def _remark(name: str, overridden: dict[str, str], pending: list[str]) -> str:
    top = name.partition(".")[0]
    if top in overridden:
        return f"from the {overridden[top]}"
    return "changed; needs a restart" if top in pending else ""
