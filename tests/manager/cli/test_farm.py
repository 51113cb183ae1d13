"""`tablao up` and its like: what is refused, and that a farm's parts are kept running."""

import io
import os
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import psutil
import pytest

from activities.services.exit_codes import FINAL_CODE_VARIABLE, NEEDS_A_PERSON
from manager_api.cli.client import Manager
from manager_api.cli.console import CommandError
from manager_api.cli.farm import farm_of, local_url
from manager_api.cli.log_rotation import MAX_BYTES
from manager_api.cli.supervise import Child, Farm, free_port, host_command, is_free
from manager_api.settings.model import read_settings
from tests.farm.small_disk import small_disk
from tests.manager.certificates import authority_in, pin_of
from tests.manager.cli.fake_manager import Run


def wait_until(condition: Callable[[], bool], within_s: float = 30.0) -> None:
    give_up_at = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < give_up_at, "it did not happen in time"
        time.sleep(0.02)


@pytest.mark.parametrize("verb", ["up", "manager"])
@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "::", "farm.example"])
def test_an_address_off_loopback_is_refused(run: Run, tmp_path: Path, verb: str, host: str) -> None:
    outcome = run(verb, "--data-dir", str(tmp_path / "farm"), "--host", host)

    # A service must not start the manager again and again.
    assert outcome.exit_code == {"up": 1, "manager": NEEDS_A_PERSON}[verb]
    assert "without TLS" in outcome.err
    assert "--insecure" in outcome.err
    assert not (tmp_path / "farm").exists()


def test_insecure_says_what_it_means(run: Run) -> None:
    for verb in ("up", "manager"):
        words = " ".join(run(verb, "--help").out.split()).replace(" │ │ ", " ")
        assert "can read passwords, tokens and" in words


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_port_in_use_is_a_sentence(run: Run, tmp_path: Path, host: str) -> None:
    with socket.socket() as taken:
        taken.bind((host, 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        options = ("--data-dir", str(tmp_path), "--host", host, "--port", port)
        outcome = run("up", *options, *(["--insecure"] if host == "0.0.0.0" else []))

    assert outcome.exit_code == 1
    assert f"Port {port} of {host} is in use." in outcome.err
    assert ("can read passwords" in outcome.err) == (host == "0.0.0.0")


def test_no_warning_of_plain_http_where_it_is_not_served(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = authority_in(tmp_path / "tls", "127.0.0.1")
    monkeypatch.setenv("TABLAO_TLS__CERT", str(files.certificate))
    monkeypatch.setenv("TABLAO_TLS__KEY", str(files.key))
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        outcome = run("up", "--data-dir", str(tmp_path), "--host", "0.0.0.0", "--port", port)

    assert "is in use" in outcome.err
    assert "plain HTTP" not in outcome.err


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("localhost", "http://127.0.0.1:80"),
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("farm", "http://farm:80"),
    ],
)
def test_a_manager_is_reached_from_its_own_machine(host: str, url: str) -> None:
    assert local_url(host, 80) == url


def test_a_free_port_is_free() -> None:
    assert is_free("127.0.0.1", free_port("127.0.0.1"))


def test_a_host_is_started_for_its_manager() -> None:
    command = host_command("http://farm:8080", Path("/data"), "north")

    assert command[1:] == [
        *("-m", "worker_host.main"),
        *("--manager", "http://farm:8080"),
        *("--data-dir", "/data"),
        *("--name", "north"),
    ]


def test_the_worker_verb_becomes_the_host() -> None:
    # It ends at once, with a sentence, because there is no such scheme.
    argv = [sys.executable, "-m", "manager_api.cli.main", "worker", "--manager", "ftp://farm"]

    ended = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode == NEEDS_A_PERSON
    assert "begins with http" in ended.stderr


def test_launchd_would_start_again_after_every_code_but_0(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FINAL_CODE_VARIABLE, "0")

    outcome = run("manager", "--data-dir", str(tmp_path / "farm"), "--host", "0.0.0.0")

    assert (outcome.exit_code, "without TLS" in outcome.err) == (0, True)


def a_child(
    tmp_path: Path, script: str, ends_with: int | None = None, log: Path | None = None
) -> Child:
    argv = [sys.executable, "-c", f"open({str(tmp_path / 'starts')!r}, 'a').write('.'); {script}"]
    return Child("It", argv, log or tmp_path / "logs" / "it.log", {}, ends_with)


def starts(tmp_path: Path) -> int:
    file = tmp_path / "starts"
    return len(file.read_text()) if file.exists() else 0


def test_a_child_that_was_killed_is_started_again(tmp_path: Path) -> None:
    child = a_child(tmp_path, "import time; time.sleep(60)")
    child.start()
    wait_until(lambda: starts(tmp_path) == 1)
    child.kill()

    def began_again() -> bool:
        child.restart_if_ended()
        return starts(tmp_path) == 2

    wait_until(began_again)
    child.ask_to_stop()
    child.wait_until_stopped(10)
    assert child.exit_code == -signal.SIGTERM


def test_a_child_that_ended_as_it_was_asked_to_stays_so(tmp_path: Path) -> None:
    child = a_child(tmp_path, "pass", ends_with=0)
    child.start()
    wait_until(lambda: child.exit_code == 0)

    child.restart_if_ended()

    assert starts(tmp_path) == 1


def test_a_child_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    child = a_child(
        tmp_path,
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); "
        "time.sleep(60)",
    )
    child.start()
    wait_until(lambda: child.last_words() == "up")

    child.ask_to_stop()
    child.wait_until_stopped(0.2)

    assert child.exit_code == -signal.SIGKILL


