"""Which entries of the audit have the values before and after: all operations are gone through."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from manager_api.database.row_changes import LONGEST_VALUE, shown
from manager_api.version import VERSION
from manager_api.web.app import ROUTERS, build_app
from manager_api.web.auth import Join, Needs, NeedsJob
from tests.docs.access_table import decisions
from tests.manager.stand_in_farm import Farm

API = "/api/tablao/v1"
FLAMENCO = "/api/v3"
PASSWORD = "una contraseña"
SOURCE = """const JOB_TYPE = { label: "%s", settings: [] };
function compileJob(job) {}
"""

#: Operations that change nothing that has a value before, with the reason.
WITHOUT = {
    "checkSharedStoragePath": "tries a path",
    "checkBlenderExePath": "tries a program",
    "saveSetupAssistantConfig": "writes the settings as changeConfiguration does",
    "updateConfigurationFile": "writes the settings as changeConfiguration does",
    "submitJobCheck": "tries a job",
    "previewJob": "tries a job",
    "testCompileJobType": "tries a script",
    "shamanCheckoutRequirements": "reads",
    "shamanCheckout": "adds files that jobs use",
    "shamanFileStore": "adds a file that jobs use",
    "collectGarbage": "removes files that no job uses",
    "createLoginLink": "makes a secret",
    "examineWorker": "asks a worker",
    "endMySession": "the target names the session",
    "endSessionsOfAccount": "the target names the account",
    "createMyToken": "as createTokenOfAccount; the own user has no account",
    "removeMyToken": "as removeTokenOfAccount",
    "changePassword": "as changeAccount; the own user has no password",
    "recompileJob": "replaces the tasks; its change is stored as those of actOnJob",
    "changeMyNotifications": "as changeAccount; the own user has no account",
    "testWebhook": "sends a message",
    "testEmail": "sends a mail",
    "resendDelivery": "sends a message again",
    "deleteJobMass": "a number of jobs",
    "polling": "Socket.IO's messages",
    "useTemporalUi": "Temporal's own",
}
#: What the entry of each other operation has before, and after.
EXPECTED: dict[str, tuple[Any, Any]] = {
    "changeConfiguration": ({"manager_name": "Tablao"}, {"manager_name": "Corral"}),
    "submitJob": (None, {"name": "bulería", "status": "queued", "priority": 50}),
    "setJobPriority": ({"status": "queued", "priority": 50}, {"priority": 77}),
    "setJobStatus": ({"status": "queued"}, {"action": "pause", "reason": "why"}),
    "setTaskStatus": ({"status": "queued"}, {"task_action": "cancel", "reason": "why", "task": 1}),
    "actOnJob": ({"status": "queued"}, {"action": "cancel"}),
    "actOnTask": ({"status": "queued"}, {"task_action": "cancel", "task": 1}),
    "removeJobBlocklist": ({"status": "queued"}, {"unblock": [["WORKER", "blender"]]}),
    "setJobTag": ({"worker_tag_id": None}, {"worker_tag_id": "TAG OF JOB"}),
    "setJobProject": ({"project": ""}, {"project": "Pilot"}),
    "commentOnJob": (None, {"text": "olé"}),
    "commentOnWorker": (None, {"text": "its fan is loud"}),
    "editComment": ({"text": "olé"}, {"text": "arsa"}),
    "deleteComment": ({"text": "arsa"}, None),
    "createWebhook": (None, {"name": "chat", "address": "***", "secret": "***"}),
    "changeWebhook": ({"name": "chat"}, {"name": "the chat"}),
    "renewWebhookSecret": ({"secret": "***"}, {"secret": "***"}),
    "deleteWebhook": ({"name": "the chat", "address": "***", "secret": "***"}, None),
    "setRnaOverrides": (
        {"rna_overrides": None},
        {"rna_overrides": ["bpy.context.scene.cycles.samples = 8"]},
    ),
    "archiveJob": ({"archived_at": None}, {"archived_at": "TIME"}),
    "deleteJob": ({"delete_requested_at": None}, {"delete_requested_at": "TIME"}),
    "registerWorker": (None, {"worker": "carmen", "waits": False}),
    "requestWorkerStatusChange": (
        {"status_requested": None},
        {"status_requested": "asleep"},
    ),
    "setWorkerTags": (None, {"tag_id": "TAG"}),
    "setWorkerSleepSchedule": (
        {"days_of_week": "mo"},
        {"days_of_week": "tu"},
    ),
    "pauseWorker": ({"is_paused": False}, {"is_paused": True}),
    "resumeWorker": ({"is_paused": True}, {"is_paused": False}),
    "forgiveWorker": ({"set_aside": [{"cause": "memory"}]}, {"set_aside": []}),
    "upgradeWorker": (
        {"upgrade": None},
        {"upgrade": {"version": VERSION, "state": "fetching", "reason": ""}},
    ),
    "admitWorker": ({"is_waiting": True}, {"is_waiting": False}),
    "rotateWorkerSecret": ({"new_secret_hashes": None}, {"new_secret_hashes": []}),
    "revokeWorkerSecret": ({"secret_hash": "***"}, {"secret_hash": ""}),
    "deleteWorker": ({"deleted_at": None}, {"deleted_at": "TIME"}),
    "createWorkerTag": (None, {"name": "gpu", "description": ""}),
    "updateWorkerTag": ({"name": "gpu"}, {"name": "big gpu"}),
    "deleteWorkerTag": ({"name": "big gpu", "description": ""}, None),
    "setProvision": (
        {"settings": {"environment": {"LICENSE": "***"}}},
        {"settings": {"environment": {"LICENSE": "***", "MORE": "***"}}},
    ),
    "removeProvision": (
        {"settings": {"environment": {"LICENSE": "***", "MORE": "***"}}},
        None,
    ),
    "createView": (None, {"page": "jobs", "name": "mine", "query": "a=1", "is_shared": False}),
    "changeView": ({"query": "a=1"}, {"query": "a=2"}),
    "removeView": ({"page": "jobs", "name": "mine", "query": "a=2", "is_shared": False}, None),
    "setJobTypeSource": (
        {"file": "mine.js", "bytes": len(SOURCE % "one"), "sha256": "DIGEST"},
        {"file": "mine.js", "bytes": len(SOURCE % "three"), "sha256": "DIGEST"},
    ),
    "removeJobTypeSource": (
        {"file": "mine.js", "bytes": len(SOURCE % "three"), "sha256": "DIGEST"},
        None,
    ),
    "createAccount": (None, {"name": "lola", "kind": "person", "role": "viewer"}),
    "changeAccount": (
        {"role": "viewer", "is_disabled": False},
        {"role": "artist", "is_disabled": False},
    ),
    "createTokenOfAccount": (None, {"token": "t", "of": "lola", "scopes": ["read"]}),
    "removeTokenOfAccount": ({"token": "t", "scopes": ["read"]}, None),
    "removeAccount": ({"name": "lola", "role": "artist"}, None),
    "createJoinToken": (None, {"name": "rack", "uses": 2, "hours": 1}),
    "removeJoinToken": ({"name": "rack", "uses_left": 2}, None),
}
Do = Callable[..., Awaitable[Any]]


def audited() -> set[str]:
    """The operations that have an entry in the audit."""
    found = set()
    for route in [route for router in ROUTERS for route in router.routes]:
        methods = (getattr(route, "methods", None) or set()) - {"GET", "HEAD", "OPTIONS"}
        (decided,) = decisions(route.dependant)  # type: ignore[attr-defined] # all have one
        if methods and isinstance(decided, Needs | NeedsJob | Join):
            found.add(getattr(route, "operation_id", None) or route.name)  # type: ignore[attr-defined]
    return found


def test_each_operation_has_values_or_a_reason() -> None:
    assert audited() == WITHOUT.keys() | EXPECTED.keys()
    assert not WITHOUT.keys() & EXPECTED.keys()


@pytest.fixture
def do(farm: Farm, api: httpx.AsyncClient) -> Do:
    """Calls an operation that must succeed; returns the answer's JSON."""
    parts = replace(farm.parts, is_host_connected=lambda _: True)
    transport = httpx.ASGITransport(build_app(parts), raise_app_exceptions=False)

    async def call(method: str, path: str, body: Any = None) -> Any:
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost:8080", headers=api.headers
        ) as client:
            answer = await client.request(method, path, json=body)
        assert answer.is_success, (method, path, answer.text)
        return answer.json() if answer.content else None

    return call


