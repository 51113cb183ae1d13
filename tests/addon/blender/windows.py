"""Blender with a window, on a display of its own."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from tests.addon.blender.blenders import BLENDERS, environment_of

#: Less than a test may take.
_TIMEOUT_S = 280


def run_with_window(
    scene: Path, script: Path, question: Path, profile: Path, size: tuple[int, int]
) -> "subprocess.CompletedProcess[str]":
    """Run a script in Debian's Blender; the `bpy` module opens no window.

    Args:
        question: the script's argument.
        size: of the window, in pixels.
    """
    xvfb = shutil.which("xvfb-run")
    assert xvfb, "There is no xvfb-run: bash .ci/system-packages"
    width, height = map(str, size)
    argv = [
        *(xvfb, "-a", "-s", "-screen 0 1280x1024x24"),
        *(BLENDERS[0].command[0], "--factory-startup", "--no-window-focus"),
        "--python-use-system-env",
        *("--window-geometry", "0", "0", width, height),
        *(str(scene), "--python", str(script), "--", str(question)),
    ]
    process = subprocess.Popen(
        argv,
        env={
            **environment_of(profile),
            "LIBGL_ALWAYS_SOFTWARE": "1",
            # Python then ends Blender if anything touches Python's memory without Python's lock.
            "PYTHONMALLOC": "debug",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate(timeout=_TIMEOUT_S)
    except BaseException:
        # xvfb-run is a shell script: without it, Blender and the display would live on.
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return subprocess.CompletedProcess(argv, process.returncode, printed)
