"""A storage that can be unmounted while a farm uses it; its empty mount point remains."""

import os
import subprocess
from pathlib import Path


class LostStorage:
    """A folder at whose place another one is mounted, which takes root.

    Args:
        folder: the mount point; it is created.
    """

    def __init__(self, folder: Path) -> None:
        assert os.geteuid() == 0, "this mounts a folder, which takes root"
        self.folder = folder
        self.server = folder.with_name("server")
        """Where the files are, whether or not they are mounted."""
        self._is_mounted = False
        self.folder.mkdir(parents=True)
        self.server.mkdir()

    def mount(self) -> None:
        subprocess.run(["mount", "--bind", self.server, self.folder], check=True)
        self._is_mounted = True

    def unmount(self) -> None:
        if self._is_mounted:
            # Lazily, because a process may have files open there.
            subprocess.run(["umount", "--lazy", self.folder], check=True)
            self._is_mounted = False
