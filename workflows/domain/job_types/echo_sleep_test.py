"""Job type `echo-sleep-test`: prints a message, then sleeps. It tests a farm without Blender.

Source: Flamenco 3.9.
"""

from workflows.domain.job_types.checking import missing
from workflows.domain.job_types.definitions import (
    MAX_TASKS,
    AuthoredCommand,
    AuthoredTask,
    CompileError,
    JobType,
    Setting,
    SettingType,
    SubmittedJob,
)


def compile_job(job: SubmittedJob) -> list[AuthoredTask]:
    """Return an echo task, and sleep tasks that wait for it but not for each other.

    Raises:
        CompileError: there are sleeps without a duration, or too many.
    """
    message = job.settings["message"]
    echo = AuthoredTask("echo", "misc", (AuthoredCommand("echo", {"message": message}),))
    # The add-on applies the default: without a number there is no sleep.
    repeats = int(job.settings.get("sleep_repeats") or 0)
    if repeats < 1:
        return [echo]
    if repeats >= MAX_TASKS:
        raise CompileError(f'The setting "sleep_repeats" must be below {MAX_TASKS:,}.')
    duration = job.settings.get("sleep_duration_seconds")
    if duration is None:
        raise missing("sleep_duration_seconds")
    sleep = AuthoredCommand("sleep", {"duration_in_seconds": int(duration)})
    return [echo, *(AuthoredTask("sleep", "misc", (sleep,), (1,)) for _ in range(repeats))]


JOB_TYPE = JobType(
    name="echo-sleep-test",
    label="Echo Sleep Test",
    compile_job=compile_job,
    settings=(
        Setting(key="message", type=SettingType.STRING, required=True),
        Setting(key="sleep_duration_seconds", type=SettingType.INT32, default=1),
        Setting(key="sleep_repeats", type=SettingType.INT32, default=1),
    ),
)
