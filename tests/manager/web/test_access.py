"""Who may call: each route, by each kind of caller, as docs/access.md says."""

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi.routing import APIRoute, APIWebSocketRoute

from manager_api.web.app import ROUTERS, build_app
from manager_api.web.auth import Join, NeedsJob, NeedsPerson, Public, WorkerAuth
from tests.docs.access_table import decisions
from tests.manager.web.people import Account
from workflows.domain.access import PERMISSIONS, Permission, Role

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

ROUTES: list[Any] = [route for router in ROUTERS for route in router.routes]
PASSWORD = "soleá por bulerías"
#: Ids that exist nowhere: a caller that may pass learns that, and changes nothing.
FILLED = {
    "job_id": "11111111-2222-4333-8444-555555555555",
    "task_id": "11111111-2222-4333-8444-666666666666",
    "worker_id": "11111111-2222-4333-8444-777777777777",
    "tag_id": "11111111-2222-4333-8444-888888888888",
    "view_id": "11111111-2222-4333-8444-999999999999",
    "comment_id": "11111111-2222-4333-8444-dddddddddddd",
    "account_id": "11111111-2222-4333-8444-aaaaaaaaaaaa",
    "token_id": "11111111-2222-4333-8444-bbbbbbbbbbbb",
    "session_id": "11111111-2222-4333-8444-cccccccccccc",
    "webhook_id": "11111111-2222-4333-8444-eeeeeeeeeeee",
    "delivery_id": f"msg_{'1' * 32}",
    "audience": "workers",
    "platform": "linux",
    "typeName": "none",
    "checksum": "0" * 64,
    "filesize": "1",
    "bucket": "job-1111",
    "name": "none",
    "frame": "1",
    "file": "tablao-0.0.0-py3-none-any.whl",
    "index": "1",
    "run": "1",
    "attempt": "1",
    "version": "1.1",
    "scope": "platform",
    "target": "plan9",
    "path:path": "none",
}
#: What is wrong is refused with the same numbers: a login, a link for another than the manager's
#: own user, tokens of a caller without an account.
REFUSE_OTHERWISE = {"logIn", "logInWithLink", "createLoginLink"}
#: For all, but who shows a token that is none is told so.
ASK_WHO = {"getMe", "logOut", "registerWorker"}


def name(route: Any) -> str:
    return str(getattr(route, "operation_id", None) or route.name)


@pytest.mark.parametrize("route", [pytest.param(each, id=f"{each.path}") for each in ROUTES])
def test_every_route_says_who_may_call(route: Any) -> None:
    assert isinstance(route, APIRoute | APIWebSocketRoute)
    assert len(decisions(route.dependant)) == 1


@pytest.fixture
async def people(farm: "Farm", api: httpx.AsyncClient) -> Mapping[str, str]:
    """A token of a person of each role, and one in whose scopes is only `submit`."""
    tokens: dict[str, str] = {}
    for role in Role:
        account = {"name": f"the-{role}", "role": role, "password": PASSWORD}
        made = (await api.post("/api/tablao/v1/accounts", json=account)).json()
        wanted = {"name": "all", "scopes": list(Permission)}
        address = f"/api/tablao/v1/accounts/{made['id']}/tokens"
        tokens[role] = (await api.post(address, json=wanted)).json()["secret"]
        if role is Role.ARTIST:
            wanted = {"name": "submits", "scopes": ["submit"]}
            tokens["submitter"] = (await api.post(address, json=wanted)).json()["secret"]
    return tokens


