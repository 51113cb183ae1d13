"""Where a host's data directory is. Quick to import, because each start of the host asks."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import platformdirs

SETTINGS_FILE = "tablao-worker.yaml"


def default_data_dir() -> Path:
    return platformdirs.user_data_path("tablao", appauthor=False) / "worker"


def data_dir_of(arguments: Sequence[str], environment: Mapping[str, str]) -> Path:
    """Return the data directory of a host that is started so, as its settings will say it.

    Unlike the settings it accepts options and settings that only another version knows.
    """
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    parser.add_argument("--data-dir", default=environment.get("TABLAO_DATA_DIR"))
    try:
        given = parser.parse_known_args(arguments)[0].data_dir
    except argparse.ArgumentError:
        given = None
    directory = Path(given).expanduser() if given else default_data_dir()
    return directory.absolute() if given else (_from_file(directory) or directory).absolute()


def _from_file(directory: Path) -> Path | None:
    """Return the data directory that the settings file names; None if it names none."""
    files = (directory / SETTINGS_FILE, Path.cwd() / SETTINGS_FILE)
    file = next((each for each in files if each.is_file()), None)
    if file is None:
        return None
    import yaml  # most hosts have no such file

    try:
        named = yaml.safe_load(file.read_text(encoding="utf-8"))["data_dir"]
    except (OSError, ValueError, yaml.YAMLError, TypeError, LookupError):
        return None  # reading the settings will say what is wrong with the file
    return Path(named).expanduser() if isinstance(named, str) else None
