"""The address to listen on, as Flamenco writes it: `127.0.0.1:8080`, `:8080`, `[::1]:8080`."""

_HIGHEST_PORT = 65_535


def host_and_port(listen: str) -> tuple[str, int]:
    """Return host and port of an address to listen on.

    Raises:
        ValueError: the text is not such an address.
    """
    host, colon, port = listen.strip().rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        colon = ""
    if not colon or not port.isascii() or not port.isdigit() or int(port) > _HIGHEST_PORT:
        raise ValueError(f'"{listen[:100]}" is not HOST:PORT, as in 127.0.0.1:8080 or [::1]:8080')
    return host, int(port)


def address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
