"""Limits what Temporal's SDK writes to a process's log."""

from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter


def log_only_errors_of_sdk() -> None:
    """Let the SDK log only errors; call it before the first client is made.

    The SDK warns several times a second while it cannot reach a server. We log once that the server
    is away, and once that it is back.
    """
    errors = LoggingConfig(filter=TelemetryFilter(core_level="ERROR", other_level="ERROR"))
    Runtime.set_default(
        Runtime(telemetry=TelemetryConfig(logging=errors)), error_if_already_set=False
    )
