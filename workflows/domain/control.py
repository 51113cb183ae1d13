"""The messages of the control channel between a host and its manager, and how they are framed.

The channel is a WebSocket at `PATH`, opened by the host with its worker credentials. Everything
is a JSON text frame `{"type": …}`, but pieces of logs, which are binary: they are most of what
is carried. Unknown fields and unknown types are ignored, so that builds of different age
understand each other (docs/protocol.md, docs/worker-host.md).
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from types import MappingProxyType
from typing import Any, ClassVar, get_args, get_origin, get_type_hints

#: Of the manager's HTTP interface.
PATH = "/api/tablao/v1/host"
#: The longest piece of a log that one frame carries, in bytes.
LOG_PIECE = 64 * 1024

#: WebSocket close codes of ours.
CLOSE_MALFORMED = 4400
CLOSE_SUPERSEDED = 4409
#: The worker was deleted: it need not come again.
CLOSE_DISMISSED = 4410

_LOG_HEADER = struct.Struct(">HQ")  # length of the key, offset
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Malformed(ValueError):
    """A frame that no build of ours can have sent."""


# --- host to manager ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hello:
    """The first frame. Without a session it asks for a new one: the process has just begun."""

    TYPE: ClassVar[str] = "hello"
    slots: int
    software: str
    session: int | None = None
    """The session that this same process already has."""
    status: str = ""
    """What the host is; empty when it has just begun."""
    runs: tuple[str, ...] = ()
    """`str(RunKey)` of what lives here, or whose outcome is kept."""
    provisioned: bool = True
    """It takes the settings that the farm has for it."""


@dataclass(frozen=True, slots=True)
class Beat:
    """I am here. Statistics as `worker_host.statistics` makes them."""

    TYPE: ClassVar[str] = "beat"
    statistics: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StatusReport:
    """What the host is now: a `WorkerStatus`."""

    TYPE: ClassVar[str] = "status"
    status: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: `command`, `steps_completed`; of Blender `frame`, `frames_done`,
    `frames_total`, `sample`, `samples`; `memory_peak` in bytes; each when known."""

    TYPE: ClassVar[str] = "progress"
    key: str
    progress: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LogPiece:
    """A piece of a run's log; `offset` is that of its first byte. A binary frame."""

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
    """What to be: awake, asleep, …"""
    is_lazy: bool = False
    """Running tasks may end before that."""
    beat_s: float = 5.0
    lost_after_s: float = 15.0
    temporal: str = ""
    """Temporal's address; empty: through the manager's tunnel."""
    namespace: str = "default"
    stop: tuple[str, ...] = ()
    """Named runs that the host has no authority for any more."""
    settled: tuple[str, ...] = ()
    """Named runs whose end is recorded: their outcome need not be kept."""
    provision: Mapping[str, Any] = field(default_factory=dict)
    """As in `Provisioned`."""


@dataclass(frozen=True, slots=True)
class Provisioned:
    """The farm's settings for this host have changed; these are all that is set now.

    The manager carries them out, with the next task that it hands out: this is for the host to
    look whether they fit its machine.
    """

    TYPE: ClassVar[str] = "provisioned"
    provision: Mapping[str, Any] = field(default_factory=dict)
    """`workflows.domain.provisioning.Provision.settings`."""


@dataclass(frozen=True, slots=True)
class LogAck:
    """The log is stored up to `offset`, exclusive."""

    TYPE: ClassVar[str] = "log_ack"
    key: str
    offset: int


@dataclass(frozen=True, slots=True)
class StopRun:
    """A clear order: stop it, or never begin it."""

    TYPE: ClassVar[str] = "stop"
    key: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """The end of this run is recorded: its outcome need not be kept."""

    TYPE: ClassVar[str] = "settled"
    key: str


@dataclass(frozen=True, slots=True)
class StatusOrder:
    """What to be from now on: awake, asleep, offline or restart."""

    TYPE: ClassVar[str] = "order"
    status: str
    is_lazy: bool = False
    """Running tasks may end first."""


#: What a host is told at any time after its welcome, and acts upon.
Told = StopRun | Settled | StatusOrder | Provisioned
Message = (
    Hello | Beat | StatusReport | Progress | LogPiece
    | Welcome | Provisioned | LogAck | StopRun | Settled | StatusOrder
)  # fmt: skip

_TYPES: Mapping[str, type[Any]] = {
    kind.TYPE: kind for kind in get_args(Message) if kind is not LogPiece
}


def encode(message: Message) -> str | bytes:
    """A frame: text, or binary for a piece of a log."""
    if isinstance(message, LogPiece):
        key = message.key.encode()
        return _LOG_HEADER.pack(len(key), message.offset) + key + message.data
    return json.dumps({"type": message.TYPE, **asdict(message)}, separators=(",", ":"))


def decode(frame: str | bytes) -> Message | None:
    """The inverse of `encode`; None for a type that this build does not know.

    Raises:
        Malformed: not a frame of this channel.
    """
    if isinstance(frame, bytes):
        return _decode_log(frame)
    try:
        content = json.loads(frame)
    except ValueError as error:
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
        return kind(**values)
    except TypeError as error:
        raise Malformed(f"{kind.TYPE}: {error}") from error


def _checked(value: Any, expected: Any, where: str) -> Any:
    if get_origin(expected) is tuple:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise Malformed(f"{where} is a list of words")
        return tuple(value)
    if get_origin(expected) is Mapping:
        expected = dict
    # JSON's true is no number, though Python's is.
    is_flag_for_number = isinstance(value, bool) and expected is not bool
    if is_flag_for_number or not isinstance(value, int | float if expected is float else expected):
        raise Malformed(f"{where} is of a wrong type")
    return float(value) if expected is float else value


_FIELDS: Mapping[type[Any], Mapping[str, Any]] = {
    kind: {f.name: get_type_hints(kind)[f.name] for f in fields(kind)} for kind in _TYPES.values()
}
