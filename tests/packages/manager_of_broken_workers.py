"""A manager whose package for workers is broken, though its digest is right: `tablao` as a script.

The host in it begins, and ends before it has said anything to the farm.
"""

from collections.abc import Iterator
from pathlib import Path

from manager_api.cli.main import main
from manager_api.upgrades import package

_files = package._files
_BEGIN = b"    async def run(self) -> Ended:\n"
_BREAK = b"        raise SystemExit('broken on purpose')\n"


def _broken(root: Path) -> Iterator[tuple[str, bytes]]:
    for name, data in _files(root):
        if name == "worker_host/host.py":
            assert _BEGIN in data
            data = data.replace(_BEGIN, _BEGIN + _BREAK)
        yield name, data


if __name__ == "__main__":
    package._files = _broken
    main()
