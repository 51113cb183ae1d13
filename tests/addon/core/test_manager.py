"""The artist reads one sentence about every answer of a manager, and if there is no answer."""

import io
import logging
import socket
import threading
from collections.abc import Iterator

import pytest

from addon.core.addresses import BadAddress, normalized
from addon.core.manager import Manager, ManagerError
from addon.core.progress import Canceled
from tests.addon.core.stand_in_manager import Reply, StandInManager, silent_port, told
from tests.farm.processes import free_port

TOKEN = "tablao_3f9c0d"


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("farm:8080", "http://farm:8080"),
        (" http://farm:8080/ ", "http://farm:8080"),
        ("HTTPS://Farm.Example/", "https://farm.example"),
        ("farm:8080/app/jobs/1234?x=1#top", "http://farm:8080"),
        ("https://studio.example/farm/", "https://studio.example/farm"),
        ("[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_address_may_be_typed_as_people_do(typed: str, address: str) -> None:
    assert normalized(typed) == address


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "  ",
        "ftp://farm",
        "http://",
        "farm:port",
        "farm:99999",
        "farm:0",
        "a farm",
        "http://[::1",
    ],
)
def test_what_is_no_address_is_refused_with_a_sentence(typed: str) -> None:
    with pytest.raises(ManagerError, match=r"address") as refusal:
        Manager(typed)

    assert refusal.value.status is None


def test_a_password_in_an_address_is_refused_without_repeating_it() -> None:
    with pytest.raises(BadAddress) as refusal:
        normalized("http://ana:secret@farm:8080")

    assert "secret" not in str(refusal.value)


def test_an_answer_is_decoded(stand_in: StandInManager) -> None:
    stand_in.replies["/api/v3/jobs"] = told({"jobs": []})

    assert Manager(stand_in.url).get("/api/v3/jobs") == {"jobs": []}


def test_an_empty_answer_is_none(stand_in: StandInManager) -> None:
    stand_in.replies["/api/v3/jobs/1/setstatus"] = Reply(204)

    assert Manager(stand_in.url).post("/api/v3/jobs/1/setstatus", {"status": "queued"}) is None


def test_a_manager_in_a_folder_of_a_site_is_asked_there(stand_in: StandInManager) -> None:
    stand_in.replies["/farm/api/v3/version"] = told({})

    assert Manager(f"{stand_in.url}/farm/").get("/api/v3/version") == {}


def test_the_token_is_sent_and_shown_nowhere(
    stand_in: StandInManager, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stand_in.replies["/api/v3/jobs"] = Reply(403)
    manager = Manager(stand_in.url, TOKEN)

    with pytest.raises(ManagerError) as refusal:
        manager.get("/api/v3/jobs")

    assert stand_in.requests[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in f"{manager!r} {refusal.value!r} {refusal.value.__cause__!r} {caplog.text}"
    assert "API token" in str(refusal.value)


def test_a_token_that_was_copied_with_something_else_is_refused() -> None:
    with pytest.raises(ManagerError, match="copy it again") as refusal:
        Manager("http://farm", "3f9c\n0d")

    assert "3f9c" not in str(refusal.value)


@pytest.mark.parametrize("address", ["http://farm:8080", "farm", "http://10.0.0.7"])
def test_a_token_is_not_sent_where_others_could_read_it(address: str) -> None:
    with pytest.raises(ManagerError, match="not https") as refusal:
        Manager(address, TOKEN)

    assert TOKEN not in str(refusal.value)


@pytest.mark.parametrize(
    "address", ["https://farm", "http://127.0.0.1:8080", "localhost:8080", "http://[::1]:8080"]
)
def test_a_token_is_sent_over_https_or_to_this_machine(address: str) -> None:
    assert Manager(address, TOKEN).address.endswith(address.removeprefix("http://"))


def test_a_token_does_not_follow_a_redirection(stand_in: StandInManager) -> None:
    with StandInManager() as elsewhere:
        stand_in.replies["/api/v3/version"] = Reply(302, headers={"Location": elsewhere.url})

        with pytest.raises(ManagerError, match=elsewhere.url):
            Manager(stand_in.url, TOKEN).get("/api/v3/version")

        assert elsewhere.requests == []


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (told({"code": 412, "message": "etag mismatch"}, 412), "etag mismatch"),
        (told({"message": "missing field"}, 400), "missing field"),
        (told("task unknown", 404), "task unknown"),
        (Reply(404, b"<html>"), "has nothing there: is it a Flamenco or Tablao manager?"),
        (Reply(502, b"Bad Gateway"), "answered with status 502"),
        (told({"message": 3}, 500), "answered with status 500"),
    ],
)
def test_a_refusal_is_in_the_managers_words_if_it_has_any(
    stand_in: StandInManager, reply: Reply, sentence: str
) -> None:
    stand_in.replies["/api/v3/jobs"] = reply

    with pytest.raises(ManagerError) as refusal:
        Manager(stand_in.url).get("/api/v3/jobs")

    assert sentence in str(refusal.value)
    assert refusal.value.status == reply.status


