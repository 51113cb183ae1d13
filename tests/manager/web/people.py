"""People of a farm, as tests need them: with a token, or logged in."""

from dataclasses import dataclass
from uuid import uuid4

import httpx

API = "/api/tablao/v1"
_PASSWORD = "a long enough one"


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    name: str
    role: str

    @classmethod
    async def made(cls, admin: httpx.AsyncClient, role: str) -> "Account":
        name = f"{role}-{uuid4().hex[:8]}"
        asked = {"name": name, "role": role, "password": _PASSWORD}
        answer = await admin.post(f"{API}/accounts", json=asked)
        assert answer.status_code == 201, answer.text
        return cls(answer.json()["id"], name, role)

    async def token_headers(self, admin: httpx.AsyncClient) -> dict[str, str]:
        """Headers with a new token that may do all that the account may."""
        scopes = ["read", "submit", "jobs:own", "jobs:all", "workers", "temporal", "register"]
        asked = {"name": "test", "scopes": [*scopes, "admin"]}
        answer = await admin.post(f"{API}/accounts/{self.id}/tokens", json=asked)
        assert answer.status_code == 201, answer.text
        return {"authorization": f"Bearer {answer.json()['secret']}"}

    async def session_cookie(self, client: httpx.AsyncClient) -> str:
        """The cookie of a new session, as a browser sends it."""
        answer = await client.post(
            f"{API}/login",
            json={"name": self.name, "password": _PASSWORD},
            headers={"sec-fetch-site": "same-origin"},
        )
        assert answer.status_code == 200, answer.text
        client.cookies.clear()
        return answer.headers["set-cookie"].partition(";")[0]

    async def session_headers(self, client: httpx.AsyncClient) -> dict[str, str]:
        """Headers of a page that is logged in, also for a client that shows a token otherwise."""
        cookie = await self.session_cookie(client)
        return {"cookie": cookie, "authorization": "", "sec-fetch-site": "same-origin"}
