"""A person reads words about a connection that failed, and no names of classes."""

import asyncio
import socket
import ssl
from typing import Any

import httpx
import pytest
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError, InvalidHandshake, InvalidStatus
from websockets.frames import Close
from websockets.http11 import Response

from activities.connections.failures import why_it_failed


def certificate(code: int, message: str = "") -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, message
    return error


def caused(outer: BaseException, inner: BaseException) -> BaseException:
    outer.__cause__ = inner
    return outer


def answered(status: int) -> httpx.HTTPStatusError:
    request = httpx.Request("GET", "http://farm")
    return httpx.HTTPStatusError("", request=request, response=httpx.Response(status))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "x"), "its name is not known"),
        (
            socket.gaierror(socket.EAI_AGAIN, "x"),
            "its name cannot be looked up at the moment",
        ),
        (ConnectionRefusedError(111, "Connect call failed ('10.0.0.7', 80)"), "connection refused"),
        (ConnectionResetError(104, "x"), "it broke off the connection"),
        (OSError(113, "x"), "no way leads to it"),
        (PermissionError(13, "secret"), "permission denied"),
        (TimeoutError(), "no answer in time"),
        (httpx.ConnectTimeout(""), "no answer in time"),
        (certificate(10), "its certificate has expired"),
        (certificate(62), "its certificate is for another name"),
        (
            certificate(18, "self-signed certificate"),
            "its certificate is not trusted (self-signed certificate)",
        ),
        (ssl.SSLCertVerificationError(1, "x"), "its certificate is not trusted"),
        (ssl.SSLError(1, "WRONG_VERSION_NUMBER"), "it does not speak TLS, or no version of it"),
        (httpx.RemoteProtocolError("secret"), "it does not answer as HTTP has it"),
        (httpx.ReadError(""), "it broke off the connection"),
        (answered(418), "it answered HTTP 418"),
        (InvalidStatus(Response(502, "", Headers())), "it answered HTTP 502"),
        (ConnectionClosedError(Close(4401, ""), None), "it closed the connection (code 4401)"),
        (ConnectionClosedError(None, None), "it broke off the connection"),
        (InvalidHandshake("secret"), "it does not answer as a manager does"),
        (UnicodeError("secret"), "this is no address of a machine"),
        (httpx.ConnectError("secret"), "the connection failed"),
        (
            caused(
                httpx.ConnectError("x"), caused(OSError("all"), ConnectionRefusedError(111, ""))
            ),
            "connection refused",
        ),
        (
            caused(
                httpx.ConnectError("x"), ExceptionGroup("", [OSError(113, ""), OSError(111, "")])
            ),
            "no way leads to it",
        ),
        (caused(httpx.ConnectError("x"), socket.gaierror(-2, "x")), "its name is not known"),
    ],
)
def test_each_failure_has_its_words(error: BaseException, words: str) -> None:
    said = why_it_failed(error)

    assert said.startswith(words)
    assert "secret" not in said


def test_an_error_that_leads_to_itself_is_described_too() -> None:
    first, second = httpx.ConnectError("x"), OSError("y")
    caused(caused(first, second), first).__cause__ = second
    second.__cause__ = first

    assert why_it_failed(first) == "the connection failed"


def of_kind(kind: type[BaseException]) -> list[type[BaseException]]:
    """The same kinds in the same order for each process of a run."""
    found = {kind}.union(*map(of_kind, kind.__subclasses__()))
    return sorted(found, key=lambda each: each.__name__)


@pytest.mark.parametrize(
    "kind",
    [
        each
        for each in (*of_kind(httpx.TransportError), httpx.DecodingError, httpx.TooManyRedirects)
        if each.__module__.startswith("httpx")
    ],
)
def test_no_error_of_the_library_is_named(kind: type[Any]) -> None:
    said = why_it_failed(kind("secret"))

    assert said
    assert kind.__name__ not in said
    assert "secret" not in said


async def test_a_closed_port_refuses() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        async with httpx.AsyncClient() as client:
            with pytest.raises(httpx.ConnectError) as refusal:
                await client.get(url)

    assert why_it_failed(refusal.value) == "connection refused"


async def test_a_server_without_tls_is_known_as_such() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server, httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError) as refusal:
            await client.get(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")

    assert why_it_failed(refusal.value).startswith("it does not speak TLS")
