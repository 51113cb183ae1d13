"""What `tablao` adds to a refusal, so that its user can do something about it."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from manager_api.cli.client import Manager, Refused

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm


@pytest.fixture(autouse=True)
def no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TABLAO_TOKEN", raising=False)
    monkeypatch.setenv("TABLAO_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


async def refusal(served: str, path: str, token: str | None = None) -> str:
    with Manager(f"http://{served}", token=token) as manager, pytest.raises(Refused) as refused:
        await asyncio.to_thread(manager.get, path)
    return str(refused.value)


async def test_a_user_without_a_token_learns_where_tokens_are(served: str, farm: "Farm") -> None:
    refused = await refusal(served, "/api/tablao/v1/accounts")
    configuration = farm.parts.configuration
    configuration.settings = farm.parts.settings.model_copy(update={"loopback": "token"})
    unknown = await refusal(served, "/api/v3/jobs")

    assert "`tablao login`" not in refused
    assert "TABLAO_DATA_DIR" in refused
    assert "`tablao login` logs you in" in unknown


async def test_a_user_with_a_wrong_token_learns_that(served: str) -> None:
    refused = await refusal(served, "/api/v3/jobs", "tablao_user_wrong")

    assert refused == "this token does not count: it is unknown, expired or removed"
