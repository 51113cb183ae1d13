"""Job type `echo-sleep-test`: says something, then sleeps. For trying a farm without Blender.

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
    """Sleeps wait for the echo, but not for each other.

    Raises:
        CompileError: asked to sleep, but not how long; or too often.
    """
    message = job.settings["message"]
    echo = AuthoredTask("echo", "misc", (AuthoredCommand("echo", {"message": message}),))
    # The default is the add-on's to apply: without a number there is no sleep.
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