async def test_entries_have_the_values_before_and_after(
    farm: Farm, api: httpx.AsyncClient, do: Do, echo_job: dict[str, Any]
) -> None:
    names = {
        **await change_jobs(farm, do, echo_job),
        **await change_workers(farm, do),
    }
    await change_the_rest(do)

    found: dict[str, tuple[Any, Any]] = {}
    for entry in (await api.get(f"{API}/audit?limit=200")).json()["entries"]:
        # Of those that were called twice, the last.
        found.setdefault(entry["action"], (entry.get("before"), entry.get("after")))

    wrong = {
        action: (wanted, found[action])
        for action, wanted in EXPECTED.items()
        if not all(fits(*pair, names) for pair in zip(wanted, found[action], strict=True))
    }
    assert wrong == {}


def fits(wanted: Any, value: Any, names: dict[str, str]) -> bool:
    """Return whether a value is the wanted one, or has its parts."""
    if isinstance(wanted, dict) and isinstance(value, dict):
        return all(name in value and fits(wanted[name], value[name], names) for name in wanted)
    if isinstance(wanted, list) and isinstance(value, list):
        return len(wanted) == len(value) and all(
            fits(*pair, names) for pair in zip(wanted, value, strict=True)
        )
    if wanted in ("TIME", "DIGEST"):
        return isinstance(value, str) and len(value) > 20
    return bool(value == names.get(wanted, wanted) if isinstance(wanted, str) else value == wanted)


