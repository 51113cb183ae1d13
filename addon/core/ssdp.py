"""Makes one question by SSDP, "where is a Flamenco?", and reads its answers.

Flamenco's and our managers answer it. Source of names and numbers: Flamenco.
"""

from urllib.parse import urlsplit

GROUP = ("239.255.255.250", 1900)
_SERVICE_TYPE = "urn:flamenco:manager:0"
_DEVICE = "aa80bc5f-d0af-46b8-8630-23bd7e80ec4d"
_LONGEST_ANSWER = 2048
#: Managers answer within this time, in seconds.
_WITHIN_S = 1


def question() -> bytes:
    lines = (
        "M-SEARCH * HTTP/1.1",
        f"HOST: {GROUP[0]}:{GROUP[1]}",
        'MAN: "ssdp:discover"',
        f"MX: {_WITHIN_S}",
        f"ST: {_SERVICE_TYPE}",
        "",
        "",
    )
    return "\r\n".join(lines).encode()


def urls_in(datagram: bytes, sender: str) -> list[str]:
    """Return the URL of the manager in an answer; none if it is about something else.

    Args:
        sender: the sender's address; not used, because an answer names the manager's address.
    """
    if len(datagram) > _LONGEST_ANSWER:
        return []
    first, *lines = datagram.decode("latin-1").split("\r\n")
    headers = {
        name.strip().upper(): text.strip()
        for name, _, text in (each.partition(":") for each in lines)
    }
    if not first.startswith("HTTP/1.1 200") or _DEVICE not in headers.get("USN", ""):
        return []
    try:
        place = urlsplit(headers.get("LOCATION", ""))
        port = place.port
    except ValueError:
        return []
    if place.scheme not in ("http", "https") or not place.hostname:
        return []
    # LOCATION is the URL of a description for programs, below the manager's own.
    host = f"[{place.hostname}]" if ":" in place.hostname else place.hostname
    folder = place.path.partition("/upnp/")[0].rstrip("/")
    return [f"{place.scheme}://{host}" + (f":{port}" if port else "") + folder]
