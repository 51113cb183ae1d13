"""Workers paused, tagged, sent to sleep by their schedule, taken off a blocklist, and deleted.

One farm that grows: the tests run in the order of this file.
"""

import base64
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from activities.connections.tunnel_client import KEY_HEADER, TUNNEL_PATH
from tests.farm.command_line import tablao
from tests.farm.custom_jobs import ScriptFarm, holding, script
from tests.farm.histories import until_recalled
from tests.farm.processes import wait_until

#: Writes down which host ran it.
RAN = 'echo "start $HOST_NAME:{key} $$ 0" >> "$LEDGER"'


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptFarm]:
    with ScriptFarm(tmp_path_factory.mktemp("managed") / "farm") as farm:
        farm.start_host("host1")
        farm.until_awake(1)
        yield farm


def ran_on(farm: ScriptFarm, key: str) -> list[str]:
    return [text.split(":")[0] for text, _ in farm.started() if text.endswith(f":{key}")]


def did(farm: ScriptFarm, *arguments: str) -> str:
    said = tablao(farm, *arguments)
    assert said.exit_code == 0, said.err
    return said.out


def test_a_paused_worker_finishes_its_task_takes_no_more_and_stays_awake(farm: ScriptFarm) -> None:
    job_id = farm.insert(script(holding("pause1")), script(RAN.format(key="pause2")))
    farm.until_started("pause1")

    did(farm, "worker", "pause", "host1")
    until_recalled(farm, job_id, 1)
    farm.release("pause1")
    farm.until_task_is(job_id, 1, "completed")
    wait_until(lambda: _open_leases(farm) == 0)

    assert farm.worker("host1")["status"] == "awake"
    assert "awake, paused" in did(farm, "worker", "show", "host1")
    assert ran_on(farm, "pause2") == []
    did(farm, "worker", "resume", "host1")
    farm.until_job_is(job_id, "completed")
    assert ran_on(farm, "pause2") == ["host1"]


def test_a_worker_taken_off_the_blocklist_goes_on_with_the_job(farm: ScriptFarm) -> None:
    farm.start_host("host2")
    farm.until_awake(2)
    did(farm, "worker", "pause", "host2")  # were nobody left, the job would fail
    failing = script(f'{RAN.format(key="blocked")}; [ -e "$OUT/repaired" ]')
    job_id = farm.insert(*[failing] * 8, *[script("true", task_type="nobodys")] * 80)
    wait_until(lambda: "host1" in did(farm, "job", "blocklist", job_id), 90)
    (farm.out / "repaired").touch()

    left = did(farm, "job", "blocklist", job_id, "--remove", "host1:misc")

    assert "host1" not in left
    wait_until(lambda: _completed(farm, job_id) == 5, 90)  # all but what it has failed
    did(farm, "worker", "resume", "host2")
    wait_until(lambda: _completed(farm, job_id) == 8, 90)
    assert sorted(ran_on(farm, "blocked")) == ["host1"] * 8 + ["host2"] * 3
    assert farm.act(job_id, "cancel") == (204, "")
    farm.until_job_is(job_id, "canceled")


def test_a_job_goes_on_with_the_workers_of_its_new_tag(farm: ScriptFarm) -> None:
    did(farm, "tags", "create", "chosen")
    did(farm, "worker", "tags", "host2", "chosen")
    did(farm, "worker", "pause", "host2")
    job_id = farm.insert(script(holding("tag1")), script(RAN.format(key="tag2")))
    farm.until_started("tag1")  # on the other one

    did(farm, "job", "tag", job_id, "chosen")
    until_recalled(farm, job_id, 1)
    did(farm, "worker", "resume", "host2")
    farm.release("tag1")

    farm.until_job_is(job_id, "completed")
    assert ran_on(farm, "tag2") == ["host2"]
    assert farm.starts_of("tag1") == 1
    did(farm, "tags", "delete", "chosen")


