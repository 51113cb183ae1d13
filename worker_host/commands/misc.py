"""exec, echo, sleep, log. Standard library only."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from worker_host.commands.parameters import CommandFailed, number, text, texts

if TYPE_CHECKING:
    from worker_host.commands.context import Context


def run_program(parameters: Mapping[str, Any], context: "Context") -> None:
    """Run a program without a shell, for `exec`."""
    context.run([text(parameters, "exe"), *texts(parameters, "args")])


def echo(parameters: Mapping[str, Any], context: "Context") -> None:
    context.log(f'echo: "{text(parameters, "message", may_be_empty=True)}"')


def log(parameters: Mapping[str, Any], context: "Context") -> None:
    """Log the message as it is, as Flamenco 2 does."""
    context.log(text(parameters, "message", may_be_empty=True))


def sleep(parameters: Mapping[str, Any], context: "Context") -> None:
    duration = number(parameters, "duration_in_seconds")
    if not 0 <= duration < 1e9:
        raise CommandFailed(f"cannot sleep for {duration} seconds")
    seconds = int(duration)
    context.sleep(seconds)
    context.log(f"slept {shown_duration(seconds)}")


def shown_duration(seconds: int) -> str:
    """Return the duration as Go writes it: 5s, 1m30s, 1h0m0s."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{seconds}s"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"


COMMANDS = {"exec": run_program, "echo": echo, "log": log, "sleep": sleep}
