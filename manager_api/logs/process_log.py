"""The manager's own log: one line for each message, on standard error.

    2026-05-01T12:00:00.000000Z warning  hosts fell silent  workers=['…'] logger=manager_api.hosts

Line breaks in names and tracebacks are escaped, so each message stays one line, and a job's name
cannot forge a line of the manager.
"""

import json
import logging
from collections.abc import MutableMapping
from typing import Any

import structlog

#: Loggers that report each connection, request, table or packet.
_CHATTY = (
    *("uvicorn", "websockets", "httpx", "httpcore", "zeroconf", "asyncio"),
    *("alembic", "aiosqlite"),
)

_OURS = ("manager_api", "activities", "workflows")

_TO_EVENT: tuple[structlog.typing.Processor, ...] = (
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def set_up_log(level: str) -> None:
    """Set up the log of this process; call it once."""
    handler = logging.StreamHandler()
    handler.setFormatter(one_line_formatter())
    logging.basicConfig(handlers=[handler], force=True)
    set_level(level)


def set_level(level: str) -> None:
    """Set the level: `debug`, `info`, `warning` or `error`.

    Only our own messages have the level `debug`: at that level, libraries log the headers of
    requests, and with them passwords, tokens and the secrets of workers.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    logging.getLogger().setLevel(max(number, logging.INFO))
    for name in _OURS:
        logging.getLogger(name).setLevel(number)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))


def one_line_formatter() -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_TO_EVENT,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _one_line,
        ],
    )


def _one_line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    when, level = event.pop("timestamp", ""), event.pop("level", "")
    text, name = event.pop("event", ""), event.pop("logger", "")
    event.pop("color_message", None)  # uvicorn's message with the color codes of a terminal
    words = [f"{key}={_word(value)}" for key, value in event.items()]
    return _printable(f"{when} {level:<8} {'  '.join([str(text), *words])}  logger={name}")


def _word(value: object) -> str:
    text = str(value)
    return text if text and " " not in text and '"' not in text else json.dumps(text)


def _printable(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
