"""Does what no job type should; the setting chooses."""

import ctypes
import json
import os
import subprocess
import sys
import time

from manager_api.job_types.authoring import Command, Job, Task

JOB_TYPE = {
    "label": "Misbehaving",
    "settings": [{"key": "how", "type": "string", "required": True}],
}


def compile_job(job: Job) -> None:
    WAYS[job.settings["how"]](job)


def loop(_job: Job) -> None:
    while True:
        pass


def hoard(_job: Job) -> None:
    pieces = []
    while True:
        pieces.append(bytearray(2**24))


def crash(_job: Job) -> None:
    ctypes.string_at(0)


def end(_job: Job) -> None:
    os._exit(3)


def sleep(_job: Job) -> None:
    time.sleep(3600)


def mistake(_job: Job) -> None:
    raise KeyError("camera")


def give_up(_job: Job) -> None:
    sys.exit("enough")


def look(job: Job) -> None:
    task = Task("seen", "misc")
    task.add_command(Command("echo", {"message": json.dumps(dict(os.environ))}))
    job.add_task(task)


def shout(job: Job) -> None:
    """Past what Python calls its standard output."""
    subprocess.run(["echo", "olé"], check=True)
    os.write(1, b"more")
    look(job)


def odd_parameters(_job: Job) -> None:
    Command("echo", {"message": object()})


def leave(job: Job) -> None:
    """Leave programs behind, one in its own session."""
    left = [subprocess.Popen(["sleep", "600"], start_new_session=own) for own in (False, True)]
    task = Task("left", "misc")
    task.add_command(Command("echo", {"message": json.dumps([each.pid for each in left])}))
    job.add_task(task)


WAYS = {
    function.__name__: function
    for function in (
        loop,
        hoard,
        crash,
        end,
        sleep,
        mistake,
        give_up,
        look,
        shout,
        odd_parameters,
        leave,
    )
}
