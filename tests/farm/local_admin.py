"""Requests in the name of the manager's own user, whose token is new at each of its starts."""

from collections.abc import Generator
from pathlib import Path

import httpx

from manager_api.access.local_admin import TOKEN_FILE


class LocalAdmin(httpx.Auth):
    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / TOKEN_FILE

    @property
    def token(self) -> str:
        return self._file.read_text(encoding="ascii").split()[0]

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        # Before its first start, a manager has no token.
        if self._file.is_file():
            request.headers["Authorization"] = f"Bearer {self.token}"
        yield request
