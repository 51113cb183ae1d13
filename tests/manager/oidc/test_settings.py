"""The settings of the studio's own login: what they may be, and whom the secret is sent to."""

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from manager_api.database.shown_address import MASK

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

CONFIGURATION = "/api/tablao/v1/configuration"
GOOD = {
    "oidc.issuer": "https://login.studio/realms/studio",
    "oidc.client_id": "farm",
    "oidc.client_secret": "of the farm",
}


@pytest.mark.parametrize(
    "changes",
    [
        {"oidc.issuer": "http://login.studio/"},
        {"oidc.issuer": "http://localhost.evil.example/"},
        {"oidc.issuer": "login.studio"},
        {"oidc.issuer": "https://"},
        {"oidc.issuer": "https://user:password@login.studio/"},
        {"oidc.issuer": "https://login.studio/?tenant=1"},
        {"oidc.issuer": "https://login.studio/#x"},
        {"oidc.issuer": "https://login.studio/\r\nx"},
        {"oidc.issuer": "https://login.studio:99999/"},
        {"oidc.issuer": "https://login.studio/" + "x" * 600},
        {"oidc.issuer": "file:///etc/passwd"},
        {"oidc.client_id": ""},
        {"oidc.client_id": "f\u00e4rm"},
        {"oidc.client_secret": "a\nb"},
        {"oidc.client_secret": f"x{MASK}"},
        {"oidc.default_role": "admin"},
        {"oidc.groups_claim": ""},
        {"oidc.button": "x" * 61},
        {"oidc.admin_groups": ["tds"]},
    ],
)
async def test_wrong_settings_are_refused(
    farm: "Farm", api: httpx.AsyncClient, changes: dict[str, Any]
) -> None:
    answer = await api.patch(CONFIGURATION, json=GOOD | changes)

    assert answer.status_code == 400
    assert farm.parts.settings.oidc.issuer == ""
    assert "of the farm" not in answer.text


async def test_the_secret_is_not_shown(api: httpx.AsyncClient) -> None:
    changed = await api.patch(CONFIGURATION, json=GOOD)
    audit = await api.get("/api/tablao/v1/audit", params={"action": "changeConfiguration"})

    assert changed.json()["values"]["oidc"]["client_secret"] == MASK
    assert "of the farm" not in changed.text + audit.text


async def test_the_secret_stays_with_its_provider(farm: "Farm", api: httpx.AsyncClient) -> None:
    await api.patch(CONFIGURATION, json=GOOD)
    elsewhere = {"oidc.issuer": "https://evil.example"}

    alone = await api.patch(CONFIGURATION, json=elsewhere)
    masked = await api.patch(CONFIGURATION, json=elsewhere | {"oidc.client_secret": MASK})
    off = await api.patch(CONFIGURATION, json={"oidc.issuer": ""})
    after_off = await api.patch(CONFIGURATION, json=elsewhere)
    typed = await api.patch(CONFIGURATION, json=elsewhere | {"oidc.client_secret": "another"})

    statuses = [each.status_code for each in (alone, masked, off, after_off, typed)]
    assert statuses == [400, 400, 200, 400, 200]
    assert "client_secret" in alone.json()["message"]
    assert farm.parts.settings.oidc.client_secret == "another"


async def test_a_wrangler_does_not_change_them(api: httpx.AsyncClient) -> None:
    account = {"name": "wanda", "role": "wrangler", "is_service": True}
    made = (await api.post("/api/tablao/v1/accounts", json=account)).json()
    address = f"/api/tablao/v1/accounts/{made['id']}/tokens"
    token = (await api.post(address, json={"name": "x", "scopes": ["workers", "admin"]})).json()
    shown = {"authorization": f"Bearer {token['secret']}"}

    assert (await api.patch(CONFIGURATION, json=GOOD, headers=shown)).status_code == 403