async def change_jobs(farm: Farm, do: Do, echo_job: dict[str, Any]) -> dict[str, str]:
    tag = (await do("POST", f"{FLAMENCO}/worker-mgt/tags", {"name": "soleá"}))["id"]
    worker = "11111111-2222-4333-8444-777777777777"
    job = (await do("POST", f"{FLAMENCO}/jobs", echo_job))["id"]
    (task, *_) = (await do("GET", f"{FLAMENCO}/jobs/{job}/tasks"))["tasks"]
    await do("POST", f"{FLAMENCO}/jobs/{job}/setpriority", {"priority": 77})
    await do(
        "POST", f"{FLAMENCO}/jobs/{job}/setstatus", {"status": "pause-requested", "reason": "why"}
    )
    canceled = {"status": "canceled", "reason": "why"}
    await do("POST", f"{FLAMENCO}/tasks/{task['id']}/setstatus", canceled)
    await do("POST", f"{API}/jobs/{job}/actions", {"action": "cancel"})
    await do("POST", f"{API}/tasks/{task['id']}/actions", {"action": "cancel"})
    blocked = [{"worker_id": worker, "task_type": "blender"}]
    await do("DELETE", f"{FLAMENCO}/jobs/{job}/blocklist", blocked)
    await do("POST", f"{FLAMENCO}/jobs/{job}/settag", {"id": tag})
    await do("PUT", f"{API}/jobs/{job}/project", {"project": "Pilot"})
    comment = (await do("POST", f"{API}/jobs/{job}/comments", {"text": "olé"}))["id"]
    await do("PUT", f"{API}/comments/{comment}", {"text": "arsa"})
    await do("DELETE", f"{API}/comments/{comment}")
    overrides = {"overrides": ["bpy.context.scene.cycles.samples = 8"]}
    await do("PUT", f"{API}/jobs/{job}/rna-overrides", overrides)
    await do("DELETE", f"{FLAMENCO}/jobs/{job}")
    other = (await do("POST", f"{FLAMENCO}/jobs", echo_job))["id"]
    await farm.set_job(other, status="completed")
    await do("POST", f"{API}/jobs/{other}/archive")
    return {"WORKER": worker, "TAG OF JOB": tag}


