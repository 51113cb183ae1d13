"""The messages of the control channel between a host and its manager, and their frames.

The channel is a WebSocket at `PATH`; the host opens it with its worker credentials. Pieces of
logs are most of the traffic and are binary frames; every other message is a JSON text frame
`{"type": …}`. Unknown fields and unknown types are ignored, so that builds of different age
understand each other (docs/protocol.md, docs/worker-host.md).
"""

import json
import re
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar, get_args, get_origin, get_type_hints

from workflows.domain import doctor
from workflows.domain.messages import LONGEST_WORD
from workflows.domain.provisioning import MOST_SLOTS

#: The channel's path in the manager's HTTP interface.
PATH = "/api/tablao/v1/host"
#: Where the manager has the wheel that its hosts install.
WHEELS = "/api/tablao/v1/package/"
#: The longest piece of a log that one frame carries, in bytes.
LOG_PIECE = 64 * 1024
#: The most runs that a hello names: far more than a host keeps in a week.
MOST_RUNS = 2_000
#: The greatest session that a hello names: the last but one that the database's column holds.
MOST_SESSIONS = 2**31 - 2
#: The greatest session that the manager takes from a host although it does not know it. It counts
#: on from there, so it must stay far below the greatest: a refused hello is refused for ever.
MOST_CLAIMED_SESSIONS = 2**30

#: The channel's own WebSocket close codes.
CLOSE_MALFORMED = 4400
CLOSE_SUPERSEDED = 4409
#: The worker was deleted: its host does not connect again.
CLOSE_DISMISSED = 4410

#: The most bytes of a wheel that a host fetches: many times what one has.
MOST_WHEEL = 100_000_000
#: The longest reason of a report about an upgrade, in characters.
LONGEST_REASON = 1_000

_LOG_HEADER = struct.Struct(">HQ")  # the key's length in bytes, the offset
_NOTHING: Mapping[str, Any] = MappingProxyType({})
# They become names of files and parts of addresses: each is one segment of a path at most.
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+]{0,63}")
_WHEEL_PATH = re.compile(re.escape(WHEELS) + r"[0-9A-Za-z][0-9A-Za-z._+-]{0,120}\.whl")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Malformed(ValueError):
    """A frame that no build of this project can have sent."""


class UpgradeState(StrEnum):
    """How far a host's upgrade is. A completed one shows as the version of the next hello."""

    FETCHING = "fetching"
    INSTALLING = "installing"
    FAILED = "failed"
    """The host goes on with the version that it had."""


# --- host to manager ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hello:
    """The host's first frame. Without a session, the process has just begun and needs a new one."""

    TYPE: ClassVar[str] = "hello"
    slots: int
    software: str
    session: int | None = None
    """The session that this process has already; None if it has just begun."""
    status: str = ""
    """The host's `WorkerStatus`; empty when its process has just begun."""
    runs: tuple[str, ...] = ()
    """`str(RunKey)` of each run that lives on the host, or whose outcome the host keeps; of more
    than `MOST_RUNS` the first."""
    provisioned: bool = True
    """Whether the host uses the farm's settings for it."""
    has_deck: bool = False
    """Whether the host can hold its next task while one runs."""
    can_upgrade: bool = False
    """Whether the host can carry out an `Upgrade`."""
    asides: Mapping[str, Any] = field(default_factory=dict)
    """As in `SetAside`."""

    def check(self) -> None:
        """Refuse numbers that no host says: the keeper makes something of each slot.

        Raises:
            Malformed: the slots or the session are out of range, or there are too many runs.
        """
        if not 1 <= self.slots <= MOST_SLOTS:
            raise Malformed(f"hello.slots must be between 1 and {MOST_SLOTS}")
        if self.session is not None and not 0 <= self.session <= MOST_SESSIONS:
            raise Malformed(f"hello.session must be between 0 and {MOST_SESSIONS}")
        if len(self.runs) > MOST_RUNS:
            raise Malformed(f"hello.runs has more than {MOST_RUNS} runs")
        if len(self.software) > LONGEST_WORD or len(self.status) > LONGEST_WORD:
            raise Malformed(f"hello: software and status may have {LONGEST_WORD} characters")


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life, with the statistics that `worker_host.statistics` collects."""

    TYPE: ClassVar[str] = "beat"
    statistics: Mapping[str, Any] = field(default_factory=dict)
    clock: float = 0.0
    """The host's clock, in seconds since 1970; 0: it does not say."""


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The host's present status, a `WorkerStatus`."""

    TYPE: ClassVar[str] = "status"
    status: str