@pytest.fixture
async def stranger(farm: "Farm", api: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """A client on another machine."""
    transport = httpx.ASGITransport(
        build_app(farm.parts), raise_app_exceptions=False, client=("10.0.0.7", 4711)
    )
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as client:
        yield client


SECRET = "s" * 64
CALLERS: dict[str, frozenset[Permission]] = {
    "nobody": frozenset(),
    "a wrong token": frozenset(),
    "a join token": frozenset(),
    "a worker": frozenset(),
    "a worker that waits": frozenset(),
    "a worker that was revoked": frozenset(),
    "submitter": frozenset({Permission.SUBMIT}),
    **{str(role): PERMISSIONS[role] for role in Role},
}


@pytest.fixture
async def credentials(
    api: httpx.AsyncClient, stranger: httpx.AsyncClient, people: Mapping[str, str]
) -> Mapping[str, str]:
    """The header `Authorization` of each caller that has one."""
    facts = {"name": "carmen", "platform": "linux", "supported_task_types": ["misc"]}
    workers = []
    for _ in range(3):
        answer = await stranger.post(
            "/api/v3/worker/register-worker", json={**facts, "secret": SECRET}
        )
        workers.append(answer.json()["uuid"])
    await api.post(f"/api/tablao/v1/workers/{workers[0]}/admit")
    await api.post(f"/api/tablao/v1/workers/{workers[2]}/revoke")
    asked = {"name": "rack", "uses": 9}
    join = (await api.post("/api/tablao/v1/join-tokens", json=asked)).json()["secret"]
    shown = [b64encode(f"{each}:{SECRET}".encode()).decode() for each in workers]
    return {
        **{caller: f"Bearer {token}" for caller, token in people.items()},
        "a wrong token": "Bearer tablao_user_wrong",
        "a join token": f"Bearer {join}",
        "a worker": f"Basic {shown[0]}",
        "a worker that waits": f"Basic {shown[1]}",
        "a worker that was revoked": f"Basic {shown[2]}",
    }


@pytest.mark.parametrize("caller", CALLERS)
async def test_each_caller_gets_what_its_role_says(
    stranger: httpx.AsyncClient, credentials: Mapping[str, str], caller: str
) -> None:
    headers = {"authorization": credentials[caller]} if caller in credentials else {}
    otherwise = REFUSE_OTHERWISE | ASK_WHO if "token" in caller else REFUSE_OTHERWISE
    surprises = []
    for route in ROUTES:
        if not isinstance(route, APIRoute):
            continue
        (decided,) = decisions(route.dependant)
        if isinstance(decided, WorkerAuth):
            may = caller in ("a worker", "a worker that waits")
        elif isinstance(decided, Public | Join):
            may = True
        elif isinstance(decided, NeedsJob):
            # The job does not exist, so it is not theirs.
            may = Permission.ALL_JOBS in CALLERS[caller]
        else:
            # The other checks are for all credentials; these callers show tokens.
            may = not CALLERS[caller].isdisjoint(decided.any_of)
            may = may and not isinstance(decided, NeedsPerson)
        for method in route.methods or ():
            answer = await stranger.request(method, filled(route.path), headers=headers)
            is_refused = answer.status_code in (401, 403)
            if is_refused == may and name(route) not in otherwise:
                surprises.append((method, route.path, answer.status_code, answer.text[:80]))
    assert surprises == []


def filled(path: str) -> str:
    for each, value in FILLED.items():
        path = path.replace(f"{{{each}}}", value)
    assert "{" not in path, path
    return path


#: Operations that are no GET and that a token of scope `read` may make.
OF_READERS = {
    "logIn": "begins a session with a password",
    "logInWithLink": "begins a session with a code",
    "logOut": "ends the session that is shown, and a token is none",
    "registerWorker": "for all: such a worker waits to be let in",
    "logOutByProvider": "the provider's signature proves it",
    "removeMyToken": "a token removes itself, which is how `tablao logout` ends it",
    "polling": "a client of Socket.IO sends with POST that it wants to receive events",
}


async def test_a_token_that_only_reads_changes_nothing(
    stranger: httpx.AsyncClient, api: httpx.AsyncClient
) -> None:
    headers = {}
    for role in Role:
        account = await Account.made(api, role)
        wanted = {"name": "looks", "scopes": ["read"]}
        made = await api.post(f"/api/tablao/v1/accounts/{account.id}/tokens", json=wanted)
        headers[role] = {"authorization": f"Bearer {made.json()['secret']}"}

    passed = {
        name(route)
        for route in ROUTES
        if isinstance(route, APIRoute)
        for method in (route.methods or set()) - {"GET", "HEAD", "OPTIONS"}
        for each in headers.values()
        if (await stranger.request(method, filled(route.path), headers=each)).status_code
        not in (401, 403)
    }

    assert passed == set(OF_READERS)


async def test_an_artist_changes_only_its_own_jobs(
    stranger: httpx.AsyncClient, people: Mapping[str, str], echo_job: dict[str, Any]
) -> None:
    artist = {"authorization": f"Bearer {people[Role.ARTIST]}"}
    wrangler = {"authorization": f"Bearer {people[Role.WRANGLER]}"}
    own, others = [
        (await stranger.post("/api/v3/jobs", json=echo_job, headers=who)).json()["id"]
        for who in (artist, wrangler)
    ]

    answers = [
        await stranger.post(f"/api/v3/jobs/{job}/setpriority", json={"priority": 7}, headers=artist)
        for job in (own, others)
    ]
    task = (await stranger.get(f"/api/v3/jobs/{others}/tasks", headers=artist)).json()["tasks"][0]
    of_task = await stranger.post(
        f"/api/tablao/v1/tasks/{task['id']}/actions", json={"action": "cancel"}, headers=artist
    )

    assert [each.status_code for each in (*answers, of_task)] == [204, 403, 403]
    assert "not yours" in answers[1].json()["message"]


async def test_an_owner_is_no_claim_in_the_metadata(
    stranger: httpx.AsyncClient, people: Mapping[str, str], echo_job: dict[str, Any]
) -> None:
    artist = {"authorization": f"Bearer {people[Role.ARTIST]}"}
    submitter = {"authorization": f"Bearer {people['submitter']}"}
    claimed = {**echo_job, "metadata": {"owner": "the-artist", "user.name": "the-artist"}}
    wrangler = {"authorization": f"Bearer {people[Role.WRANGLER]}"}
    jobs = [
        (await stranger.post("/api/v3/jobs", json=claimed, headers=who)).json()["id"]
        for who in (wrangler, submitter)
    ]

    statuses = [
        (await stranger.delete(f"/api/v3/jobs/{job}", headers=artist)).status_code for job in jobs
    ]

    assert statuses == [403, 204]


# --- this machine, and what it is not -------------------------------------------------------------


@pytest.fixture
async def script(farm: "Farm", api: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """A program on the manager's machine without credentials."""
    transport = httpx.ASGITransport(build_app(farm.parts), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as client:
        yield client


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]:8080"])
async def test_a_script_on_this_machine_wrangles(script: httpx.AsyncClient, host: str) -> None:
    me = (await script.get("/api/tablao/v1/me", headers={"host": host})).json()

    assert (me["role"], me["via"], me["can_log_in"]) == ("wrangler", "loopback", True)
    assert "admin" not in me["permissions"]


async def test_what_runs_programs_wants_an_administrator_here_too(
    script: httpx.AsyncClient,
) -> None:
    for method, path in [
        ("GET", "/api/v3/configuration/check/blender"),
        ("PUT", "/api/v3/configuration/file"),
        ("PATCH", "/api/tablao/v1/configuration"),
        ("PUT", "/api/tablao/v1/job-types/x/source"),
        ("PUT", "/api/tablao/v1/provisions/platform/linux"),
        ("POST", "/api/tablao/v1/accounts"),
        ("POST", "/api/tablao/v1/login-links"),
    ]:
        assert (await script.request(method, path, json={})).status_code == 403, path


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "evil.example:8080"},
        {"host": "192.168.1.7"},
        {"host": ""},
        {"host": "::1"},
        {"x-forwarded-for": "10.0.0.7"},
        {"forwarded": "for=10.0.0.7"},
        {"via": "1.1 proxy"},
        {"x-forwarded-proto": "http"},
        {"x-forwarded-host": "farm"},
        {"x-real-ip": "10.0.0.7"},
    ],
)
async def test_a_proxy_or_a_foreign_name_is_not_this_machine(
    script: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    assert (await script.get("/api/v3/jobs", headers=headers)).status_code in (401, 403)


async def test_another_machine_is_nobody(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/api/v3/jobs")

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


async def test_this_machine_needs_a_token_where_the_setting_says_so(
    farm: "Farm", script: httpx.AsyncClient
) -> None:
    configuration = farm.parts.configuration
    configuration.settings = farm.parts.settings.model_copy(update={"loopback": "token"})

    assert (await script.get("/api/v3/jobs")).status_code == 401


async def test_a_manager_that_the_network_reaches_wants_a_token_here_too(
    farm: "Farm", script: httpx.AsyncClient
) -> None:
    configuration = farm.parts.configuration
    changed = {"listen": "0.0.0.0:8080", "insecure": True}
    configuration.settings = farm.parts.settings.model_copy(update=changed)

    assert (await script.get("/api/v3/jobs")).status_code == 401


async def test_a_legacy_network_is_an_artist(
    farm: "Farm", stranger: httpx.AsyncClient, echo_job: dict[str, Any]
) -> None:
    configuration = farm.parts.configuration
    changed = {"legacy_networks": ("10.0.0.0/24",)}
    configuration.settings = farm.parts.settings.model_copy(update=changed)

    submitted = await stranger.post("/api/v3/jobs", json=echo_job)
    wrangled = await stranger.post("/api/v3/worker-mgt/tags", json={"name": "x"})

    assert (submitted.status_code, wrangled.status_code) == (200, 403)


@pytest.mark.parametrize(
    ("proxies", "headers", "status"),
    [
        ((), {"x-forwarded-for": "8.8.8.8"}, 401),
        ((), {"via": "1.1 proxy"}, 401),
        (("10.0.0.7",), {}, 401),
        (("10.0.0.7",), {"x-forwarded-for": "8.8.8.8"}, 401),
        (("10.0.0.7",), {"x-forwarded-for": "10.0.0.9"}, 200),
        ((), {}, 200),
    ],
)
async def test_a_proxy_in_a_legacy_network_is_not_its_clients(
    farm: "Farm", proxies: tuple[str, ...], headers: dict[str, str], status: int
) -> None:
    changed = {"legacy_networks": ("10.0.0.0/24",), "trusted_proxies": proxies}
    farm.parts.configuration.settings = farm.parts.settings.model_copy(update=changed)
    transport = httpx.ASGITransport(build_app(farm.parts), client=("10.0.0.7", 4711))

    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as http:
        answer = await http.get("/api/v3/jobs", headers=headers)

    assert answer.status_code == status


async def test_the_local_token_counts_only_on_this_machine(
    farm: "Farm", stranger: httpx.AsyncClient
) -> None:
    token = {"authorization": f"Bearer {farm.parts.identities.local.token}"}

    assert (await stranger.get("/api/v3/jobs", headers=token)).status_code == 401


# --- ways to show a token -------------------------------------------------------------------------


async def test_a_token_may_be_the_user_of_an_address(
    stranger: httpx.AsyncClient, people: Mapping[str, str]
) -> None:
    for auth in [(people[Role.VIEWER], ""), ("x", people[Role.VIEWER])]:
        assert (await stranger.get("/api/v3/jobs", auth=auth)).status_code == 200


async def test_a_token_in_the_address_submits_and_no_more(
    stranger: httpx.AsyncClient, people: Mapping[str, str], echo_job: dict[str, Any]
) -> None:
    root = f"/t/{people[Role.ADMIN]}"

    submitted = await stranger.post(f"{root}/api/v3/jobs", json=echo_job)
    types = await stranger.get(f"{root}/api/v3/jobs/types")
    looked = await stranger.get(f"{root}/api/v3/jobs")
    deleted = await stranger.delete(f"{root}/api/v3/jobs/{submitted.json()['id']}")
    wrong = await stranger.get("/t/tablao_user_wrong/api/v3/jobs/types")

    answers = (submitted, types, looked, deleted, wrong)
    assert [each.status_code for each in answers] == [200, 200, 403, 403, 401]


async def test_a_wrong_token_is_refused_even_where_none_is_needed(
    script: httpx.AsyncClient,
) -> None:
    answer = await script.get("/api/v3/jobs", headers={"authorization": "Bearer tablao_user_x"})

    assert answer.status_code == 401
