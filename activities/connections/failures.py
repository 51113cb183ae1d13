"""Says in words why a connection failed.

No sentence quotes an error: its text may have the address in it, and that a secret.
"""

import errno
import os
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

#: OpenSSL's X509_V_ERR_… of certificates (x509_vfy.h).
_NOT_YET_VALID, _EXPIRED, _OTHER_NAME, _OTHER_NUMBER = 9, 10, 62, 64
_OF_CERTIFICATES = {
    _NOT_YET_VALID: "its certificate is not valid yet",
    _EXPIRED: "its certificate has expired",
    _OTHER_NAME: "its certificate is for another name",
    _OTHER_NUMBER: "its certificate is for another address",
}
_UNKNOWN = "the connection failed"
#: Errors of the system, in our words.
_OF_SYSTEM = {
    errno.EHOSTUNREACH: "no way leads to it",
    errno.ENETUNREACH: "no way leads to it",
    errno.ENETDOWN: "the network is down",
}


def why_it_failed(error: BaseException) -> str:
    """Return a clause about the other end: "connection refused", "its name is not known"."""
    found = [words for each in _causes(error) if (words := _words(each))]
    # The innermost error is the cause of the others.
    return found[-1] if found else _UNKNOWN


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what has led to it, the innermost last."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        # One attempt for each address of a name, of which the first is as good as the others.
        of_group = at.exceptions[0] if isinstance(at, BaseExceptionGroup) else None
        at = of_group or at.__cause__ or at.__context__


def _of_name(error: socket.gaierror) -> str:
    is_later = error.errno == socket.EAI_AGAIN
    return "its name cannot be looked up at the moment" if is_later else "its name is not known"


def _of_certificate(error: ssl.SSLCertVerificationError) -> str:
    # Python's own error has both; one that a library has made may have neither.
    code, said = getattr(error, "verify_code", 0), getattr(error, "verify_message", "")
    return _OF_CERTIFICATES.get(code, f"its certificate is not trusted{said and f' ({said})'}")


def _of_system(error: OSError) -> str:
    """Return nothing about an error without a number: such ones only collect others."""
    if error.errno is None:
        return ""
    return _OF_SYSTEM.get(error.errno) or os.strerror(error.errno).lower()


def _of_status(error: httpx.HTTPStatusError | InvalidStatus) -> str:
    return f"it answered HTTP {error.response.status_code}"


def _of_end(error: ConnectionClosed) -> str:
    if error.rcvd is None:
        return _BROKEN
    return error.rcvd.reason or f"it closed the connection (code {error.rcvd.code})"


_BROKEN = "it broke off the connection"
_NOT_HTTP = "it does not answer as HTTP has it, or breaks off"
_NO_ADDRESS = "this is no address of a machine"
#: The first that fits is used.
_WORDS: Sequence[tuple[type[BaseException], str | Callable[[Any], str]]] = (
    (socket.gaierror, _of_name),
    (UnicodeError, _NO_ADDRESS),
    (httpx.InvalidURL, _NO_ADDRESS),
    (httpx.UnsupportedProtocol, _NO_ADDRESS),
    (TimeoutError, "no answer in time"),
    (httpx.TimeoutException, "no answer in time"),
    (ssl.SSLCertVerificationError, _of_certificate),
    (ssl.SSLError, "it does not speak TLS, or no version of it that is safe"),
    (ConnectionRefusedError, "connection refused"),
    (ConnectionError, _BROKEN),
    (EOFError, _BROKEN),
    (OSError, _of_system),
    (httpx.HTTPStatusError, _of_status),
    (InvalidStatus, _of_status),
    (ConnectionClosed, _of_end),
    (httpx.TooManyRedirects, "it leads from one address to the next without end"),
    (httpx.ProxyError, "the proxy on the way refuses the connection"),
    (httpx.ProtocolError, _NOT_HTTP),
    (httpx.DecodingError, _NOT_HTTP),
    (httpx.ReadError, _BROKEN),
    (httpx.WriteError, _BROKEN),
    (WebSocketException, "it does not answer as a manager does"),
)


def _words(error: BaseException) -> str:
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words if isinstance(words, str) else words(error)
    return ""