async def change_workers(farm: Farm, do: Do) -> dict[str, str]:
    tag = (await do("POST", f"{FLAMENCO}/worker-mgt/tags", {"name": "gpu"}))["id"]
    facts = {"name": "carmen", "secret": "s" * 64, "platform": "linux"}
    register = {**facts, "supported_task_types": ["misc"]}
    worker = (await do("POST", f"{FLAMENCO}/worker/register-worker", register))["uuid"]
    managed, ours = f"{FLAMENCO}/worker-mgt/workers/{worker}", f"{API}/workers/{worker}"
    await do("POST", f"{managed}/setstatus", {"status": "asleep", "is_lazy": True})
    await do("POST", f"{managed}/settags", {"tag_ids": [tag]})
    for day in ("mo", "tu"):
        schedule = {"is_active": False, "days_of_week": day, "start_time": "", "end_time": ""}
        await do("POST", f"{managed}/sleep-schedule", schedule)
    await do("POST", f"{ours}/comments", {"text": "its fan is loud"})
    await do("POST", f"{ours}/pause")
    await do("POST", f"{ours}/resume")
    since = "2026-01-01T00:00:00+00:00"
    aside = {"cause": "memory", "reason": "full", "task_types": [], "since": since}
    await farm.set_worker(worker, set_aside=[aside], is_waiting=True)
    await do("POST", f"{ours}/forgive")
    await do("POST", f"{ours}/admit")
    await farm.set_worker(worker, can_upgrade=True, software="Tablao 0.0.1")
    await do("POST", f"{ours}/upgrade")
    await do("POST", f"{ours}/rotate")
    await do("POST", f"{ours}/revoke")
    await do("DELETE", managed)
    await do("PUT", f"{FLAMENCO}/worker-mgt/tag/{tag}", {"name": "big gpu"})
    await do("DELETE", f"{FLAMENCO}/worker-mgt/tag/{tag}")
    return {"TAG": tag}


async def change_the_rest(do: Do) -> None:
    await do("PATCH", f"{API}/configuration", {"manager_name": "Corral"})
    place = f"{API}/provisions/platform/linux"
    for environment in ({"LICENSE": "s3cret"}, {"LICENSE": "s3cret", "MORE": "s4cret"}):
        await do("PUT", place, {"environment": environment})
    await do("DELETE", place)
    view = {"page": "jobs", "name": "mine", "query": "a=1", "is_shared": False, "owner": "me"}
    made = (await do("POST", f"{API}/views", view))["id"]
    await do("PUT", f"{API}/views/{made}", {**view, "query": "a=2"})
    await do("DELETE", f"{API}/views/{made}?owner=me")
    script = f"{API}/job-types/mine/source"
    first = {"source": SOURCE % "one", "language": "javascript"}
    digest = (await do("PUT", script, first))["digest"]
    await do("PUT", script, {**first, "source": SOURCE % "three", "replaces": digest})
    await do("DELETE", script)
    asked = {"name": "lola", "role": "viewer", "password": PASSWORD}
    account = (await do("POST", f"{API}/accounts", asked))["id"]
    place = f"{API}/accounts/{account}"
    await do("PATCH", place, {"role": "artist"})
    made_token = await do("POST", f"{place}/tokens", {"name": "t", "scopes": ["read"]})
    await do("DELETE", f"{place}/tokens/{made_token['token']['id']}")
    await do("DELETE", place)
    webhook = {"name": "chat", "kinds": ["job-failed"], "address": "https://chat.example/s3cret"}
    place = f"{API}/webhooks/" + (await do("POST", f"{API}/webhooks", webhook))["id"]
    await do("PUT", place, {"name": "the chat", "kinds": ["job-failed"]})
    await do("POST", f"{place}/secret")
    await do("DELETE", place)
    joined = await do("POST", f"{API}/join-tokens", {"name": "rack", "uses": 2, "hours": 1})
    await do("DELETE", f"{API}/join-tokens/{joined['join_token']['id']}")


def test_values_are_bounded_and_masked() -> None:
    long = shown("x" * 10_000)
    other = shown("x" * 9_999 + "y")

    assert len(long) < LONGEST_VALUE
    assert long != other
    assert shown({"environment": {"LICENSE": "s3cret"}, "slots": 2}) == {
        "environment": {"LICENSE": "***"},
        "slots": 2,
    }


async def test_a_refused_change_says_no_values_that_were_not_stored(
    farm: Farm, api: httpx.AsyncClient
) -> None:
    await api.post("/api/v3/worker-mgt/tags", json={"name": "gpu"})
    second = await api.post("/api/v3/worker-mgt/tags", json={"name": "gpu"})

    entry = (await api.get(f"{API}/audit")).json()["entries"][0]

    assert second.status_code >= 400
    assert entry["outcome"].startswith("refused")
    assert (entry.get("before"), entry.get("after")) == (None, None)
