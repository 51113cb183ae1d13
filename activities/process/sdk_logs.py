"""What Temporal's SDK may say in the log of a process of ours."""

from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter


def log_only_errors_of_sdk() -> None:
    """Call it before the first client is made.

    The SDK warns of each try to reach a server that is away, several times a second. That it is
    away, and that it is back, we say once.
    """
    errors = LoggingConfig(filter=TelemetryFilter(core_level="ERROR", other_level="ERROR"))
    Runtime.set_default(
        Runtime(telemetry=TelemetryConfig(logging=errors)), error_if_already_set=False
    )
