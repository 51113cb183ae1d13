"""`python -m tests.manager.shaman.load`: many files, sent by clients at once that overlap.

One client is killed in the middle of a file, one lies about what it sends. Then a large file is
sent, and the manager killed in the middle of another. The exit code is 0 only if every checkout is
complete and byte-identical, the store holds no false file, and the manager's memory stayed flat.
"""

import argparse
import filecmp
import hashlib
import http.client
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.farm.memory import MB, watched_memory
from tests.farm.processes import FarmProcesses, wait_until
from tests.manager.shaman.client import OCTETS, Client, Spec

#: Allowed growth of the manager, whatever it receives.
FLAT = 64 * MB
_BLOCK = 2**20
_ROOT = Path(__file__).parents[3]


@dataclass
class Project:
    """Files on this machine, and who sends which."""

    files: list[Spec] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)

    def of_client(self, number: int, honest: int) -> list[Spec]:
        """Two honest clients have each file in common."""
        return [
            spec
            for index, spec in enumerate(self.files)
            if number in (index % honest, (index // honest + index + 1) % honest)
        ]


@dataclass(frozen=True)
class Sent:
    answers: Counter[int]
    checkouts: list[tuple[str, list[Spec]]]
    seconds: float


def make_project(folder: Path, count: int) -> Project:
    """Small files, every hundredth a large one, every fiftieth the same as an earlier one."""
    chance = random.Random(count)
    project = Project()
    folder.mkdir()
    for number in range(count):
        size = chance.randrange(2**20, 2**22) if number % 100 == 7 else chance.randrange(2**14)
        content = chance.randbytes(size)
        if number % 50 == 49:
            content = Path(project.sources[project.files[number - 30]["sha"]]).read_bytes()
        source = folder / f"{number}.bin"
        source.write_bytes(content)
        sha = hashlib.sha256(content).hexdigest()
        project.sources[sha] = str(source)
        path = f"assets/{number % 40}/texture {number}.png"
        project.files.append({"sha": sha, "size": len(content), "path": path})
    return project


def send(farm: FarmProcesses, project: Project, clients: int) -> Sent:
    """With all clients at once, of which one is killed and one lies."""
    begun = time.monotonic()
    honest = clients - 2
    parts = [project.of_client(number, honest) for number in range(honest)]
    killed = _client(farm, project, project.files, "killed", "--stops-half-way")
    others = [_client(farm, project, part, f"job/{n}") for n, part in enumerate(parts)]
    liar = _client(farm, project, project.files, "liar", "--lies")
    assert killed.stdout is not None
    assert killed.stdout.readline()
    killed.kill()
    killed.communicate()
    answers: Counter[int] = Counter()
    checkouts = []
    for process, part in zip([*others, liar], [*parts, []], strict=True):
        said = _said(process)
        answers.update({int(code): n for code, n in said["answers"].items()})
        if part:
            checkouts.append((said["checkout"], part))
    all_of_it = Client(_address(farm), project.sources, "all")
    assert all_of_it.requirements(project.files) == []
    checkouts.append((all_of_it.check_out("job/all", project.files), project.files))
    return Sent(answers, checkouts, time.monotonic() - begun)


def problems(storage: Path, project: Project, sent: Sent) -> Iterator[str]:
    """What is not as it was promised."""
    for checkout, files in sent.checkouts:
        folder = storage / "jobs" / checkout
        there = {str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir()}
        if there != {spec["path"] for spec in files}:
            yield f"{checkout} has {len(there)} files, {len(files)} were sent"
        wrong = [
            spec["path"]
            for spec in files
            if not filecmp.cmp(folder / spec["path"], project.sources[spec["sha"]], shallow=False)
        ]
        if wrong:
            yield f"{checkout}: {len(wrong)} files differ, such as {wrong[0]}"
    stored = list((storage / "file-store/stored").rglob("*.blob"))
    if len(stored) != len(project.sources):
        yield f"{len(stored)} files are stored, not {len(project.sources)}"
    yield from (f"{blob} is false" for blob in stored if _is_false(blob))


def left_over(storage: Path) -> list[Path]:
    """Of uploads that did not end."""
    return list((storage / "file-store/uploading").iterdir())


def send_large(farm: FarmProcesses, megabytes: int, *, only: int | None = None) -> int | None:
    """A file that is nowhere in memory; the status, or None if only `only` MB are sent."""
    block = random.Random(megabytes).randbytes(_BLOCK)
    sha = hashlib.sha256()
    for _ in range(megabytes):
        sha.update(block)
    connection = http.client.HTTPConnection(_address(farm), timeout=300)
    size = megabytes * _BLOCK
    connection.putrequest("POST", f"/api/v3/shaman/files/{sha.hexdigest()}/{size}")
    for name, value in (OCTETS | {"content-length": str(size)}).items():
        connection.putheader(name, value)
    connection.endheaders()
    for _ in range(megabytes if only is None else only):
        connection.send(block)
    if only is not None:
        wait_until(lambda: left_over(_storage(farm)))
        return None
    return connection.getresponse().status


def kill_manager_while_receiving(farm: FarmProcesses, megabytes: int) -> list[str]:
    """And send the same file again once it is back; what is wrong then."""
    send_large(farm, megabytes, only=megabytes // 2)
    before = len(list((_storage(farm) / "file-store/stored").rglob("*.blob")))
    farm.kill_manager()
    during = len(list((_storage(farm) / "file-store/stored").rglob("*.blob")))
    farm.start_manager()
    status = send_large(farm, megabytes)
    found = [] if status == 200 else [f"sent again after the kill: {status}"]
    return found if before == during else [*found, "half a file is stored"]


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="tablao-shaman-") as folder:
        project = make_project(Path(folder) / "project", options.files)
        with FarmProcesses(Path(folder) / "farm") as farm:
            found = [
                *_load(farm, project, options.clients),
                *_large(farm, options.large),
                *kill_manager_while_receiving(farm, max(options.large // 4, 2)),
            ]
    _say("as promised" if not found else "NOT as promised")
    sys.exit("\n".join(found) or 0)


def _load(farm: FarmProcesses, project: Project, clients: int) -> list[str]:
    megabytes = sum(spec["size"] for spec in project.files) / MB
    with watched_memory(farm) as memory:
        sent = send(farm, project, clients)
    wait_until(lambda: not left_over(_storage(farm)))
    found = list(problems(_storage(farm), project, sent))
    _say(
        f"{len(project.files)} files ({megabytes:.0f} MB, {len(project.sources)} different) by "
        f"{clients} clients at once in {sent.seconds:.0f} s: {clients - 2} finished, 1 killed in "
        f"the middle of a file, 1 lied"
    )
    _say("answers to uploads: " + ", ".join(f"{n} x {c}" for c, n in sorted(sent.answers.items())))
    _say(
        f"checkouts: {len(sent.checkouts)}, with {sum(len(f) for _, f in sent.checkouts)} files; "
        f"stored: {len(project.sources)}; problems: {len(found)}"
    )
    return found + _memory_problems(farm, memory.before["manager"], memory.peak["manager"])


def _large(farm: FarmProcesses, megabytes: int) -> list[str]:
    begun = time.monotonic()
    with watched_memory(farm) as memory:
        status = send_large(farm, megabytes)
    _say(f"one file of {megabytes} MB: {status}, {time.monotonic() - begun:.0f} s")
    found = [] if status == 200 else [f"the large file: {status}"]
    return found + _memory_problems(farm, memory.before["manager"], memory.peak["manager"])


def _memory_problems(farm: FarmProcesses, before: int, peak: int) -> list[str]:
    assert farm.manager is not None
    after = psutil.Process(farm.manager.pid).memory_info().rss
    _say(f"the manager's memory: {before // MB} MB before, {peak // MB} peak, {after // MB} after")
    return [] if peak - before < FLAT else [f"memory grew by {(peak - before) // MB} MB"]


def _client(
    farm: FarmProcesses, project: Project, files: list[Spec], checkout: str, *how: str
) -> "subprocess.Popen[str]":
    manifest = farm.directory / f"{checkout.replace('/', '-')}.json"
    manifest.write_text(json.dumps({"files": files, "sources": project.sources}))
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.manager.shaman.client",
            _address(farm),
            manifest,
            checkout,
            *how,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
    )


def _said(process: "subprocess.Popen[str]") -> dict[str, Any]:
    out, _ = process.communicate()
    assert process.returncode == 0, "a client failed; what it said is above"
    return dict(json.loads(out))


def _is_false(blob: Path) -> bool:
    with blob.open("rb") as content:
        sha = hashlib.file_digest(content, "sha256").hexdigest()
    return sha != blob.parent.parent.name + blob.parent.name


def _address(farm: FarmProcesses) -> str:
    return farm.url.removeprefix("http://")


def _storage(farm: FarmProcesses) -> Path:
    return farm.data_dir / "storage"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.manager.shaman.load", description=__doc__
    )
    parser.add_argument("--files", type=int, default=5_000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--large", type=int, default=1_024, metavar="MB", help="the large file")
    return parser


if __name__ == "__main__":
    main()