@dataclass(frozen=True, slots=True)
class SetAside:
    """All causes for which the host is set aside; empty: for none any more."""

    TYPE: ClassVar[str] = "set_aside"
    asides: Mapping[str, Any] = field(default_factory=dict)
    """By cause, as `workflows.domain.asides.told` returns them."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, as far as known.

    Keys: `command`, `steps_completed`; for Blender also `frame`, `frames_done`, `frames_total`,
    `sample`, `samples`; `memory_peak` in bytes; `silent_since`, a time, of a run that
    is silent, null if it was.
    """

    TYPE: ClassVar[str] = "progress"
    key: str
    progress: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UpgradeReport:
    """How far the host's upgrade is, or why it failed."""

    TYPE: ClassVar[str] = "upgrade_report"
    version: str
    """The version to which the host is upgraded."""
    state: str
    """An `UpgradeState`."""
    reason: str = ""
    """Why it failed, in a sentence."""

    def check(self) -> None:
        """
        Raises:
            Malformed: a field is none that a host sends.
        """
        _check_version(self.version, self.TYPE)
        if self.state not in set(UpgradeState):
            raise Malformed("upgrade_report.state is none of its words")
        if len(self.reason) > LONGEST_REASON:
            raise Malformed(f"upgrade_report.reason may have {LONGEST_REASON} characters")


@dataclass(frozen=True, slots=True)
class Examined:
    """What the doctor of the host's machine has found."""

    TYPE: ClassVar[str] = "examined"
    report: Mapping[str, Any] = field(default_factory=dict)
    """As `workflows.domain.doctor.told` returns it."""

    def check(self) -> None:
        """
        Raises:
            Malformed: it is no report of a doctor.
        """
        try:
            doctor.read(self.report)
        except ValueError as problem:
            raise Malformed(f"examined.report: {problem}") from problem
        version = self.report.get("version")
        if not isinstance(version, str) or len(version) > LONGEST_WORD:
            raise Malformed(f"examined.report: its version may have {LONGEST_WORD} characters")


@dataclass(frozen=True, slots=True)
class LogPiece:
    """A piece of a run's log, in a binary frame; `offset` is the position of its first byte."""

    TYPE: ClassVar[str] = "log"
    key: str
    offset: int
    data: bytes


# --- manager to host ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Welcome:
    """The answer to `Hello`."""

    TYPE: ClassVar[str] = "welcome"
    session: int
    worker_id: str
    status: str
    """The status that the host shall take: awake, asleep, …"""
    is_lazy: bool = False
    """Whether running tasks may end before the host takes the status."""
    beat_s: float = 5.0
    lost_after_s: float = 15.0
    temporal: str = ""
    """Temporal's address; empty means through the manager's tunnel."""
    namespace: str = "default"
    stop: tuple[str, ...] = ()
    """Those of the runs in `Hello` that the host may not continue."""
    settled: tuple[str, ...] = ()
    """Those of the runs in `Hello` whose end is recorded, so the host may drop their outcomes."""
    provision: Mapping[str, Any] = field(default_factory=dict)
    """The farm's settings for this host, as in `Provisioned`."""
    programs: Mapping[str, Any] = field(default_factory=dict)
    """Names or paths of the programs for a task type, by task type; the host needs one of each."""


@dataclass(frozen=True, slots=True)
class Provisioned:
    """The farm's settings for this host have changed; the message holds all of them.

    The manager applies them to the next task that it hands out. The host only checks whether they
    fit its machine.
    """

    TYPE: ClassVar[str] = "provisioned"
    provision: Mapping[str, Any] = field(default_factory=dict)
    """The result of `workflows.domain.provisioning.Provision.settings`."""


@dataclass(frozen=True, slots=True)
class LogAck:
    """The log is stored up to `offset`, exclusive."""

    TYPE: ClassVar[str] = "log_ack"
    key: str
    offset: int


@dataclass(frozen=True, slots=True)
class StopRun:
    """An order to stop the run, or never to begin it."""

    TYPE: ClassVar[str] = "stop"
    key: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """The end of this run is recorded, so the host may drop its outcome."""

    TYPE: ClassVar[str] = "settled"
    key: str


@dataclass(frozen=True, slots=True)
class StatusOrder:
    """An order to take a status: awake, asleep, offline or restart."""

    TYPE: ClassVar[str] = "order"
    status: str
    is_lazy: bool = False
    """Whether running tasks may end first."""


@dataclass(frozen=True, slots=True)
class Forgive:
    """A person says that the host's machine is mended: it takes tasks again."""

    TYPE: ClassVar[str] = "forgive"


@dataclass(frozen=True, slots=True)
class Examine:
    """A person asks what the doctor of the host's machine finds; `Examined` is the answer."""

    TYPE: ClassVar[str] = "examine"