def test_a_manager_that_cannot_start_ends_the_start_with_its_last_words(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port('127.0.0.1')}"
    farm = Farm(tmp_path, url, manager_options=["--host", "10.0.0.1"], workers=1)

    with pytest.raises(CommandError, match="without TLS"), farm:
        pass

    assert not (tmp_path / "logs" / "worker-1.log").exists()


def start(verb: str, data_dir: Path, log: Path) -> "subprocess.Popen[bytes]":
    argv = [sys.executable, "-m", "manager_api.cli.main", verb, "--data-dir", str(data_dir)]
    argv += ["--port", str(free_port("127.0.0.1"))]
    with log.open("wb") as output:
        return subprocess.Popen(argv, stdout=output, stderr=output)


def test_a_farm_starts_answers_and_ends_with_all_its_parts(tmp_path: Path) -> None:
    port = free_port("127.0.0.1")
    argv = [sys.executable, "-m", "manager_api.cli.main", "up", "--data-dir", str(tmp_path)]
    log = tmp_path / "up.log"
    with log.open("wb") as output:
        up = subprocess.Popen([*argv, "--port", str(port)], stdout=output, stderr=output)
    try:
        wait_until(lambda: "Press Ctrl-C" in log.read_text() or up.poll() is not None, 120)
        said = log.read_text()
        parts = psutil.Process(up.pid).children(recursive=True)
        commands = [part.cmdline() for part in parts]
        refused = {verb: start(verb, tmp_path, tmp_path / verb) for verb in ("up", "manager")}
        refusals = {verb: second.wait(90) for verb, second in refused.items()}
        lived = all(part.is_running() for part in parts)
    finally:
        # As `timeout` and service managers do: to the process, and to its group.
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGTERM):
            up.send_signal(number)
        exit_code = up.wait(90)

    assert exit_code == 0, log.read_text()
    assert refusals == {"up": 1, "manager": 1}
    assert lived
    for verb, user in (("up", "`tablao up` or `tablao demo`"), ("manager", "manager")):
        sentence = f"Another {user} works with the data directory {tmp_path}."
        assert sentence in (tmp_path / verb).read_text()
    assert f"http://127.0.0.1:{port}/api/v3/swagger-ui/" in said
    names = " ".join(" ".join(argv) for argv in commands)
    assert all(part in names for part in ("cli.main manager", "worker_host.main", "temporal"))
    _, left = psutil.wait_procs(parts, timeout=10)
    assert left == []
    assert is_free("127.0.0.1", port)


