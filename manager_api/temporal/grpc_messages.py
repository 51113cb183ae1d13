"""How gRPC writes messages, times and refusals on HTTP/2.

Source: gRPC over HTTP2, https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

import base64
from collections.abc import Sequence

from temporalio.service import RPCStatusCode

_PREFIX = 5
_LARGEST_DETAILS = 4096
_SECONDS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_LONGEST_NUMBER = 8


class CallRefused(Exception):
    """A call is answered without a message.

    Args:
        status: gRPC's status code.
        sentence: for the caller.
        details: the serialized `google.rpc.Status`, if there is more to say.
    """

    def __init__(self, status: RPCStatusCode, sentence: str, details: bytes = b"") -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.details = details

    def details_header(self) -> Sequence[tuple[str, str]]:
        if not self.details or len(self.details) > _LARGEST_DETAILS:
            return ()
        encoded = base64.b64encode(self.details).decode().rstrip("=")
        return (("grpc-status-details-bin", encoded),)


class CallForbidden(CallRefused):
    """A call that its caller may not make."""

    def __init__(
        self, sentence: str, status: RPCStatusCode = RPCStatusCode.PERMISSION_DENIED
    ) -> None:
        super().__init__(status, sentence)


def http2_headers() -> Sequence[tuple[str, str]]:
    """Return the headers of every answer."""
    return ((":status", "200"), ("content-type", "application/grpc"))


def framed(message: bytes) -> bytes:
    return b"\0" + len(message).to_bytes(4, "big") + message


def unframed(body: bytes | bytearray) -> bytes:
    """Return the only message of a body.

    Raises:
        CallRefused: it is compressed, or there is not exactly one.
    """
    length = int.from_bytes(body[1:_PREFIX], "big")
    if len(body) < _PREFIX or len(body) != _PREFIX + length:
        raise CallRefused(RPCStatusCode.INVALID_ARGUMENT, "a call has exactly one message")
    if body[0]:
        raise CallRefused(RPCStatusCode.UNIMPLEMENTED, "compressed messages are not taken")
    return bytes(body[_PREFIX:])


def timeout_of(header: str) -> float | None:
    """Return the seconds of a `grpc-timeout`; None if it has none, or is not one."""
    number, unit = header[:-1], _SECONDS.get(header[-1:])
    if unit is None or len(number) > _LONGEST_NUMBER or not (number.isascii() and number.isdigit()):
        return None
    return int(number) * unit