def test_a_schedule_sends_a_host_to_sleep_and_wakes_it(farm: ScriptFarm) -> None:
    did(farm, "worker", "schedule", "host2", "--on")
    farm.until_worker_is("host2", "asleep")

    # The hour of waking comes: to wait for it, a test has no time.
    with sqlite3.connect(farm.database_file, timeout=30) as connection:
        connection.execute(
            "UPDATE sleep_schedules SET start_time = '12:00', end_time = '12:00', "
            "next_check = '2000-01-01 00:00:00'"
        )

    farm.until_worker_is("host2", "awake")
    did(farm, "worker", "schedule", "host2", "--off")


def test_a_worker_deleted_while_it_renders_ends_and_its_task_goes_on_elsewhere(
    farm: ScriptFarm,
) -> None:
    farm.until_awake(2)
    did(farm, "worker", "pause", "host1")
    job_id = farm.insert(script(holding("deleted")))
    farm.until_started("deleted")
    worker_id = farm.worker("host2")["id"]
    did(farm, "worker", "resume", "host1")

    did(farm, "worker", "delete", "host2")

    farm.hosts["host2"].wait(60)
    assert farm.hosts["host2"].returncode == 0
    log = (farm.directory / "host2.log").read_text()
    assert "The farm has deleted this worker" in log
    assert "Traceback" not in log
    farm.until_started("deleted", 2)
    farm.release("deleted")
    farm.until_job_is(job_id, "completed")
    [task] = farm.tasks(job_id)
    assert task["worker"]["name"] == "host1"
    assert farm.task(task["id"])["failed_by_workers"] == []
    names = [w["name"] for w in farm.http.get("/api/v3/worker-mgt/workers").json()["workers"]]
    assert names == ["host1"]
    assert farm.http.get(f"/api/v3/worker-mgt/workers/{worker_id}").status_code == 404


def test_a_host_that_was_away_when_its_worker_was_deleted_ends_when_it_is_back(
    farm: ScriptFarm,
) -> None:
    farm.start_host("host3")
    wait_until(lambda: "host3" in [w["name"] for w in farm.awake()], 90)
    log = Path(farm.directory / "host3.log")
    farm.kill_manager()
    with sqlite3.connect(farm.database_file, timeout=30) as connection:
        connection.execute(
            "UPDATE workers SET deleted_at = '2026-01-01 00:00:00' WHERE name = 'host3'"
        )

    farm.start_manager()

    farm.hosts["host3"].wait(90)
    assert farm.hosts["host3"].returncode == 0
    assert "The farm has deleted this worker" in log.read_text()


def test_a_deleted_workers_way_to_temporal_ends(farm: ScriptFarm) -> None:
    secret = "a-secret-of-its-own"
    machine = {"name": "sara", "secret": secret, "platform": "linux", "supported_task_types": []}
    registered = farm.http.post("/api/v3/worker/register-worker", json=machine).raise_for_status()
    worker_id = registered.json()["uuid"]
    shown = base64.b64encode(f"{worker_id}:{secret}".encode()).decode()
    headers = {"Authorization": f"Basic {shown}", KEY_HEADER: "k" * 40}
    url = f"{farm.url.replace('http', 'ws', 1)}{TUNNEL_PATH}"

    with connect(url, additional_headers=headers) as tunnel:
        tunnel.recv(60)  # the settings of HTTP/2: the tunnel is open
        did(farm, "worker", "delete", "sara")
        with pytest.raises(ConnectionClosed) as closed:
            tunnel.recv(60)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403
    with pytest.raises(InvalidStatus) as refused:
        connect(url, additional_headers=headers)
    assert refused.value.response.status_code == 403


def _open_leases(farm: ScriptFarm) -> int:
    with sqlite3.connect(farm.database_file) as connection:
        query = "SELECT count(*) FROM leases WHERE state <> 'returned'"
        return int(connection.execute(query).fetchone()[0])


def _completed(farm: ScriptFarm, job_id: str) -> int:
    return [task["status"] for task in farm.tasks(job_id)].count("completed")