@pytest.mark.parametrize(
    "body", [b"<html>hello</html>", b"\xff\xfe", b"{", pytest.param(b"[" * 100_000, id="deep")]
)
def test_what_is_no_json_comes_from_no_manager(stand_in: StandInManager, body: bytes) -> None:
    stand_in.replies["/api/v3/version"] = Reply(200, body)

    with pytest.raises(ManagerError, match="is no Flamenco or Tablao manager"):
        Manager(stand_in.url).get("/api/v3/version")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (rb"a\u0000b", "ab"),
        (rb"a\ud800b", "a?b"),
        (b"a\xed\xa0\x80b", "a\ufffd\ufffd\ufffdb"),
        (rb"\ud83d\ude00", "\U0001f600"),
        ("Ñ 한".encode(), "Ñ 한"),
    ],
)
def test_what_no_interface_can_show_is_left_out_of_texts(
    stand_in: StandInManager, said: bytes, name: str
) -> None:
    stand_in.replies["/api/v3/version"] = Reply(200, b'{"' + said + b'": ["' + said + b'"]}')

    assert Manager(stand_in.url).get("/api/v3/version") == {name: [name]}


def test_a_port_where_nothing_listens_is_named() -> None:
    port = free_port()

    with pytest.raises(ManagerError) as failure:
        Manager(f"127.0.0.1:{port}").get("/api/v3/version")

    assert str(failure.value) == (
        f"No manager answers at http://127.0.0.1:{port}: nothing listens there"
    )
    assert failure.value.status is None


def test_a_machine_that_does_not_exist_is_named() -> None:
    with pytest.raises(ManagerError, match="there is no machine of this name"):
        Manager("http://no-such-machine.invalid:8080").get("/api/v3/version")


def test_a_silent_manager_is_given_up() -> None:
    with silent_port() as listener:
        manager = Manager(f"127.0.0.1:{listener.getsockname()[1]}", timeout_s=0.3)

        with pytest.raises(ManagerError, match=r"silence for 0\.3 s"):
            manager.get("/api/v3/version")


def test_http_where_https_was_typed_is_named(stand_in: StandInManager) -> None:
    address = stand_in.url.replace("http:", "https:")

    with pytest.raises(ManagerError, match="does not speak https there"):
        Manager(address, timeout_s=5).get("/api/v3/version")


def test_a_proxy_is_not_asked_for_a_manager_on_this_machine(
    stand_in: StandInManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    stand_in.replies["/api/v3/version"] = told({})

    assert Manager(stand_in.url).get("/api/v3/version") == {}


def test_a_proxy_is_asked_for_a_manager_elsewhere(
    stand_in: StandInManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", stand_in.url.replace("//", "//ana:secret@"))
    monkeypatch.delenv("no_proxy", raising=False)
    stand_in.replies["http://farm.example:8080/api/v3/version"] = told({})

    assert Manager("farm.example:8080").get("/api/v3/version") == {}
    assert stand_in.requests[0].headers["Proxy-Authorization"] == "Basic YW5hOnNlY3JldA=="


def test_a_file_is_sent_from_where_it_was_read_to(stand_in: StandInManager) -> None:
    stand_in.replies["/upload"] = Reply(200)
    file = io.BytesIO(b"skipped, sent")
    file.seek(len(b"skipped, "))

    Manager(stand_in.url).request("POST", "/upload", body=file)

    assert stand_in.requests[0].body == b"sent"


class CanceledFile(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        raise Canceled


def test_a_canceled_upload_ends_at_once(stand_in: StandInManager) -> None:
    with pytest.raises(Canceled):
        Manager(stand_in.url).request("POST", "/upload", body=CanceledFile(b"never"))


@pytest.fixture
def hasty_manager() -> Iterator[str]:
    """A server that answers before it has read the body, and closes the connection."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 208 Already Reported\r\nContent-Length: 0\r\n\r\n")
                connection.shutdown(socket.SHUT_RDWR)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def test_an_answer_before_the_end_of_an_upload_counts(hasty_manager: str) -> None:
    body = io.BytesIO(bytes(20_000_000))

    answer = Manager(hasty_manager).request("POST", "/upload", body=body, accept={200, 208})

    assert answer.status == 208


def test_a_cancel_does_not_wait_for_a_silent_manager() -> None:
    asked = iter([False, True])

    with silent_port() as listener:
        manager = Manager(f"127.0.0.1:{listener.getsockname()[1]}")
        patient = manager.cancelable(lambda: next(asked)).with_timeout(3600)
        with pytest.raises(Canceled):
            patient.get("/api/v3/version")


def test_what_can_be_canceled_fails_as_all_else_does(stand_in: StandInManager) -> None:
    manager = Manager(stand_in.url).cancelable(lambda: False).with_timeout(5)
    stand_in.replies["/api/v3/version"] = told({"name": "Farm"})

    assert manager.get("/api/v3/version") == {"name": "Farm"}
    with pytest.raises(ManagerError, match="Not Found"):
        manager.get("/api/v3/elsewhere")
