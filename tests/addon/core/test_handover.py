"""A token comes from the manager's page to the add-on that waits for it, and to no other."""

import json
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from addon.core.handover import Handover
from addon.core.manager import Manager, ManagerError
from addon.core.progress import Canceled
from addon.core.token_file import TokenFile

TOKEN = "tablao_user_3f9c0d"
MANAGER = "https://farm.example/tablao"


class Waiting:
    """A handover that waits in a thread."""

    def __init__(self) -> None:
        self.canceled = threading.Event()
        self._handover = Handover(Manager(MANAGER))
        self.page = self._handover.page
        asked = parse_qs(urlsplit(self.page).query)
        self.address = f"http://127.0.0.1:{asked['port'][0]}/"
        self.state = asked["state"][0]
        self.found: list[str] = []
        self.thread = threading.Thread(target=self._wait)
        self.thread.start()

    def answer(self, **query: str) -> httpx.Response:
        return httpx.get(self.address, params=query, timeout=60)

    def _wait(self) -> None:
        try:
            self.found.append(self._handover.wait(self.canceled.is_set))
        except Canceled:
            self.found.append("canceled")


@pytest.fixture
def waiting() -> Iterator[Waiting]:
    waiting = Waiting()
    yield waiting
    waiting.canceled.set()
    waiting.thread.join()


def test_the_page_hands_the_token_over_and_the_address_with_it_is_left(waiting: Waiting) -> None:
    assert waiting.page.startswith(f"{MANAGER}/app/give-access?host=")

    answer = waiting.answer(state=waiting.state, token=TOKEN)

    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"{MANAGER}/app/give-access?given=1",
    )
    assert TOKEN not in answer.text
    waiting.thread.join(60)
    assert waiting.found == [TOKEN]


@pytest.mark.parametrize("state", ["", "a-word-of-another-page", "é"])
def test_a_token_of_another_page_is_refused(waiting: Waiting, state: str) -> None:
    assert waiting.answer(state=state, token="tablao_user_of_a_stranger").status_code == 400

    waiting.answer(state=waiting.state, token=TOKEN)
    waiting.thread.join(60)

    assert waiting.found == [TOKEN]


def test_waiting_ends_when_it_is_canceled(waiting: Waiting) -> None:
    waiting.canceled.set()
    waiting.thread.join(60)

    assert waiting.found == ["canceled"]


def test_waiting_ends_with_a_sentence_when_no_access_is_given() -> None:
    with pytest.raises(ManagerError, match="press Log In again"):
        Handover(Manager(MANAGER)).wait(patience_s=0)


def test_nothing_is_printed_about_the_request(
    waiting: Waiting, capfd: pytest.CaptureFixture[str]
) -> None:
    waiting.answer(state=waiting.state, token=TOKEN)
    waiting.thread.join(60)

    assert TOKEN not in "".join(capfd.readouterr())


def test_a_token_is_kept_for_its_own_manager_only(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tablao" / "tokens.json")

    file.keep("https://farm", TOKEN)
    file.keep("https://other", "of-the-other")
    file.keep("https://other", "")

    assert TokenFile(tmp_path / "tablao" / "tokens.json").token_of("https://farm") == TOKEN
    assert file.token_of("https://other") == file.token_of("") == ""


def test_only_its_own_user_can_read_the_file(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"

    TokenFile(path).keep("https://farm", TOKEN)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["tokens.json"]


@pytest.mark.parametrize("content", ["", "[]", "{", json.dumps({"https://farm": 1})])
def test_a_broken_file_holds_no_token_for_others(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(content)

    assert TokenFile(path).token_of("https://other") == ""
    TokenFile(path).keep("https://other", TOKEN)
    assert TokenFile(path).token_of("https://other") == TOKEN
