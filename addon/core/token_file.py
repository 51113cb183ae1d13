"""Keeps API tokens in a file that only its own user can read, apart from Blender's preferences."""

import json
import os
from contextlib import suppress
from pathlib import Path


class TokenFile:
    """The tokens by the addresses of their managers: a token is shown to no other manager."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def token_of(self, address: str) -> str:
        """Return the token for the manager at a normalized address; empty if none is kept."""
        return self._tokens().get(address, "")

    def keep(self, address: str, token: str) -> None:
        """Keep a token for the manager at a normalized address; an empty one is removed.

        Raises:
            OSError: the file cannot be written.
        """
        tokens = self._tokens()
        tokens.pop(address, None)
        if token:
            tokens[address] = token
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(tokens, file)
        draft.replace(self.path)

    def _tokens(self) -> dict[str, str]:
        with suppress(OSError, ValueError):
            kept = json.loads(self.path.read_text(encoding="utf-8"))
            if isinstance(kept, dict):
                return {str(address): str(token) for address, token in kept.items()}
        return {}
