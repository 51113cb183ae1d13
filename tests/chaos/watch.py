"""What is seen of a farm from outside while it is struck: its events, and which renderers live."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, time
from typing import Any, Self

import psutil
from websockets.exceptions import InvalidHandshake, WebSocketException
from websockets.sync.client import connect

from tests.chaos.farm import MANAGERS, ChaosFarm

_LOOK_EVERY_S = 0.1
#: The topic on which a client is told that it has missed events.
MISSED = "/missed"


@dataclass(frozen=True, slots=True)
class Heard:
    """An event as a client got it."""

    id: int
    topic: str
    payload: dict[str, Any]
    at: float
    """Seconds since the epoch."""


class _Watch:
    """A thread that works until the `with` statement ends."""

    def __init__(self) -> None:
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True, name=type(self).__name__)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join(30)

    def _work(self) -> None:
        raise NotImplementedError


class EventFollower(_Watch):
    """A client that resumes after each break, with one manager and then the other."""

    def __init__(self, farm: ChaosFarm) -> None:
        super().__init__()
        self.heard: list[Heard] = []
        """Stored events as they came, and what the farm said of missed ones, on `MISSED`."""
        self._last: int | None = None
        names = MANAGERS[: farm.plan.shape.managers]
        self._addresses = [(farm.client(name).base_url, farm, name) for name in names]

    @property
    def last(self) -> int:
        """The id of the last event that came; 0 before the first."""
        return self._last or 0

    def _work(self) -> None:
        turn = 0
        while not self._ends.is_set():
            url, farm, name = self._addresses[turn % len(self._addresses)]
            turn += 1
            try:
                self._follow(str(url), farm.admin_of(name).token)
            except (OSError, WebSocketException, InvalidHandshake, TimeoutError):
                self._ends.wait(0.3)

    def _follow(self, url: str, token: str) -> None:
        address = f"{url.replace('http', 'ws', 1).rstrip('/')}/api/tablao/v1/events"
        address += "" if self._last is None else f"?since={self._last}"
        headers = {"Authorization": f"Bearer {token}"}
        with connect(
            address, additional_headers=headers, open_timeout=5, close_timeout=1, proxy=None
        ) as events:
            since_s = monotonic()
            while not self._ends.is_set():
                try:
                    self._hear(json.loads(events.recv(timeout=0.5)))
                    since_s = monotonic()
                except TimeoutError:
                    # A manager that is stopped says nothing; another may.
                    if monotonic() - since_s > 5:
                        return

    def _hear(self, message: dict[str, Any]) -> None:
        if message["id"] is not None:
            self._last = int(message["id"])
            self.heard.append(Heard(self._last, message["topic"], message["payload"], time()))


@dataclass(slots=True)
class Render:
    """A process that renders, by its ledger: a run's frames one after another."""

    run: str
    """The run's key as `job.index.run.attempt`."""
    pid: int
    host: str
    lines: int
    started: float
    """When, in seconds since the epoch; as are all times."""
    alive_at: float
    """The last moment at which it was seen to live."""
    frames: list[int] = field(default_factory=list)
    """In the order in which they were begun; frame 0 is the work of a task that renders none."""
    saved: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)

    @property
    def job(self) -> str:
        return self.run.split(".")[0]

    @property
    def task(self) -> str:
        """Job and index in it."""
        return ".".join(self.run.split(".")[:2])

    @property
    def attempt(self) -> int:
        return int(self.run.split(".")[3])


def renders_of(ledger: Path, alive: dict[int, float]) -> list[Render]:
    """Every process of the ledger, in the order of their starts.

    Args:
        alive: when each was last seen.
    """
    found: dict[tuple[str, int], Render] = {}
    for entry in _entries(ledger):
        key = (entry["run"], entry["pid"])
        if key not in found:
            seen = max(entry["at"], alive.get(entry["pid"], 0.0))
            found[key] = Render(*key, entry["host"], entry["lines"], entry["at"], seen)
        render = found[key]
        render.alive_at = max(render.alive_at, entry["at"])
        notes = {"start": render.frames, "saved": render.saved, "end": render.ended}
        notes[entry["what"]].append(entry["frame"])
    return list(found.values())


def _entries(ledger: Path) -> Iterator[dict[str, Any]]:
    yield from map(json.loads, ledger.read_text().splitlines())


class ProcessWatch(_Watch):
    """Looks at the renderers that have begun, and notes which of them live."""

    def __init__(self, farm: ChaosFarm) -> None:
        super().__init__()
        self.alive: dict[int, float] = {}
        """By pid, the last time at which the process was there."""
        self._ledger = farm.ledger
        self._gone: set[int] = set()

    def living(self) -> list[Render]:
        """The renderers that live now, in the order of their starts."""
        return [each for each in renders_of(self._ledger, self.alive) if lives(each.pid)]

    def _work(self) -> None:
        while not self._ends.wait(_LOOK_EVERY_S):
            for pid in {entry["pid"] for entry in _entries(self._ledger)} - self._gone:
                if lives(pid):
                    self.alive[pid] = time()
                else:
                    self._gone.add(pid)


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
