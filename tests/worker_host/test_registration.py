"""A host joins its farm once, remembers who it is, and never becomes another by mistake."""

import os
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from worker_host.registration import CannotJoin, Credentials, CredentialsFile, Registration
from worker_host.serving import _known_or_found
from worker_host.settings import HostSettings
from workflows.domain.statuses import WorkerStatus

UNKNOWN = (403, {"code": 403, "message": "authorization failed: unknown worker or wrong secret"})
AWAKE = (200, {"status_requested": "awake"})
Answer = tuple[int, Any] | Exception


class Manager:
    """Answers the operations of joining as a test says; the last answer is given for ever."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {"sign-on": [AWAKE]}
        self.registered: list[Any] = []
        self.requests: list[tuple[str, httpx.Request]] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        operation = request.url.path.rpartition("/")[2]
        self.requests.append((operation, request))
        answers = self.answers.get(operation, [])
        answer = answers.pop(0) if len(answers) > 1 else next(iter(answers), None)
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            self.registered.append(request.read())
            answer = (200, {"uuid": f"worker-{len(self.registered)}"})
        return httpx.Response(answer[0], json=answer[1])

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _ in self.requests]


@pytest.fixture
def manager() -> Manager:
    return Manager()


@pytest.fixture
def settings(tmp_path: Path) -> HostSettings:
    return HostSettings(
        manager="http://farm:8080", data_dir=tmp_path, retry_from_s=0.001, retry_to_s=0.002
    )


@pytest.fixture
async def registration(
    manager: Manager, settings: HostSettings
) -> AsyncIterator[Callable[..., Registration]]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(manager.answer)) as http:
        yield lambda **changes: Registration(settings.model_copy(update=changes), http)


Join = Callable[..., Registration]


async def test_a_new_host_registers_and_signs_on(
    registration: Join, manager: Manager, settings: HostSettings
) -> None:
    credentials, status = await registration().join()

    assert manager.operations == ["register-worker", "sign-on"]
    assert credentials.worker_id == "worker-1"
    assert status is WorkerStatus.AWAKE
    sign_on = manager.requests[1][1]
    assert sign_on.headers["Authorization"] == credentials.headers["Authorization"]
    assert "Authorization" not in manager.requests[0][1].headers


async def test_a_host_that_starts_again_is_the_same_worker(
    registration: Join, manager: Manager
) -> None:
    first, _ = await registration().join()

    second, _ = await registration().join()

    assert second == first
    assert manager.operations == ["register-worker", "sign-on", "sign-on"]


async def test_credentials_are_readable_by_their_owner_only(
    registration: Join, settings: HostSettings
) -> None:
    umask = os.umask(0)
    try:
        await registration().join()
    finally:
        os.umask(umask)

    assert stat.S_IMODE(settings.credentials_file.stat().st_mode) == 0o600


async def test_credentials_are_kept_per_manager(tmp_path: Path) -> None:
    file = CredentialsFile(tmp_path / "credentials.yaml")

    file.write("http://one", Credentials("a", "1"))
    file.write("http://two", Credentials("b", "2"))

    assert file.read("http://one") == Credentials("a", "1")
    assert file.read("http://two") == Credentials("b", "2")
    assert file.read("http://three") is None


def test_a_secret_does_not_show() -> None:
    assert "hush" not in repr(Credentials("worker", "hush"))


@pytest.mark.parametrize(
    "trouble",
    [(503, {"code": 503, "message": "busy"}), (500, {}), (429, {}), httpx.ConnectError("refused")],
)
async def test_a_manager_in_trouble_is_asked_again_and_nobody_registers_anew(
    trouble: Answer, registration: Join, manager: Manager, settings: HostSettings
) -> None:
    CredentialsFile(settings.credentials_file).write(settings.manager, Credentials("old", "s"))
    manager.answers["sign-on"] = [trouble, trouble, trouble, AWAKE]

    credentials, _ = await registration().join()

    assert credentials == Credentials("old", "s")
    assert manager.operations == ["sign-on"] * 4


async def test_a_manager_that_does_not_know_the_worker_gets_a_new_registration(
    registration: Join, manager: Manager, settings: HostSettings
) -> None:
    CredentialsFile(settings.credentials_file).write(settings.manager, Credentials("old", "s"))
    manager.answers["sign-on"] = [UNKNOWN, AWAKE]

    credentials, _ = await registration().join()

    assert credentials.worker_id == "worker-1"
    assert CredentialsFile(settings.credentials_file).read(settings.manager) == credentials


@pytest.mark.parametrize(
    "refusal", [(403, {"message": "the proxy says no"}), (403, "no"), (400, {})]
)
async def test_another_refusal_ends_the_host_and_keeps_who_it_is(
    refusal: Answer, registration: Join, manager: Manager, settings: HostSettings
) -> None:
    CredentialsFile(settings.credentials_file).write(settings.manager, Credentials("old", "s"))
    manager.answers["sign-on"] = [refusal]

    with pytest.raises(CannotJoin, match="refuses the sign-on"):
        await registration().join()

    assert CredentialsFile(settings.credentials_file).read(settings.manager) == Credentials(
        "old", "s"
    )


@pytest.mark.parametrize("content", ["[1]", "'http://farm:8080': {}", "'http://farm:8080': x", "{"])
async def test_a_broken_credentials_file_is_left_alone(
    content: str, registration: Join, settings: HostSettings, manager: Manager
) -> None:
    settings.credentials_file.write_text(content)

    with pytest.raises(CannotJoin, match=r"credentials\.yaml"):
        await registration().join()

    assert settings.credentials_file.read_text() == content
    assert manager.operations == []


async def test_what_is_said_at_the_sign_on(
    registration: Join, manager: Manager, settings: HostSettings
) -> None:
    await registration().join()

    assert yaml.safe_load(manager.requests[1][1].read()) == {
        "name": settings.name,
        "supported_task_types": ["blender", "ffmpeg", "file-management", "misc"],
        "software_version": "Tablao",
        "can_restart": False,
    }


async def test_a_join_token_may_be_in_a_file(
    registration: Join, manager: Manager, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.touch(0o600)
    file.write_text("a-token\n")

    await registration(join_token_file=file).join()

    assert manager.requests[0][1].headers["Authorization"] == "Bearer a-token"


async def test_once_joined_the_file_of_the_token_may_go(
    registration: Join, manager: Manager, tmp_path: Path
) -> None:
    await registration().join()

    await registration(join_token_file=tmp_path / "gone").join()

    assert manager.operations == ["register-worker", "sign-on", "sign-on"]


@pytest.mark.parametrize("mode", [0o644, None])
async def test_a_join_token_that_is_missing_or_open_is_not_left_out(
    registration: Join, manager: Manager, tmp_path: Path, mode: int | None
) -> None:
    file = tmp_path / "token"
    if mode is not None:
        file.write_text("a-token\n")
        file.chmod(mode)

    with pytest.raises(CannotJoin, match=str(file)):
        await registration(join_token_file=file).join()

    assert manager.operations == []


@pytest.mark.parametrize(
    ("pin", "refusal"), [("", "join token"), (f"sha256:{'0' * 64}", "No manager was found")]
)
async def test_a_join_token_is_shown_to_no_manager_that_was_only_found(
    settings: HostSettings, pin: str, refusal: str
) -> None:
    searching = settings.model_copy(
        update={"manager": "", "join_token": "x", "manager_pin": pin, "search_s": 0.01}
    )

    with pytest.raises(CannotJoin, match=refusal):
        await _known_or_found(searching, CredentialsFile(settings.credentials_file))
