"""A host's requests to the manager over HTTP while it works: commands, images, the sign-off."""

import logging
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from activities.connections.failures import why_it_failed
from activities.connections.retrying import Pauses
from activities.connections.trust import context_of
from worker_host.own_secret import OwnAuth, OwnSecret
from worker_host.run_spec import Command, RunRefused, RunSpec
from worker_host.settings import HostSettings
from workflows.domain.messages import RunKey, RunRef, is_uuid
from workflows.domain.run_times import RunTimes
from workflows.domain.storage_marker import SharedStorage
from workflows.domain.written_frames import ExistingFrames, WrittenFrame

logger = logging.getLogger(__name__)

#: HTTP statuses after which the same request may be repeated.
_ASK_AGAIN = frozenset({408, 429})


class ManagerClient:
    """The manager's HTTP client. It keeps connections open, since every task needs a request."""

    def __init__(
        self,
        settings: HostSettings,
        own: OwnSecret,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._settings = settings
        self._http = http_client(auth=OwnAuth(own), context=context)

    async def fetch(self, ref: RunRef) -> RunSpec:
        """Return a run's commands; ask until the manager answers.

        Raises:
            RunRefused: the manager does not hand them out, or the answer is for another run.
        """
        url = self._url("/api/tablao/v1/runs", ref.job_id, ref.index, ref.run, ref.attempt)
        pauses = Pauses(self._settings.retry_from_s, self._settings.retry_to_s)
        is_first = True
        while True:
            try:
                answer = await self._http.get(url, params={"lease": ref.lease_id})
                if answer.is_success:
                    return _spec(answer, ref.key)
                problem = _message(answer)
                if answer.status_code < 500 and answer.status_code not in _ASK_AGAIN:
                    raise RunRefused(problem)
            except httpx.TransportError as error:
                problem = why_it_failed(error)
            logger.info("commands cannot be fetched yet: %s", problem, extra=_fields(ref))
            # A connection that was kept open too long fails at its first use, so the first retry
            # comes without a pause.
            if not is_first:
                await pauses.pause()
            is_first = False

    async def send_image(self, task_id: str, jpeg: bytes) -> None:
        """Send a task's preview.

        Raises:
            httpx.HTTPError: the manager did not take it.
        """
        url = self._url("/api/v3/worker/task", task_id, "output-produced")
        answer = await self._http.post(url, content=jpeg, headers={"Content-Type": "image/jpeg"})
        answer.raise_for_status()

    async def fetch_wheel(self, path: str, size: int) -> bytes:
        """Return the wheel at a path of the manager; of a longer one the beginning.

        Args:
            size: the size that it should have, in bytes.

        Raises:
            httpx.HTTPError: the manager does not give it.
        """
        content = bytearray()
        async with self._http.stream("GET", f"{self._settings.manager}{path}") as answer:
            answer.raise_for_status()
            async for piece in answer.aiter_bytes():
                content += piece
                if len(content) > size:
                    break
        return bytes(content)

    async def sign_off(self) -> None:
        """Sign off from the manager, if it answers soon."""
        url = f"{self._settings.manager}/api/v3/worker/sign-off"
        try:
            answer = await self._http.post(url, timeout=self._settings.sign_off_s)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            logger.warning("cannot sign off from the manager: %s", why_it_failed(error))

    async def close(self) -> None:
        await self._http.aclose()

    def _url(self, route: str, *parts: str | int) -> str:
        """Return an address in which no part can be more than one segment of the path."""
        return "/".join([self._settings.manager + route, *(quote(str(p), safe="") for p in parts)])


def http_client(
    auth: httpx.Auth | None = None, context: ssl.SSLContext | None = None
) -> httpx.AsyncClient:
    """Return an HTTP client.

    Args:
        context: for TLS; None: the system's authorities are trusted.
    """
    # Longer than the servers' own limit, so that the servers close idle connections.
    limits = httpx.Limits(max_keepalive_connections=10, keepalive_expiry=60)
    return httpx.AsyncClient(
        auth=auth,
        limits=limits,
        timeout=httpx.Timeout(15, connect=5),
        verify=context or context_of(None),
    )


def _spec(answer: httpx.Response, key: RunKey) -> RunSpec:
    try:
        content = answer.json()
        # Another text than the manager's answer for this run must never become a program.
        if content["run_key"] == str(key) and is_uuid(content["task_id"]):
            return _read(content)
    except (ValueError, KeyError, TypeError) as problem:
        raise RunRefused("the answer to the request for commands has none") from problem
    raise RunRefused("the answer to the request for commands is for another run")


def _read(content: Mapping[str, Any]) -> RunSpec:
    commands = tuple(
        Command(each["name"], each["parameters"], each.get("total_step_count", 0))
        for each in content["commands"]
    )
    return RunSpec(
        commands,
        content.get("job_name", ""),
        content.get("task_name", ""),
        environment=content.get("environment", {}),
        task_id=content["task_id"],
        existing_frames=_existing(content.get("existing_frames")),
        fault_rules=tuple(content.get("fault_rules", ())),
        fail_on_warnings=bool(content.get("fail_on_warnings")),
        storage=_storage(content.get("storage")),
        times=RunTimes.read(content.get("times", {})),
    )


def _existing(content: Mapping[str, Any] | None) -> ExistingFrames:
    if content is None:
        return ExistingFrames()  # from a manager of an older build
    written = [
        WrittenFrame.checked([each["file"], each["size"], each["modified_ns"]])
        for each in content["written"]
    ]
    return ExistingFrames(bool(content["are_all_kept"]), tuple(written))


def _storage(content: Mapping[str, Any] | None) -> SharedStorage:
    return SharedStorage(str(content["path"]), str(content["id"])) if content else SharedStorage()


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"the manager answered HTTP {answer.status_code}"


def _fields(ref: RunRef) -> dict[str, Any]:
    return {"job": ref.job_id, "task": ref.index}
