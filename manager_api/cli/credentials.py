"""The token that `tablao` shows to a manager.

From `TABLAO_TOKEN`; else, for a manager on this machine, from the file that it wrote for its own
user; else from the file of `tablao login`. A token is never an argument: other users of a machine
see those.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs
import yaml

from manager_api.access.local_admin import read_token
from manager_api.cli.console import CommandError
from manager_api.settings.reach import is_loopback

VARIABLE = "TABLAO_TOKEN"
_DATA_DIR = "TABLAO_DATA_DIR"


def tokens_file() -> Path:
    return platformdirs.user_config_path("tablao", appauthor=False) / "tokens.yaml"


def token_for(url: str) -> str:
    """Return the token for a manager; empty if there is none.

    Raises:
        CommandError: there is one, but it would cross the network where others can read it.
    """
    token = os.environ.get(VARIABLE) or _local_token(url) or _stored().get(url, "")
    if token and not is_safe(url):
        raise CommandError(
            f"{url} is plain HTTP to another machine, where others can read a token; "
            "use an address that begins with https://."
        )
    return str(token)


def is_safe(url: str) -> bool:
    """Return whether others cannot read what is sent to this address."""
    return urlsplit(url).scheme == "https" or _is_this_machine(url)


def store_token(url: str, token: str | None) -> None:
    """Store the token for a manager, or forget it. Only this user can read the file."""
    content = _stored()
    content.pop(url, None)
    if token is not None:
        content[url] = token
    path = tokens_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        yaml.safe_dump(content, file)
    draft.replace(path)


def stored_token(url: str) -> str:
    return str(_stored().get(url, ""))


def _local_token(url: str) -> str | None:
    if not _is_this_machine(url):
        return None
    given = os.environ.get(_DATA_DIR)
    own = platformdirs.user_data_path("tablao", appauthor=False)
    return read_token(Path(given).expanduser() if given else own, url)


def _stored() -> dict[str, Any]:
    try:
        content = yaml.safe_load(tokens_file().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, yaml.YAMLError) as problem:
        raise CommandError(f"{tokens_file()} cannot be read: {problem}") from problem
    return content if isinstance(content, dict) else {}


def _is_this_machine(url: str) -> bool:
    return is_loopback(urlsplit(url).hostname or "")
