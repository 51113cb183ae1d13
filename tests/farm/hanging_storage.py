"""A storage that hangs: each look at it waits for a server that never answers, which takes root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def hanging_storage(folder: Path) -> Iterator[Path]:
    """A mount at `folder`, which is created; the looks that hang fail when it ends."""
    assert os.geteuid() == 0, "this mounts a file system, which takes root"
    folder.mkdir(parents=True)
    # The kernel's end of a file system in a program; there is no program at the other end.
    server = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={server},rootmode=40000,user_id=0,group_id=0"
    mount = ["mount", "-i", "-t", "fuse", "-o", options, "hanging", str(folder)]
    try:
        subprocess.run(mount, check=True, pass_fds=[server])
        yield folder
    finally:
        os.close(server)
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
