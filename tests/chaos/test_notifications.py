"""Notifications arrive once each in effect, although managers are killed and receivers are away."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chaos.two_managers import TwoManagers
from tests.farm.processes import SCALED, FarmProcesses, wait_until
from tests.manager.databases import create_database
from tests.manager.notifications.receivers import MailServer, WebhookReceiver
from tests.manager.postgres import postgres_server

API = "/api/tablao/v1"
KINDS = ["job-done", "job-failed"]
#: Short, but long enough that a manager can be killed before it tells.
TIMES = {
    "TABLAO_NOTIFICATIONS__GATHER": "2s",
    "TABLAO_NOTIFICATIONS__FIRST_PAUSE": "500ms",
    "TABLAO_NOTIFICATIONS__CLAIM": "5s",
}
MOST_S = 120


def settings_with(mail: MailServer) -> dict[str, str]:
    return {
        **SCALED,
        **TIMES,
        # A manager that is started again may take many seconds on a busy machine; its hosts stay.
        "TABLAO_LOST_AFTER_S": "25",
        "TABLAO_SMTP__HOST": "127.0.0.1",
        "TABLAO_SMTP__PORT": str(mail.port),
        "TABLAO_SMTP__SECURITY": "none",
        "TABLAO_SMTP__USER": "farm",
        "TABLAO_SMTP__PASSWORD": "s3cret-pw",
        "TABLAO_SMTP__SENDER": "farm@studio.example",
    }


@pytest.fixture(scope="module")
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture(scope="module")
def hook() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def farm(
    mail: MailServer, hook: WebhookReceiver, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FarmProcesses]:
    directory = tmp_path_factory.mktemp("farm")
    with FarmProcesses(directory, settings=settings_with(mail)) as farm:
        want_all(farm, hook)
        farm.start_hosts(1)
        yield farm


@pytest.fixture(autouse=True)
def quiet(mail: MailServer, hook: WebhookReceiver) -> Iterator[None]:
    mail.forget()
    hook.received.clear()
    yield
    mail.on_mail = hook.on_request = lambda: None


def want_all(farm: FarmProcesses, hook: WebhookReceiver) -> None:
    """One webhook, and one person with e-mail, for all jobs that end."""
    asked: dict[str, Any] = {"name": "chat", "address": hook.url, "kinds": KINDS}
    farm.http.post(f"{API}/webhooks", json=asked).raise_for_status()
    account = {"name": "ana", "role": "artist", "password": "soleá por bulerías"}
    farm.http.post(f"{API}/accounts", json=account).raise_for_status()
    rules = {"email": "ana@studio.example", "rules": [{"kinds": KINDS, "scope": "all"}]}
    with httpx.Client(base_url=farm.url, headers={"sec-fetch-site": "same-origin"}) as page:
        login = {name: account[name] for name in ("name", "password")}
        page.post(f"{API}/login", json=login).raise_for_status()
        page.put(f"{API}/me/notifications", json=rules).raise_for_status()


def a_job(farm: FarmProcesses, name: str = "a job that is told") -> str:
    naps = {"message": "olé", "sleep_duration_seconds": 0, "sleep_repeats": 1}
    return farm.submit("echo-sleep-test", naps, name=name)


def jobs_told(hook: WebhookReceiver) -> list[str]:
    """The jobs of the messages, each message counted once."""
    by_id = {each.id: each for each in hook.received}
    return [item["job_id"] for each in by_id.values() for item in each.body["data"]["items"]]


def repeats_without_a_kill(
    arrivals: Sequence[tuple[str, float]], kills: Sequence[float]
) -> list[str]:
    """The messages that came again although no manager was killed since they came before.

    A manager has several messages on the way at once, so that a kill may repeat more than one.
    """
    last: dict[str, float] = {}
    wrong = []
    for id_, at in arrivals:
        if id_ in last and not any(last[id_] < kill < at for kill in kills):
            wrong.append(id_)
        last[id_] = at
    return wrong


def nothing_waits(farm: FarmProcesses) -> bool:
    webhook = farm.http.get(f"{API}/webhooks").json()["webhooks"][0]["id"]
    found = farm.http.get(f"{API}/webhooks/{webhook}/deliveries").json()["deliveries"]
    return all(each["state"] == "sent" for each in found)


def test_a_manager_that_is_killed_before_it_tells_tells_later(
    farm: FarmProcesses, hook: WebhookReceiver, mail: MailServer
) -> None:
    job = a_job(farm)
    farm.until_job_is(job, "completed")

    farm.kill_manager()
    told_before = list(hook.received)
    farm.start_manager()
    wait_until(lambda: hook.received and mail.mails, MOST_S)
    wait_until(lambda: nothing_waits(farm), MOST_S)

    assert told_before == []
    assert jobs_told(hook) == [job]
    assert list(hook.by_id().values()) == [1]
    assert list(mail.by_id().values()) == [1]


def test_a_manager_that_is_killed_after_it_has_sent_repeats_with_the_same_id(
    farm: FarmProcesses, hook: WebhookReceiver, mail: MailServer
) -> None:
    def kill_once() -> None:
        hook.on_request = lambda: None
        farm.kill_manager()

    hook.on_request = kill_once
    job = a_job(farm)
    wait_until(lambda: farm.manager and farm.manager.poll() is not None, MOST_S)
    farm.start_manager()
    wait_until(lambda: len(hook.received) == 2 and mail.mails, MOST_S)
    wait_until(lambda: nothing_waits(farm), MOST_S)

    assert jobs_told(hook) == [job]
    assert list(hook.by_id().values()) == [2]
    assert len(mail.by_id()) == 1


def test_an_email_is_repeated_with_the_same_message_id(
    farm: FarmProcesses, hook: WebhookReceiver, mail: MailServer
) -> None:
    def kill_once() -> None:
        mail.on_mail = lambda: None
        farm.kill_manager()

    mail.on_mail = kill_once
    a_job(farm)
    wait_until(lambda: farm.manager and farm.manager.poll() is not None, MOST_S)
    farm.start_manager()
    wait_until(lambda: len(mail.mails) == 2, MOST_S)
    wait_until(lambda: nothing_waits(farm), MOST_S)

    assert list(mail.by_id().values()) == [2]
    assert len(hook.by_id()) == 1


def test_a_receiver_that_is_away_over_a_restart_gets_each_message_once(
    farm: FarmProcesses, hook: WebhookReceiver
) -> None:
    hook.status = 503
    job = a_job(farm)
    wait_until(lambda: hook.received, MOST_S)
    farm.kill_manager()
    farm.start_manager()
    before = len(hook.received)
    wait_until(lambda: len(hook.received) > before, MOST_S)

    hook.status = 204
    wait_until(lambda: nothing_waits(farm), MOST_S)

    assert jobs_told(hook) == [job]
    assert len(hook.by_id()) == 1


def test_the_log_of_the_manager_has_no_secret(farm: FarmProcesses, hook: WebhookReceiver) -> None:
    farm.also_set(TABLAO_LOG_LEVEL="debug")
    farm.kill_manager()
    farm.start_manager()
    hook.status = 500
    a_job(farm)
    wait_until(lambda: hook.received, MOST_S)
    log = farm.directory / "manager.log"
    wait_until(lambda: "a notification was not taken" in log.read_text(), MOST_S)
    hook.status = 204
    wait_until(lambda: nothing_waits(farm), MOST_S)

    for secret in ("s3cret-path", "s3cret-pw", "whsec_"):
        assert secret not in log.read_text()


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    with postgres_server() as url:
        yield url


def test_two_managers_of_which_each_is_killed_tell_each_job_once(
    server_url: str, mail: MailServer, hook: WebhookReceiver, tmp_path: Path
) -> None:
    killed: list[str] = []
    kills: list[float] = []
    url = create_database(server_url, "two_managers_that_tell")
    with TwoManagers(tmp_path, url, frame_s=1.0, settings=settings_with(mail)) as farm:
        want_all(farm, hook)
        farm.start_hosts(2)
        hook.received.clear()

        def kill_both_while_they_send() -> None:
            """Whichever manager has sent this: its request stays without an answer."""
            hook.on_request = lambda: None
            killed.append(hook.received[-1].id)
            farm.kill_manager()
            farm.kill_second()

        hook.on_request = kill_both_while_they_send
        jobs = [a_job(farm, f"job {number}") for number in range(4)]
        wait_until(lambda: killed and farm.second and farm.second.poll() is not None, MOST_S)
        kills.append(time.monotonic())
        farm.start_manager()
        farm.start_second()
        jobs += [a_job(farm, f"job {number}") for number in range(4, 8)]
        farm.kill_second()
        kills.append(time.monotonic())
        for job in jobs:
            farm.until_job_is(job, "completed", timeout_s=MOST_S)
        farm.start_second()
        wait_until(lambda: set(jobs_told(hook)) == set(jobs), MOST_S)
        wait_until(lambda: nothing_waits(farm), MOST_S)

    assert sorted(jobs_told(hook)) == sorted(jobs)
    assert hook.by_id()[killed[0]] > 1
    for arrivals in (hook.arrivals(), mail.arrivals()):
        assert repeats_without_a_kill(arrivals, kills) == []
