"""Two machines and a cable, made of network namespaces: nothing in there reaches anything else."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import IO

ROOT = Path(__file__).parents[3]


class Machine:
    """Programs can be started on it."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.address = address

    def start(
        self, *arguments: str, log: int | IO[bytes] = subprocess.PIPE
    ) -> "subprocess.Popen[bytes]":
        """A Python program; its process is the one that is returned."""
        return subprocess.Popen(
            ["ip", "netns", "exec", self.name, sys.executable, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT if log != subprocess.PIPE else None,
        )

    def run(self, *arguments: str) -> str:
        """What a Python program prints."""
        command = ["ip", "netns", "exec", self.name, sys.executable, *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout


class Cable:
    """`with Cable() as (one, other): …`; takes its machines away in the end."""

    def __init__(self) -> None:
        self._ends = [
            Machine(f"tablao-{os.getpid()}-{end}", f"10.77.0.{number}")
            for number, end in enumerate("ab", 1)
        ]

    def __enter__(self) -> tuple[Machine, Machine]:
        assert shutil.which("ip"), "these tests need network namespaces: apt-get install iproute2"
        assert os.geteuid() == 0, "these tests make network namespaces, which takes root"
        one, other = self._ends
        for machine in self._ends:
            _ip("netns", "add", machine.name)
        _ip(
            *("link", "add", "cable", "netns", one.name, "type", "veth"),
            *("peer", "name", "cable", "netns", other.name),
        )
        for machine in self._ends:
            inside = ("-n", machine.name)
            _ip(*inside, "address", "add", f"{machine.address}/24", "dev", "cable")
            _ip(*inside, "link", "set", "cable", "up")
            _ip(*inside, "link", "set", "lo", "up")
            _ip(*inside, "route", "add", "default", "dev", "cable")
        return one, other

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for machine in self._ends:
            subprocess.run(["ip", "netns", "delete", machine.name], check=False)


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"