@dataclass(frozen=True, slots=True)
class NewSecret:
    """The host stores this secret of its worker, and uses it in place of the one that it has."""

    TYPE: ClassVar[str] = "new_secret"
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Upgrade:
    """An order to install the manager's version, and to go on with it. Runs live on meanwhile."""

    TYPE: ClassVar[str] = "upgrade"
    version: str
    path: str
    """The wheel's path at the manager, from the root of its address."""
    size: int
    """The wheel's size in bytes."""
    sha256: str
    """The wheel's digest, in hexadecimal."""

    def check(self) -> None:
        """Refuse what could be more than a version, a wheel of the manager, and its digest.

        Raises:
            Malformed: a field is none that a manager sends.
        """
        _check_version(self.version, self.TYPE)
        if not _WHEEL_PATH.fullmatch(self.path):
            raise Malformed("upgrade.path is no wheel of a manager")
        if not 1 <= self.size <= MOST_WHEEL:
            raise Malformed(f"upgrade.size must be between 1 and {MOST_WHEEL}")
        if not _SHA256.fullmatch(self.sha256):
            raise Malformed("upgrade.sha256 is no digest")


def _check_version(version: str, where: str) -> None:
    if not _VERSION.fullmatch(version):
        raise Malformed(f"{where}.version is no version")


#: Messages that a host may get at any time after its welcome, and that it acts upon.
Told = StopRun | Settled | StatusOrder | Provisioned | Forgive | Examine | NewSecret | Upgrade
Message = (
    Hello | Beat | StatusReport | SetAside | Progress | UpgradeReport | Examined | LogPiece
    | Welcome | Provisioned | LogAck | StopRun | Settled | StatusOrder | Forgive | Examine
    | NewSecret | Upgrade
)  # fmt: skip

_TYPES: Mapping[str, type[Any]] = {
    kind.TYPE: kind for kind in get_args(Message) if kind is not LogPiece
}


def encode(message: Message) -> str | bytes:
    """Return the message's frame: binary for a piece of a log, else text."""
    if isinstance(message, LogPiece):
        key = message.key.encode()
        return _LOG_HEADER.pack(len(key), message.offset) + key + message.data
    return json.dumps({"type": message.TYPE, **asdict(message)}, separators=(",", ":"))


def decode(frame: str | bytes) -> Message | None:
    """Return the frame's message; None for a type that this build does not know.

    Raises:
        Malformed: it is not a frame of this channel.
    """
    if isinstance(frame, bytes):
        return _decode_log(frame)
    try:
        content = json.loads(frame)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("type"), str):
        raise Malformed("a frame is an object with a type")
    kind = _TYPES.get(content["type"])
    return None if kind is None else _build(kind, content)


def _decode_log(frame: bytes) -> LogPiece:
    if len(frame) < _LOG_HEADER.size:
        raise Malformed("a piece of a log without its header")
    length, offset = _LOG_HEADER.unpack_from(frame)
    start = _LOG_HEADER.size + length
    if len(frame) < start or len(frame) - start > LOG_PIECE:
        raise Malformed("a piece of a log of a wrong length")
    try:
        key = frame[_LOG_HEADER.size : start].decode()
    except UnicodeDecodeError as error:
        raise Malformed("a piece of a log with a key that is no text") from error
    return LogPiece(key, offset, frame[start:])


def _build(kind: type[Any], content: Mapping[str, Any]) -> Any:
    values = {}
    for name, expected in _FIELDS[kind].items():
        if name in content:
            values[name] = _checked(content[name], expected, f"{kind.TYPE}.{name}")
    try:
        message = kind(**values)
    except TypeError as error:
        raise Malformed(f"{kind.TYPE}: {error}") from error
    if isinstance(message, Hello | Upgrade | UpgradeReport | Examined):
        message.check()
    return message


def _checked(value: Any, expected: Any, where: str) -> Any:
    if get_origin(expected) is tuple:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise Malformed(f"{where} is a list of words")
        return tuple(value)
    if get_origin(expected) is Mapping:
        expected = dict
    # In Python, True is an int; in JSON it is not a number.
    is_flag_for_number = isinstance(value, bool) and expected is not bool
    if is_flag_for_number or not isinstance(value, int | float if expected is float else expected):
        raise Malformed(f"{where} is of a wrong type")
    return float(value) if expected is float else value


_FIELDS: Mapping[type[Any], Mapping[str, Any]] = {
    kind: {f.name: get_type_hints(kind)[f.name] for f in fields(kind)} for kind in _TYPES.values()
}