@pytest.mark.parametrize("names", [("127.0.0.1", "localhost"), ("farm.studio",)])
def test_a_farm_over_tls_knows_itself_whatever_its_certificate_is_for(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    files = authority_in(tmp_path / "tls", *names)
    (tmp_path / "tablao-manager.yaml").write_text(
        f"tls: {{cert: {files.certificate}, key: {files.key}}}\n"
    )
    settings = read_settings(data_dir=tmp_path, port=0)
    trust = ssl.create_default_context(cafile=str(files.authority))
    trust.check_hostname = "127.0.0.1" in names

    def workers(url: str) -> list[str]:
        answer = httpx.get(f"{url}/api/v3/worker-mgt/workers", verify=trust)
        return [each["status"] for each in answer.json()["workers"]]

    with farm_of(settings, 1) as farm:
        wait_until(lambda: workers(farm.url) == ["awake"], 120)
        with Manager(farm.url, pin=farm.pin) as manager:
            status = manager.get("/api/v3/status")

    assert farm.url.startswith("https://127.0.0.1:")
    assert farm.pin == pin_of(files.authority if len(names) > 1 else files.certificate)
    assert status["status"]


def test_a_manager_that_is_stopped_while_its_temporal_starts_leaves_nothing(
    tmp_path: Path,
) -> None:
    log = tmp_path / "manager.log"
    manager = start("manager", tmp_path / "farm", log)
    wait_until(lambda: "Temporal started" in log.read_text(), 120)
    parts = psutil.Process(manager.pid).children(recursive=True)

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGTERM):
        manager.send_signal(number)

    manager.wait(90)
    _, left = psutil.wait_procs(parts, timeout=10)
    assert parts
    assert left == []


# --- a full disk ----------------------------------------------------------------------------------


def test_a_full_disk_does_not_end_the_supervision(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_disk(tmp_path / "disk", size_mb=16) as disk:
        child = a_child(tmp_path, "import time; time.sleep(60)", log=disk.folder / "it.log")
        child.start()
        child.log.write_bytes(b"x" * (MAX_BYTES + 1))
        (disk.folder / "it.log.1").write_text("older\n")
        disk.fill()

        for _ in range(3):
            child.rotate_log()

        assert capsys.readouterr().err.count("cannot be rotated now") == 1
        assert child.log.stat().st_size == MAX_BYTES + 1
        assert (disk.folder / "it.log.1").read_text() == "older\n"
        child.kill()


def test_a_child_that_cannot_be_started_now_is_started_later(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    child = a_child(tmp_path, "pass")
    child.start()
    wait_until(lambda: starts(tmp_path) == 1)
    shutil.rmtree(child.log.parent)
    child.log.parent.write_text("a file in the folder's place\n")

    def was_told() -> bool:
        child.restart_if_ended()
        return "It cannot be started now" in capsys.readouterr().err

    wait_until(was_told)
    child.log.parent.unlink()

    def began_again() -> bool:
        child.restart_if_ended()
        return starts(tmp_path) == 2

    wait_until(began_again)


def test_a_closed_terminal_does_not_end_the_supervision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    child = a_child(tmp_path, "pass")
    child.start()
    with os.fdopen(write_end, "wb", buffering=0) as closed:
        monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(closed, write_through=True))

        def began_again() -> bool:
            child.restart_if_ended()
            return starts(tmp_path) == 2

        wait_until(began_again)


def test_a_database_of_a_newer_version_is_a_sentence(tmp_path: Path, migrated_sqlite: Path) -> None:
    shutil.copy(migrated_sqlite, tmp_path / "tablao.sqlite")
    with closing(sqlite3.connect(tmp_path / "tablao.sqlite")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")

    command = [sys.executable, "-m", "manager_api.cli.main", "manager", "--port", "0"]
    done = subprocess.run(
        [*command, "--data-dir", str(tmp_path)], capture_output=True, text=True, timeout=120
    )

    assert done.returncode == NEEDS_A_PERSON
    assert "migrated by a newer version of Tablao" in done.stderr
    assert "Traceback" not in done.stderr
